"""What is true of every metric of every process, whichever is added later."""

import math
import re

from tests.metrics.reading import families, samples

UNITS = ("_seconds", "_messages", "_partitions", "_changes", "_processes", "_jobs", "_entries", "_notices", "_drift")
GATEWAY_LABELS = {"channel", "verdict", "reason", "code", "folded", "route", "status"}
REGISTRY_LABELS = {"kind", "way"}
WORKER_LABELS = {"carrier", "outcome", "status", "resolution", "lane", "reason"}


def test_a_name_says_which_process_counts_it(everything):
    """gateway_, worker_, registry_ or canary_ first."""
    named = re.compile(r"(gateway|worker|registry|canary)_[a-z_]+$")

    assert [f.name for f in families(everything) if not named.match(f.name)] == []


def test_a_name_ends_in_its_unit_or_in_total(everything):
    """Base units, in full; the reader of a panel need not guess."""
    kinds = {family.name: family.type for family in families(everything)}

    assert [name for name, kind in kinds.items() if kind != "counter" and not name.endswith(UNITS)] == []
    endings = {s.name[-6:] for f in families(everything) if f.type == "counter" for s in f.samples}
    assert endings == {"_total"}


def test_every_help_says_what_is_counted_and_what_a_rise_means(everything):
    """Whoever is woken by a number reads its help first: two sentences at least, the end included."""
    two_sentences = re.compile(r"[A-Z].{9,}[.;:] .{15,}\.")
    says_what = re.compile(r"\b(rise|rises|rising|jump)\b|above|anything else", re.IGNORECASE)

    short = [f.name for f in families(everything) if not two_sentences.fullmatch(f.documentation)]
    silent = [f.name for f in families(everything) if not says_what.search(f.documentation)]

    assert short + silent == []


def test_labels_are_those_of_closed_sets(everything):
    """A new label is a decision: never a number, tenant, user, message or text."""
    used = {label for sample in samples(everything) for label in sample.labels}

    assert used - {"le"} == GATEWAY_LABELS | WORKER_LABELS | REGISTRY_LABELS


def test_every_series_reads_zero_before_anything_happened(everything):
    """Never happened is 0, not absent; the age of facts that were never seen is not 0 but infinite."""
    counts = {s.name: s.value for s in samples(everything) if s.value != 0}

    assert counts == {f"{kind}_registry_age_seconds": math.inf for kind in ("gateway", "worker")}


def test_a_flood_of_unknown_words_makes_no_series(everything, gateway, worker):
    """Callers' mistakes cannot fill the memory of Prometheus."""

    def use_every_label(word):
        gateway.decided(word, word, word)
        gateway.accept_failed(word)
        gateway.refused_input(word)
        gateway.receipt(word)
        gateway.responded(word, 1000)
        worker.submitted(word, word, 0.1)
        worker.ended(word)
        worker.retried(word)
        worker.doubt(word)
        worker.lane_depth(word, 1, 1.0)
        worker.recheck_blocked(word)

    use_every_label("first")
    before = sum(1 for _ in samples(everything))
    for number in range(1000):
        use_every_label(f"+1202555{number:04}")

    assert before == sum(1 for _ in samples(everything))
