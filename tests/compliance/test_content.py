import re
from pathlib import Path

import pytest

from compliance import content
from compliance.content import BLOCKED_SHORTENERS, SHORTENERS, normalise, plain, read_content, shorteners_in

README = (Path(__file__).resolve().parent.parent / "cases" / "README.md").read_text(encoding="utf-8")

#: The sets as the format's page lists them, name to members.
SETS = {
    row[0]: [member.strip() for member in re.sub(r"\(.*\)", "", row[1]).split("," if "," in row[1] else None)]
    for row in re.findall(r"^\| ([a-z ]+) \| (.+) \|$", README, re.MULTILINE)
}
WORD_SETS = {
    "promotion": "promotion",
    "cannabis": "cannabis",
    "other prohibited": "prohibited",
    "alcohol": "alcohol",
    "refused goods": "refused_goods",
    "lending": "lending",
    "code": "code",
}
#: But for the percentage, which has a test of its own, and two phrases that end in another member.
MEMBERS = [
    (ours, member)
    for theirs, ours in WORD_SETS.items()
    for member in SETS[theirs]
    if "%" not in member and not member.endswith(" passcode")
]


class TestNormalise:
    @pytest.mark.parametrize(
        ("text", "normalised"),
        [
            ("", ""),
            ("  Hello \t\r\n World\N{NO-BREAK SPACE}! ", "hello world !"),
            ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
            ("Straße", "strasse"),
            # Category Cf: zero width space and joiners, soft hyphen, word joiner, byte order mark, direction marks.
            ("z\u200be\u200dr\u200co\u00ad\u2060\ufeff\u202e!", "zero!"),
            # Every look-alike of the format.
            ("асеорухіјѕһԁкм", "aceopyxijshdkm"),
            ("АСЕОРУХІЈЅҺԀКМ", "aceopyxijshdkm"),
            ("αορνι", "aopvi"),
            ("ıɡ", "ig"),
            # Others stay.
            ("бγ", "бγ"),
            # Disguised dots.
            ("a[.]b(.)c[dot]d(dot)e", "a.b.c.d.e"),
            ("a[DOT]b(Dot)c", "a.b.c"),
            ("a[d\u200bot]b", "a.b"),
            ("a . b", "a.b"),
            ("a \n.\t b", "a.b"),
            # White space on one side is the end of a sentence.
            ("a. b .c", "a. b .c"),
            # Each white space is used once.
            ("a . . b", "a.. b"),
            (" . b", ".b"),
            ("a . ", "a."),
            (". b", ". b"),
            ("a .", "a ."),
            # Also where the white space is not a single space.
            ("\n. b", ".b"),
            ("a .\n", "a."),
            (".\tb", ". b"),
            ("a\t.", "a ."),
            (" . ", "."),
            # In the order listed: what a bracket leaves may be a dot with white space on both sides.
            ("a [.] b", "a.b"),
            ("a[[.]]b", "a[.]b"),
            ("a[(.)]b", "a[.]b"),
            ("a([.])b", "a.b"),
        ],
    )
    def test_what_people_write_to_get_past_filters_is_undone(self, text, normalised):
        """Case, width, invisible characters, look-alikes, disguised dots."""
        assert normalise(text) == normalised

    @pytest.mark.parametrize(
        ("text", "folded"),
        [("  ＢＩＴ\t. LY ", "bit . ly"), ("b\u200bit[.]ly", "b\u200bit[.]ly"), ("біт", "біт"), ("", "")],
    )
    def test_the_plain_text_undoes_nothing(self, text, folded):
        """Only width, case and white space."""
        assert plain(text) == folded


class TestUrls:
    @pytest.mark.parametrize(
        "text",
        [
            "http://a.test",
            "HTTPS://A.Test/x?y=1",
            "see http://a-1.test.",
            "(http://a.test)",
            "xhttp://a.test",
            "me@http://a.test",
            "www.a.test",
            "say:www.a-b.test/x",
            *[f"shop.{ending}" for ending in "com net org edu gov info biz io app ca example".split()],
            "shop.co.com",
            "shop.com.",
            "shop.com/a.b",
            "shop.com:80",
            "shop.com.5",
            "1-2.com",
            "bit.ly",
            "go.youtu.t.co",
            "shop[.]com",
        ],
    )
    def test_what_is_one(self, text):
        """A scheme, www, one of eleven endings, or a shortener."""
        assert read_content(text).has_url

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "shop",
            "http://",
            "http://localhost",
            "http:// a.test",
            "http://a.1",
            "http://ab.1",
            "www.1",
            "https:/a.test",
            "ftp://a.test",
            "www.",
            "www",
            "awww.a.test",
            "shop.de",
            "shop.comet",
            "shop.c0m",
            "shop..com",
            "me@shop.com",
            "a/shop.com",
            "x_shop.com",
            ".shop.com",
            "éshop.com",
            "5.30",
            "3.5 p.m.",
            "a.b.c",
            "see.you",
            "youtu.be/x",
            "wa.me/1",
            "shop.com5",
        ],
    )
    def test_what_is_none(self, text):
        """Paths, mail addresses, numbers, other endings, the middle of something longer."""
        assert not read_content(text).has_url

    @pytest.mark.parametrize(
        ("text", "has_url"),
        [("rabbit.ly", False), ("-bit.ly", False), ("bit.lyé", True), ("bit.ly_", True), ("ébit.ly", False)],
    )
    def test_a_label_is_a_whole_run(self, text, has_url):
        """Of a-z, digits and hyphens; other letters end it behind, and before it they make it part of a word."""
        assert read_content(text).has_url is has_url


