"""What people get to read in answer to STOP, START and HELP.

Sources: 47 CFR 64.1200(a)(12) for the one confirmation of an opt-out, which says so and sells nothing; the CTIA
messaging principles for what it names (who it is from, that no more messages follow) and for HELP (who, how to reach
them, how to stop). Where a campaign is registered with a help message of its own, that is the answer.

No answer may itself read as one of the words it answers, or two machines would write to each other for ever.
"""

from typing import Final

from compliance.inbound import Meaning, meaning_of

#: A name longer than this would cost every answer another segment.
_NAME_LENGTH: Final = 60
#: TCR's own limit of a help message.
_HELP_LENGTH: Final = 320
_WORDS: Final = frozenset({Meaning.STOP, Meaning.START, Meaning.HELP})
_SOMEBODY: Final = "This business"
#: +1 and ten digits.
_NANP_LENGTH: Final = 12


def reply_to(meaning: Meaning, *, brand: str, number: str, help_message: str = "") -> str:
    """Write the answer to a word; ValueError for a text that gets none.

    brand: who the messages are from; "" where nobody knows. number: the one that was texted, E.164. help_message: what
    the campaign is registered to answer to HELP.
    """
    name = _plain(brand)[:_NAME_LENGTH].strip() or _SOMEBODY
    match meaning:
        case Meaning.STOP:
            return f"{name}: You are opted out and will receive no further messages. Text START to receive them again."
        case Meaning.START:
            return f"{name}: You will receive messages again. Text HELP for help, STOP to end them."
        case Meaning.HELP:
            registered = _plain(help_message)[:_HELP_LENGTH]
            if registered and meaning_of(registered) not in _WORDS:
                return registered
            return f"{name}: For help, call {_shown(number)}. Msg & data rates may apply. Text STOP to end messages."
    raise ValueError(f"nobody answers to {meaning}")


def _plain(text: str) -> str:
    """Put a text on one line, without control characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _shown(number: str) -> str:
    """Write a number as people do."""
    if number.startswith("+1") and len(number) == _NANP_LENGTH:
        return f"{number[2:5]}-{number[5:8]}-{number[8:]}"
    return number
