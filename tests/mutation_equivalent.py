"""Mutants that change nothing anyone could see, each with the reason; tests/mutation.py checks that they do."""

#: Module, source line, change, to the reason.
EQUIVALENT: dict[tuple[str, str, str], str] = {}
