import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks
from compliance.facts import Media
from compliance.rules.message_size import check
from tests.builders import a_case, a_message

TOO_LONG = blocks(Code.MESSAGE_TOO_LONG)
TYPE = blocks(Code.MEDIA_TYPE)
TOO_LARGE = blocks(Code.MEDIA_TOO_LARGE)

ALLOWED = (
    "image/jpeg image/png image/gif image/heic image/webp audio/mpeg audio/wav audio/midi video/mp4 video/mpeg "
    "video/3gpp text/plain text/vcard text/x-vcard"
).split()


def found(*media, **message):
    """Ask the rule about a message with these attachments: type and bytes each."""
    return check(a_case(message=a_message(media=tuple(Media(*item) for item in media), **message)))


class TestText:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", NOTHING),
            ("a" * 1_530, NOTHING),
            ("a" * 1_531, TOO_LONG),
            ("\N{SNOWMAN}" * 670, NOTHING),
            ("\N{SNOWMAN}" * 671, TOO_LONG),
        ],
    )
    def test_ten_segments_are_the_most(self, text, expected):
        """Ten times 153 septets, or 67 code units."""
        assert found(text=text) == expected

    def test_an_mms_has_no_segments(self):
        """Neither one with media nor one to several."""
        assert found(("image/png", 1), text="a" * 5_000) == NOTHING
        assert found(text="a" * 5_000, participants=2) == NOTHING


class TestMediaType:
    @pytest.mark.parametrize("mime", ALLOWED)
    def test_what_carriers_take(self, mime):
        """Fourteen types."""
        assert found((mime, 1)) == NOTHING

    @pytest.mark.parametrize("mime", ["image/tiff", "image/svg+xml", "application/pdf", "text/html", "IMAGE/PNG", ""])
    def test_what_they_do_not(self, mime):
        """Alone or among good ones."""
        assert found((mime, 1)) == TYPE
        assert found(("image/png", 1), (mime, 1), ("video/mp4", 1)) == TYPE


class TestMediaSize:
    @pytest.mark.parametrize(("size", "expected"), [(20_000_000, NOTHING), (20_000_001, TOO_LARGE)])
    def test_an_image_may_be_large(self, size, expected):
        """Each by itself; it is resized for the carrier."""
        assert found(("image/jpeg", size)) == expected
        assert found(("image/jpeg", 20_000_000), ("image/png", size)) == expected

    @pytest.mark.parametrize(("size", "expected"), [(1_000_000, NOTHING), (1_000_001, TOO_LARGE)])
    def test_other_media_may_not(self, size, expected):
        """In sum; images do not count in it."""
        assert found(("video/mp4", size)) == expected
        assert found(("video/mp4", 400_000), ("audio/wav", size - 400_000)) == expected
        assert found(("video/mp4", size), ("image/png", 20_000_000)) == expected

    def test_an_image_of_a_wrong_type_is_measured_as_an_image(self):
        """Both findings are said."""
        assert found(("image/tiff", 20_000_000)) == TYPE
        assert found(("image/tiff", 20_000_001)) == TYPE + TOO_LARGE

    @pytest.mark.parametrize(("items", "expected"), [(10, NOTHING), (11, TOO_LARGE)])
    def test_ten_items_are_the_most(self, items, expected):
        """However small."""
        assert found(*[("image/gif", 1)] * items) == expected
