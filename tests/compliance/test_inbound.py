import pytest

from compliance.inbound import Meaning, meaning_of

STOP = "stop|stopall|stop all|unsubscribe|cancel|end|quit|revoke|optout|opt out|remove|arret|arrete|arrett".split("|")
PHRASES = (
    "stop texting|stop messaging|stop sending|stop contacting|stop these|unsubscribe|opt out|opt me out|optout|"
    "remove me|take me off|do not text|dont text|do not contact|dont contact|do not message|dont message|"
    "no more texts|no more messages|quit texting|quit messaging|revoke my consent|withdraw my consent|"
    "lose my number|delete my number|leave me alone"
).split("|")
FILLERS = "please now it all this thanks thank you ok texts messages everything".split()


class TestKeywords:
    @pytest.mark.parametrize(
        ("words", "meaning"),
        [(STOP, Meaning.STOP), (["start", "unstop", "yes"], Meaning.START), (["help", "info", "aide"], Meaning.HELP)],
    )
    def test_the_whole_text_is_one(self, words, meaning):
        """Whatever its case and marks."""
        for word in words:
            for text in (word, word.upper(), f" {word}\n", f'"{word.title()}."', f"({word})!!", f"👍 {word} 👍"):
                assert meaning_of(text) == meaning, text

    @pytest.mark.parametrize(
        "text",
        [
            "ＳＴＯＰ",
            "Stóp",
            "s\u200btop",
            "st\u00adop",
            "stop\ufe0f",
            "st'op",
            "st\u2019op",
            "\u2018stop`",
            "Arrêt",
            "ARRÊTÉ",
            "stop\N{NO-BREAK SPACE}all",
            "opt-out",
            "opt\u2013out",
            "opt\u2212out",
            "stop\n\nall",
            "Opt   Out",
        ],
    )
    def test_it_is_normalised_first(self, text):
        """Width, accents, invisible characters, apostrophes, dashes, white space."""
        assert meaning_of(text) == Meaning.STOP

    @pytest.mark.parametrize(
        "text",
        (
            "||...|👍|stopp|non stop|endless|yes please|help me|s t o p|st-op|Ok|no|the end|cancel my order|quitter|"
            "information|stop 2|stop_all of it"
        ).split("|"),
    )
    def test_what_only_holds_one_is_none(self, text):
        """Other words beside it mean something else."""
        assert meaning_of(text) == Meaning.NONE


class TestSuspectedRevocation:
    @pytest.mark.parametrize("phrase", PHRASES)
    def test_a_phrase_as_whole_words(self, phrase):
        """A person settles it."""
        for text in (f"hey {phrase} now or else", f"hey {phrase.upper()}!", f"¿{phrase}?.. or else"):
            assert meaning_of(text) == Meaning.REVOCATION_SUSPECTED, text
        for text in (f"hey {phrase}x or else", f"hey x{phrase} or else", f"hey {phrase}1 or else"):
            assert meaning_of(text) == Meaning.NONE, text

    @pytest.mark.parametrize("text", ["Don't text me again", "don\u2019t contact us", "take-me-off your list"])
    def test_a_phrase_is_normalised_too(self, text):
        """Apostrophes go, dashes are spaces."""
        assert meaning_of(text) == Meaning.REVOCATION_SUSPECTED

    @pytest.mark.parametrize(
        ("text", "meaning"),
        [
            ("can you please stop", Meaning.REVOCATION_SUSPECTED),
            ("can you please stop!!", Meaning.REVOCATION_SUSPECTED),
            ("xplease stop", Meaning.NONE),
            ("please stop by tomorrow", Meaning.NONE),
            ("please don't stop", Meaning.NONE),
        ],
    )
    def test_it_ends_with_please_stop(self, text, meaning):
        """Only at the end."""
        assert meaning_of(text) == meaning

    @pytest.mark.parametrize(
        ("text", "meaning"),
        [
            ("STOP\nSent from my phone", Meaning.REVOCATION_SUSPECTED),
            ("\n \n Stop. \n\nDana Lee\nAcme", Meaning.REVOCATION_SUSPECTED),
            ("opt-out\r\nDana", Meaning.REVOCATION_SUSPECTED),
            ("Hello\nSTOP", Meaning.NONE),
            ("stop by later\nDana", Meaning.NONE),
            ("help\nDana", Meaning.NONE),
            # One line that is not blank: it is the whole text.
            ("\nSTOP\n", Meaning.STOP),
            ("start\nDana", Meaning.NONE),
        ],
    )
    def test_the_first_of_several_lines_is_a_stop_word(self, text, meaning):
        """With a signature below it, for instance."""
        assert meaning_of(text) == meaning

    @pytest.mark.parametrize("filler", FILLERS)
    def test_a_stop_word_with_fillers(self, filler):
        """In any order, and with any marks between."""
        for text in (f"remove {filler}", f"{filler}, stop", f"{filler} cancel/{filler}", f"quit_{filler}_end"):
            assert meaning_of(text) == Meaning.REVOCATION_SUSPECTED, text
        assert meaning_of(filler) == Meaning.NONE
        assert meaning_of(f"stop {filler} friend") == Meaning.NONE

    @pytest.mark.parametrize("word", [word for word in STOP if " " not in word])
    def test_every_one_word_stop_keyword(self, word):
        """Two in a row too."""
        assert meaning_of(f"ok {word} thanks") == Meaning.REVOCATION_SUSPECTED
        assert meaning_of(f"{word} {word}") == Meaning.REVOCATION_SUSPECTED

    def test_the_words_of_a_longer_keyword_are_none_by_themselves(self):
        """There "opt" is no stop word."""
        assert meaning_of("opt all") == Meaning.NONE
        assert meaning_of("out now") == Meaning.NONE
