import pytest

from compliance.destinations import AREA_CODES, DestinationClass, read_destination

INVALID = (DestinationClass.INVALID, "")
EMERGENCY = (DestinationClass.EMERGENCY, "")
SHORT_CODE = (DestinationClass.SHORT_CODE, "")
US = (DestinationClass.US, "+12025550143")
LONDON = (DestinationClass.INTERNATIONAL, "+442079460958")


class TestAsTyped:
    @pytest.mark.parametrize(
        "to",
        [
            "+12025550143",
            "12025550143",
            "2025550143",
            "(202) 555-0143",
            "202.555.0143",
            "202/555/0143",
            " +1 202\t555 0143\n",
            "202\u2013555\u20140143",
            "202\u2212555\u20110143",
            "２０２５５５０１４３",
            "202\N{NO-BREAK SPACE}5550143",
            "011 1 202 555 0143",
            # Letters by the phone keypad, in either case.
            "A0A-555-0143",
            "1-202-JKL-0143",
            "+1 202 jkl 0143",
        ],
    )
    def test_however_it_is_written(self, to):
        """Separators go, letters are keys."""
        assert read_destination(to) == US

    @pytest.mark.parametrize(
        ("letters", "digits"),
        [
            ("ABCabc", "222222"),
            ("DEFdef", "333333"),
            ("GHIghi", "444444"),
            ("JKLjkl", "555555"),
            ("MNOmno", "666666"),
            ("PQRSpqrs", "77777777"),
            ("TUVtuv", "888888"),
            ("WXYZwxyz", "99999999"),
        ],
    )
    def test_the_keypad(self, letters, digits):
        """Each key's letters, behind a country code."""
        assert read_destination(f"+442{letters}") == (DestinationClass.INTERNATIONAL, f"+442{digits}")

    @pytest.mark.parametrize(
        ("to", "found"),
        [
            ("202-CALL-NOW", (DestinationClass.US, "+12022255669")),
            ("20-CALL-NOWW", INVALID),
            ("CALL-NOW-CALL", INVALID),
            ("911 help", INVALID),
            ("9x", INVALID),
            ("NINE11", INVALID),
        ],
    )
    def test_letters_need_three_digits_beside_them(self, to, found):
        """Otherwise it is a word and no number."""
        assert read_destination(to) == found

    @pytest.mark.parametrize(
        "extension",
        [
            "x5",
            "X5",
            " x5",
            " x 5",
            "ext5",
            "ext. 5",
            "EXT.\t5",
            " extension 12345678901",
            ";ext=5",
            ";EXT=5",
            ", x5",
            " , x5",
            " \t,\t x5",
            ",x5",
        ],
    )
    def test_an_extension_is_cut(self, extension):
        """With the spaces and at most one comma before it."""
        assert read_destination(f"2025550143{extension}") == US

    @pytest.mark.parametrize(
        "tail",
        [
            "x",
            "ext",
            "x5a",
            "x 5 5",
            ",,x5",
            ",",
            " x5,",
            "#5",
            "e5",
            ";5",
            "\nx5",
            "x\n5",
            "ext: 5",
            "ext.. 5",
            ";ext= x5",
            "xx5",
            "extens\N{LATIN SMALL LETTER DOTLESS I}on5",
        ],
    )
    def test_what_is_no_extension_stays(self, tail):
        """And spoils the number."""
        assert read_destination(f"2025550143{tail}") == INVALID

    @pytest.mark.parametrize(
        ("to", "found"),
        [
            # Directly after a letter it is part of a word: keys.
            ("202 555 01TX5", INVALID),
            ("202 555 0TX5", (DestinationClass.US, "+12025550895")),
            ("202 555 0éx5", INVALID),
            ("911x5", EMERGENCY),
            ("72345 ext. 5", SHORT_CODE),
            ("+44 20 7946 0958 x5", LONDON),
            ("x5", INVALID),
        ],
    )
    def test_an_extension_mark_is_a_word_of_its_own(self, to, found):
        """It is cut from whatever stands before it."""
        assert read_destination(to) == found

    @pytest.mark.parametrize(
        "to",
        [
            "",
            " ",
            "+",
            "()",
            "++12025550143",
            "+1+2025550143",
            "2025550143+",
            "202,555,0143",
            "202_555_0143",
            "202\n5550143",
            "202\u200b5550143",
            "٢٠٢٥٥٥٠١٤٣",
            "*67 2025550143",
            "2025550143#",
            "tel:+12025550143",
            "user:u1",
            "ext:1001",
            "user:2025550143",
            "ext:2025550143",
            "' OR 1=1--",
        ],
    )
    def test_anything_else_is_invalid(self, to):
        """What is not digits with at most one plus sign in front."""
        assert read_destination(to) == INVALID


