"""Changes of the ledger's tables, one module each in versions/; applied when the ledger is first used (database.py)."""
