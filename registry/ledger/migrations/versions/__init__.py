"""The changes of the ledger's tables, oldest first; each names the one before it in down_revision."""
