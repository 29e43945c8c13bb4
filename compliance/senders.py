"""The canonical form of a sender's number: how "from" is written before anything else looks at it.

Letters are not translated: nobody's own number is a word. What kind of number it is comes from the inventory, not
from here.
"""

import re
from typing import Final

from compliance.destinations import SEPARATORS
from compliance.folding import nfkc

_CANONICAL = re.compile(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}", re.ASCII)
_SENDER = re.compile(r"(?:\+?1)?([2-9][0-9]{2}[2-9][0-9]{6})", re.ASCII)
_REMOVE_SEPARATORS: Final = str.maketrans("", "", SEPARATORS)


def canonical_sender(number: str) -> str | None:
    """Return +1 and ten digits, or None when it is no North American number."""
    if _CANONICAL.fullmatch(number):
        return number
    match = _SENDER.fullmatch(nfkc(number).translate(_REMOVE_SEPARATORS))
    return "+1" + match[1] if match else None
