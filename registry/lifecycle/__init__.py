"""The life cycles: which states there are, and what leads from one to another. Pure; nothing else sets a status.

cycle.py says what a life cycle is; registration.py has those of brands, campaigns and applications, numbers.py those of
numbers and people; standing.py puts them together: what a number can do as it stands, and which steps would change it.
"""
