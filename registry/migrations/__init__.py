"""Changes of the tables, one module each in versions/; applied at the start of every command (database.py)."""
