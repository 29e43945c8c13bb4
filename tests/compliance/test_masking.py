import pytest

from compliance.masking import mask


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+12025550143", "+1 202 ••• 0143"),
        ("+442071838750", "+44 ••• 50"),
        ("+2901234", "+29 ••• 34"),
        ("2025550143", "•••"),
        ("911", "•••"),
        ("user:u1", "•••"),
        ("", "•••"),
        (None, "•••"),
    ],
)
def test_a_number_is_recognised_but_not_read(number, shown):
    """Enough for its owner, too little to call; what is not E.164 is not shown at all."""
    assert mask(number) == shown
