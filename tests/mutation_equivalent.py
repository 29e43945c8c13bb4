"""Mutants that change nothing anyone could see, each with the reason; tests/mutation.py checks that they do."""

_SCORE = ("compliance.rules.daily_cap_tmobile", "score = brand.vetting_score or 0")
_WEEK = ("compliance.rules.quiet_hours", "return (_window(start_hour, end_hour),) * 7")
_ASCII = (
    "compliance.content",
    '_ASCII_WORDS: Final = bytes(byte if chr(byte).isalnum() else ord(" ") for byte in range(128)).ljust(256)',
)
_KEYPAD = (
    "compliance.destinations",
    'for key, letters in zip("23456789", ("abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"), strict=True)',
)
_DASHES = (
    "compliance.destinations",
    'return "\\u2212" + "".join(mark for mark in map(chr, range(0x11000)) if unicodedata.category(mark) == "Pd")',
)
_FILLERS = (
    "compliance.inbound",
    "return words <= _ONE_WORD_STOP | _FILLERS and not words.isdisjoint(_ONE_WORD_STOP)",
)

#: Module, source line, change, to the reason.
EQUIVALENT: dict[tuple[str, str, str], str] = {
    (*_SCORE, "0 -> 1"): "every score below the lowest tier means the same",
    (*_SCORE, "0 -> -1"): "the same",
    (*_WEEK, "7 -> 8"): "no weekday asks for an eighth window",
    (*_ASCII, "128 -> 129"): "the character 128 is no letter or digit",
    (*_ASCII, "128 -> 127"): "nor is 127, and what is left out is a space as well",
    (*_KEYPAD, "True -> False"): "both have eight members",
    (*_DASHES, "69632 -> 69633"): "the character there is no dash",
    (*_DASHES, "69632 -> 69631"): "nor is the one before it",
    (
        *_FILLERS,
        "words <= _ONE_WORD_STOP | _FILLERS -> words < _ONE_WORD_STOP | _FILLERS",
    ): "a text of all these words holds a phrase that is suspected anyway",
    ("compliance.decision", "INFO = 0", "0 -> -1"): "only the order of severities counts",
    ("compliance.decision", "BLOCK = 3", "3 -> 4"): "the same",
}
