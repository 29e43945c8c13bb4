"""Reconciliation: where the registry and those around it disagree, and what is done about it.

classes.py is the closed table of what can be found. A sweep (sweep.py) walks over everything, recent senders first, and
asks for each object: do its own rows fit together (ours.py), do the aggregator (aggregator.py), TCR (registered.py) and
the registry store (copies.py) say the same? What heals itself is healed by the flows that a person would use; the rest
is listed (book.py) until a person decides (actions.py).
"""
