"""A carrier that cannot be had here: takes messages over HTTP, misbehaves on demand, keeps a ledger, sends receipts.

Start it with ``python -m loadtests.carrier --help``; the wire, the magic numbers, scenarios and the ledger are in
README.md beside this file. It imports nothing of the product, so that what it says about the product is said from
outside.
"""