class TestShorteners:
    def test_they_are_those_of_the_format(self):
        """Twenty-five, eleven of them named by carriers."""
        assert sorted(SETS["shorteners"]) == sorted(SHORTENERS)
        assert sorted(SETS["shorteners"][:11]) == sorted(BLOCKED_SHORTENERS)

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("bit.ly", {"bit.ly"}),
            ("go.bit.ly/x and T.CO", {"bit.ly", "t.co"}),
            ("https://bit.ly.test", set()),
            ("bit.ly.5", {"bit.ly"}),
            # In the path or the query of a URL: only where it is a host.
            ("https://a.test/bit.ly", set()),
            ("https://a.test/?u=bit.ly", {"bit.ly"}),
            ("https://a.test/?u=https://bit.ly", {"bit.ly"}),
            ("me@bit.ly", set()),
            ("reddit.com x.com.co", set()),
            ("max.co", set()),
        ],
    )
    def test_a_host_equals_one_or_is_a_subdomain(self, text, found):
        """Wherever the host stands."""
        assert read_content(text).shorteners == found
        assert shorteners_in(plain(text)) == found


class TestWords:
    def test_the_sets_are_those_of_the_format(self):
        """None is missing and none is added; the percentage is a pattern."""
        ours = {name: sorted(members.split("|")) for name, members in content._MEMBERS.items()}
        theirs = {ours: sorted(word for word in SETS[theirs] if "%" not in word) for theirs, ours in WORD_SETS.items()}

        assert ours == theirs

    @pytest.mark.parametrize(("name", "member"), MEMBERS)
    def test_a_member_is_found_as_whole_words(self, name, member):
        """In any case, between marks, next to other alphabets' marks; not inside a word or beside a digit."""
        for text in (member, member.upper(), f"({member})", f"our_{member}!", f"é, {member}…"):
            assert name in read_content(text).words, text
        for text in (f"{member}x", f"x{member}", f"{member}1", f"1{member}", f"{member}é"):
            assert name not in read_content(text).words, text

    @pytest.mark.parametrize(("name", "member"), [pair for pair in MEMBERS if " " in pair[1]])
    def test_a_phrase_does_not_run_across_a_url_or_a_mark(self, name, member):
        """Its words must follow each other."""
        first, rest = member.split(" ", 1)

        assert name not in read_content(f"{first} www.a.test {rest}").words
        assert name not in read_content(f"{first}, {rest}").words
        assert name in read_content(f"{first} \n {rest}").words

    @pytest.mark.parametrize("text", ["your one-time passcode", "your one time passcode is"])
    def test_two_phrases_end_in_another_member(self, text):
        """So they are found with or without what stands before."""
        assert read_content(text).words == {"code"}

    @pytest.mark.parametrize("text", ["www.a.test/sale", "https://sale.com", "http://a.test?sale", "sale.com"])
    def test_inside_a_url_there_are_no_words(self, text):
        """It runs to the next white space."""
        assert read_content(text).words == frozenset()
        assert read_content(f"{text} sale").words == {"promotion"}
        assert read_content(f"sale {text}").words == {"promotion"}

    def test_a_word_that_touches_a_url_is_not_whole(self):
        """A letter follows directly."""
        assert read_content("salehttp://a.test").words == frozenset()
        assert read_content("sale:http://a.test").words == {"promotion"}

    @pytest.mark.parametrize(
        ("text", "is_one"),
        [
            ("20% off", True),
            ("５％ off", True),
            ("1.5% off", True),
            ("% off", False),
            ("x20% off", False),
            ("20 % off", False),
            ("20% offer", False),
            ("20% of", False),
            ("٢٠% off", False),
        ],
    )
    def test_a_percentage_off_is_a_promotion(self, text, is_one):
        """Digits are 0 to 9, after width is undone."""
        assert read_content(text).is_promotional is is_one

    @pytest.mark.parametrize("verb", ["verify", "confirm", "update"])
    @pytest.mark.parametrize("noun", "account card identity password payment billing bank details".split())
    def test_an_ask_phrase(self, verb, noun):
        """Three verbs, your, eight nouns."""
        assert "ask" in read_content(f"Please {verb} your {noun}.").words
        assert "ask" not in read_content(f"Please {verb} my {noun}.").words
        assert "ask" not in read_content(f"Please {verb} your {noun}s.").words

    def test_other_alphabets_and_broken_characters_do_not_matter(self):
        """Half a pair of surrogates is no letter."""
        assert read_content("распродажа sale").words == {"promotion"}
        assert read_content("sale\ud800").words == {"promotion"}

    def test_several_sets_are_found_at_once(self):
        """Each by its own members."""
        words = read_content("Cannabis sale: loans, beer, cigars, casino. Verify your bank, passcode.").words

        assert words == {"promotion", "cannabis", "prohibited", "alcohol", "refused_goods", "lending", "ask", "code"}


