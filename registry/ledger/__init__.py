"""The ledger: what the gateway's journal said about every message, as rows in a database of its own.

Each journal entry becomes rows exactly once: the cursor that says how far a partition was read is committed with the
rows that were read (writer.py). The registry only ever reads the queue store. It never trims the journal: gateways
answer for refusals out of it, a reader that may delete could stop what it must not stop, and the cap keeps it short. So
a registry that is away for long loses entries; that is a gap, found by counting, kept in the database, logged and in
the metrics.

Order of reading: tables.py, batch.py (a journal's bytes to rows), writer.py, follower.py. Then queries.py, erasure.py
and retention.py, and routes.py, which is what people see of it.

Not here: the bytes of the journal (compliance/journal.py).
"""
