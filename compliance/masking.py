"""How a phone number is shown where it may not stand in full: logs, error answers, sentences for people.

Enough is left to recognise one's own number, too little to call anybody.
"""

import re
from typing import Final

_NANP: Final = re.compile(r"\+1([0-9]{3})[0-9]{3}([0-9]{4})", re.ASCII)
_ABROAD: Final = re.compile(r"(\+[0-9]{2})[0-9]{3,11}([0-9]{2})", re.ASCII)
_HIDDEN: Final = "•••"


def mask(number: str | None) -> str:
    """Return a number in E.164 as +1 202 ••• 0143; of anything else nothing is shown."""
    match = _NANP.fullmatch(number or "")
    if match:
        return f"+1 {match[1]} {_HIDDEN} {match[2]}"
    match = _ABROAD.fullmatch(number or "")
    return f"{match[1]} {_HIDDEN} {match[2]}" if match else _HIDDEN
