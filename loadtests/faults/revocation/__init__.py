"""REVOCATIONS. Takes registrations away under load, and measures when the last text of each number went out."""
