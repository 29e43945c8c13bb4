"""What is wrong with a form's fields, as an Action says it: a sentence for each field, and one for the rest."""

from collections.abc import Collection

from registry.console.frame import sentence
from registry.problems import PROBLEMS, Problem


def errors_of(problem: Problem, names: Collection[str]) -> dict[str, str]:
    """Return sentences by the names of a form's fields; what is about none of them stands under ""."""
    found: dict[str, str] = {}
    for fault in problem.faults:
        name = fault.pointer.strip("/").partition("/")[0]
        kind = PROBLEMS[fault.code]
        said = f"{kind.title}. {fault.fix or kind.fix}"
        found.setdefault(name if name in names else "", said)
    return found or {"": sentence(problem)}