class TestClasses:
    @pytest.mark.parametrize("code", ["911", "112", "933", "988"])
    def test_emergency(self, code):
        """With 1 or +1 in front too, and dialled as if abroad."""
        for to in (code, f"1{code}", f"+1{code}", f"0111{code}", f"{code[0]}-{code[1]} {code[2]}"):
            assert read_destination(to) == EMERGENCY, to
        for to in (f"+{code}", f"2{code}", f"11{code}", f"+2{code}"):
            assert read_destination(to)[0] != DestinationClass.EMERGENCY, to

    @pytest.mark.parametrize(
        ("to", "found"),
        [
            ("12345", SHORT_CODE),
            ("123456", SHORT_CODE),
            ("72-345", SHORT_CODE),
            # Before the rows of the prefixes 011 and 00.
            ("01112", SHORT_CODE),
            ("00112", SHORT_CODE),
            ("+12345", INVALID),
            ("1234", INVALID),
            ("1234567", INVALID),
            ("12345678", INVALID),
            ("123456789", INVALID),
            ("211", INVALID),
            ("411", INVALID),
            ("0", INVALID),
        ],
    )
    def test_short_codes_have_five_or_six_digits(self, to, found):
        """Without a plus sign."""
        assert read_destination(to) == found

    @pytest.mark.parametrize(
        ("to", "found"),
        [
            ("011442079460958", LONDON),
            ("011 44 20 7946 0958", LONDON),
            ("+011442079460958", INVALID),
            ("01101144207946", INVALID),
            ("011", INVALID),
            ("0111", INVALID),
            ("00442079460958", INVALID),
            ("0012025550143", INVALID),
            ("02025550143", INVALID),
        ],
    )
    def test_dialled_abroad(self, to, found):
        """With 011; a leading 00 is another country's prefix."""
        assert read_destination(to) == found

    @pytest.mark.parametrize(
        ("to", "is_international"),
        [
            ("+442079460958", True),
            ("+4420794", True),
            ("+442079", False),
            ("+" + "44" * 7 + "4", True),
            ("+" + "44" * 8, False),
            # Assigned: Vatican, a trial service, satellites, universal toll-free. Not assigned or not ours:
            ("+3791234567", True),
            ("+9911234567", True),
            ("+8811234567", True),
            ("+80012345678", True),
            ("+71234567", True),
            ("+2101234567", False),
            ("+9991234567", False),
            ("+01234567", False),
            ("+12345678", False),
            ("+1202555014", False),
            ("+120255501430", False),
            ("442079460958", False),
        ],
    )
    def test_international(self, to, is_international):
        """A plus sign, seven to fifteen digits, a country code that ITU-T assigned."""
        found = (DestinationClass.INTERNATIONAL, to) if is_international else INVALID

        assert read_destination(to) == found

    @pytest.mark.parametrize(
        ("to", "kind"),
        [
            ("+12015550143", DestinationClass.US),
            ("+12025550143", DestinationClass.US),
            ("+17875550143", DestinationClass.US_TERRITORY),
            ("+16715550143", DestinationClass.US_TERRITORY),
            ("+16135550143", DestinationClass.CANADA),
            ("+18765550143", DestinationClass.CARIBBEAN_FOREIGN),
            ("+18335550143", DestinationClass.TOLL_FREE),
            ("+19005550143", DestinationClass.PREMIUM),
        ],
    )
    def test_north_american_numbers_go_by_their_area_code(self, to, kind):
        """With +1, with 1, and without."""
        assert read_destination(to) == read_destination(to[1:]) == read_destination(to[2:]) == (kind, to)

    @pytest.mark.parametrize(
        "to",
        (
            "+15005550143 +15335550143 +16225550143 +16335550143 +19115550143 +11005550143 +10205550143 +12021550143 "
            "+12020550143 +19995550143 +1202555014 +120255501430"
        ).split(),
    )
    def test_personal_and_impossible_numbers_are_invalid(self, to):
        """Codes without an area, exchanges that begin with 0 or 1, wrong lengths."""
        assert read_destination(to) == INVALID

    def test_a_bare_number_is_read_like_one_in_brackets(self):
        """The fast way and the careful way agree on every area code."""
        for npa in range(200, 1000):
            assert read_destination(f"+1{npa}5550143") == read_destination(f"({npa}) 555-0143"), npa


class TestTable:
    def test_every_area_code_has_a_known_class(self):
        """And none of those that are no geography."""
        kinds = {row.destination for row in AREA_CODES.values()}

        assert kinds == {
            DestinationClass.US,
            DestinationClass.US_TERRITORY,
            DestinationClass.CANADA,
            DestinationClass.CARIBBEAN_FOREIGN,
            DestinationClass.TOLL_FREE,
            DestinationClass.PREMIUM,
            DestinationClass.INVALID,
        }
        assert all(len(npa) == 3 and npa.isdecimal() and "200" <= npa <= "999" for npa in AREA_CODES)
