import enum

import pytest
from prometheus_client import CollectorRegistry, Counter

from metrics.labels import Children, closed_set
from tests.metrics.reading import samples, value


@pytest.fixture
def counter(registry: CollectorRegistry):
    """Some counter with two labels."""
    return Counter("things_total", "Things.", ["colour", "size"], registry=registry)


class Colour(enum.StrEnum):
    RED = "red"


class TestClosedSet:
    def test_other_is_always_a_member(self):
        """Whatever was forgotten has a place to be counted."""
        assert closed_set(["red", "blue"]) == ("blue", "other", "red")

    def test_members_of_a_string_enumeration_are_words(self):
        """The sets are mostly StrEnum classes, handed in as they are."""
        assert closed_set(Colour) == ("other", "red")

    @pytest.mark.parametrize(
        "word", ["recipient_opted_out", "/v1/messages/{id}", "acme:urgent", "503", "2fa", "a" * 64]
    )
    def test_a_word_may_be_a_code_a_route_a_lane_or_a_status(self, word):
        """What the closed sets of this project hold."""
        assert word in closed_set([word])

    @pytest.mark.parametrize("word", ["", "two words", "+12025550123", "12025", "user-10000", 'a"b', "a" * 65, "línea"])
    def test_a_number_an_id_or_a_text_is_refused_at_the_start(self, word):
        """A label of these would be a series for ever, and /metrics has no sign-in."""
        with pytest.raises(ValueError, match="not a label value"):
            closed_set([word])


class TestChildren:
    def test_the_whole_product_reads_zero(self, registry, counter):
        """Bound at once, every combination is visible before anything happened."""
        Children(counter, ["red"], ["big", "small"]).at_zero()

        counted = {(s.labels["colour"], s.labels["size"]): s.value for s in samples(registry)}
        assert {(c, s): 0.0 for c in ("red", "other") for s in ("big", "small", "other")} == counted

    def test_without_that_a_series_appears_with_its_first_use(self, registry, counter):
        """A large product shows only what happened."""
        children = Children(counter, ["red"], ["big", "small"])
        children.of("red", "big").inc()

        assert [s.labels for s in samples(registry)] == [{"colour": "red", "size": "big"}]

    def test_the_same_words_are_the_same_child(self, counter):
        """Bound once."""
        children = Children(counter, ["red"], ["big"])

        assert children.of("red", "big") is children.of("red", "big")

    def test_an_unknown_word_counts_as_other_in_its_own_label_only(self, registry, counter):
        """A miscount must not break what it counts, and must be seen."""
        Children(counter, ["red"], ["big"]).at_zero().of("red", "+12025550123").inc()

        assert value(registry, "things_total", colour="red", size="other") == 1

    def test_unknown_words_never_grow_anything(self, registry, counter):
        """Ten thousand numbers by mistake are one series."""
        children = Children(counter, ["red"], ["big"])
        for number in range(10_000):
            children.of("red", str(number)).inc()

        assert [s.value for s in samples(registry)] == [10_000]
        assert len(children._bound) == 1

    def test_too_few_words_are_a_mistake_in_the_code(self, counter):
        """Neither counted nor hidden: the method that calls it is wrong for every call."""
        with pytest.raises(ValueError, match="longer"):
            Children(counter, ["red"], ["big"]).of("red")
