"""Keeps the truth about brands, campaigns, numbers and who may send; the gateway works with a copy of it.

Two processes share this package. `a2p-registry import FILE` reads a company into SQL; `a2p-registry serve` copies what
SQL holds into the registry store (Redis protocol), where gateways and workers read it, and keeps that copy fresh.

Read in this order: records.py (what is kept), commands.py (how it changes), documents.py (what the gateway sees of it),
projector.py (how it gets there), importer.py (where it comes from), app.py (how `serve` is put together).

Not here: how a message is judged (compliance/) and everything on the send path (gateway/).
"""