class TestCodeText:
    @pytest.mark.parametrize(
        ("text", "is_one"),
        [
            ("Your passcode: 1234", True),
            ("12345678 is your otp", True),
            ("otp １２３４", True),
            ("otp (1234).", True),
            ("otp 12-3456", True),
            ("otp é 1234_", True),
            ("otp 123", False),
            ("otp 123456789", False),
            ("otp A1234", False),
            ("otp 1234é", False),
            ("otp www.a.test/1234", False),
            ("otp 1234http://a.test", False),
            ("my code 1234", False),
            ("1234", False),
        ],
    )
    def test_a_phrase_and_a_run_of_four_to_eight_digits(self, text, is_one):
        """The run stands alone as a word, outside URLs."""
        assert read_content(text).is_code_text is is_one


class TestPhoneNumbers:
    @pytest.mark.parametrize("number", ["2025550187", "202-555-0187", "202.555.0187", "202 555 0187", "(202) 555-0187"])
    def test_five_forms(self, number):
        """With and without +1 or 1, and what may stand between."""
        for prefix in ("", "1", "+1", "1 ", "+1 ", "1-", "+1-", "1.", "+1.", "call ", "x", "(", "€"):
            assert read_content(f"{prefix}{number}").has_phone_number, prefix
        for suffix in (".", ")", "x", " x5", "-1", ",5"):
            assert read_content(f"{number}{suffix}").has_phone_number, suffix

    @pytest.mark.parametrize("number", ["2025550187", "202-555-0187", "202.555.0187", "202 555 0187"])
    def test_a_longer_run_or_another_country_is_none(self, number):
        """Nor with a digit or a plus sign directly before, or a digit directly behind."""
        for prefix in ("+", "3", "21", "+4", "+11", "++1"):
            assert not read_content(f"{prefix}{number}").has_phone_number, prefix
        assert not read_content(f"{number}5").has_phone_number
        assert not read_content(f"www.a.test/{number}").has_phone_number

    @pytest.mark.parametrize(
        "text",
        [
            "555-0187",
            "202-555.0187",
            "202 555-0187",
            "202555-0187",
            "202-5550187",
            "(202)555-0187",
            "(202) 555 0187",
            "(202) 5550187",
            "202/555/0187",
            "102-555-0187",
            "002-555-0187",
            "202-155-0187",
            "202-055-0187",
            "202-555-018",
            "20-2555-0187",
            "٢٠٢-555-0187",
        ],
    )
    def test_what_is_none(self, text):
        """Mixed separators, area codes and exchanges below 2, too few digits."""
        assert not read_content(text).has_phone_number

    @pytest.mark.parametrize("text", ["202  555 \n 0187", "２０２-555-0187", "202[.]555[.]0187", "2 2025550187"])
    def test_it_is_looked_for_in_the_normalised_text(self, text):
        """White space and width are undone before."""
        assert read_content(text).has_phone_number


class TestReadContent:
    def test_nothing_is_in_an_empty_text(self):
        """Neither in one of white space."""
        nothing = content.Content("", False, frozenset(), frozenset(), False, False)

        assert read_content("") == nothing
        assert read_content(" \n ") == nothing

    def test_everything_at_once(self):
        """A value as a whole."""
        text = "Sale! Verify your card at BIT[.]ly/x, call 202-555-0187. OTP 4821"

        assert read_content(text) == content.Content(
            "sale! verify your card at bit.ly/x, call 202-555-0187. otp 4821",
            has_url=True,
            shorteners=frozenset({"bit.ly"}),
            words=frozenset({"promotion", "ask", "code"}),
            is_code_text=True,
            has_phone_number=True,
        )
