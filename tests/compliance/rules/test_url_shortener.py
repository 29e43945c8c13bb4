import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks, flags
from compliance.rules.url_shortener import check
from tests.builders import a_text_case

REFUSED = blocks(Code.CONTENT_PUBLIC_URL_SHORTENER)
DOUBTFUL = flags(Code.CONTENT_PUBLIC_URL_SHORTENER)


class TestUrlShortener:
    @pytest.mark.parametrize(
        "host",
        "bit.ly goo.gl tinyurl.com tiny.cc lc.chat is.gd soo.gd s2r.co clicky.me budurl.com bc.vc".split(),
    )
    def test_the_eleven_that_carriers_name_are_refused(self, host):
        """Alone, behind a scheme, and as a subdomain."""
        assert check(a_text_case(host)) == REFUSED
        assert check(a_text_case(f"see https://{host}/x1")) == REFUSED
        assert check(a_text_case(f"see go.{host}/x1 now")) == REFUSED

    @pytest.mark.parametrize(
        "host",
        (
            "t.co ow.ly buff.ly rebrand.ly cutt.ly shorturl.at rb.gy t.ly bl.ink shorte.st adf.ly v.gd x.co lnkd.in"
        ).split(),
    )
    def test_the_others_are_worth_a_look(self, host):
        """The same forms."""
        assert check(a_text_case(host)) == DOUBTFUL
        assert check(a_text_case(f"see http://{host}/x1")) == DOUBTFUL
        assert check(a_text_case(f"see go.{host}/x1 now")) == DOUBTFUL

    @pytest.mark.parametrize("text", ["t.co and bit.ly", "bit.ly and t.co"])
    def test_the_worse_one_counts(self, text):
        """One finding."""
        assert check(a_text_case(text)) == REFUSED

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "see you",
            "youtu.be/x",
            "wa.me/1",
            "bit.lyx",
            "rabbit.ly",
            "me@bit.ly",
            "example.com/bit.ly",
            "bit.ly.io",
        ],
    )
    def test_what_is_no_shortener(self, text):
        """Video and chat links, longer hosts, mail addresses and paths."""
        assert check(a_text_case(text)) == NOTHING
