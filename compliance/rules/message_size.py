"""What carriers take: ten segments, ten attachments of known types, and no more bytes than fit through.

Source: rule 2.10 point 1 of tests/cases/README.md. Images may be large, for they are resized for the carrier; other
media go as they are.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks
from compliance.facts import Media

MOST_SEGMENTS = 10
MOST_ITEMS = 10
LARGEST_IMAGE_BYTES = 20_000_000
LARGEST_OTHER_BYTES = 1_000_000
MEDIA_TYPES = frozenset(
    "image/jpeg image/png image/gif image/heic image/webp audio/mpeg audio/wav audio/midi video/mp4 video/mpeg "
    "video/3gpp text/plain text/vcard text/x-vcard".split(),
)

_TOO_LONG = blocks(Code.MESSAGE_TOO_LONG)
_TYPE = blocks(Code.MEDIA_TYPE)
_TOO_LARGE = blocks(Code.MEDIA_TOO_LARGE)


def check(case: Case) -> tuple[Finding, ...]:
    """Find a message that is too long, or media that cannot travel."""
    if not case.is_mms:
        return _TOO_LONG if case.segments.segments > MOST_SEGMENTS else NOTHING
    media = case.facts.message.media
    wrong_type = any(item.type not in MEDIA_TYPES for item in media)
    return (_TYPE if wrong_type else NOTHING) + (_TOO_LARGE if _is_too_large(media) else NOTHING)


def _is_too_large(media: tuple[Media, ...]) -> bool:
    if len(media) > MOST_ITEMS:
        return True
    other_bytes = 0
    for item in media:
        if not item.type.startswith("image/"):
            other_bytes += item.bytes
        elif item.bytes > LARGEST_IMAGE_BYTES:
            return True
    return other_bytes > LARGEST_OTHER_BYTES
