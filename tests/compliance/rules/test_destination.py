import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, ends
from compliance.rules.destination import check
from tests.builders import CANADA, PUERTO_RICO, TOLL_FREE, US, a_case, a_message


class TestDestination:
    @pytest.mark.parametrize("to", [US, PUERTO_RICO, CANADA, TOLL_FREE])
    def test_where_texts_go(self, to):
        """The United States, their territories, Canada and toll-free numbers."""
        assert check(a_case(message=a_message(to=to))) == NOTHING

    @pytest.mark.parametrize(
        ("to", "code"),
        [
            ("12", Code.INVALID_DESTINATION),
            ("user:u7", Code.INVALID_DESTINATION),
            ("ext:1001", Code.INVALID_DESTINATION),
            ("+15005550143", Code.INVALID_DESTINATION),
            ("72345", Code.DESTINATION_SHORT_CODE),
            ("+19005550143", Code.DESTINATION_PREMIUM),
            ("+18765550143", Code.DESTINATION_COUNTRY_NOT_ALLOWED),
            ("+442079460958", Code.DESTINATION_COUNTRY_NOT_ALLOWED),
        ],
    )
    def test_where_they_do_not(self, to, code):
        """Nothing else matters then; the Caribbean is abroad though its country code is 1."""
        assert check(a_case(message=a_message(to=to))) == ends(code)
