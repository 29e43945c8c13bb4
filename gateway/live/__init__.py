"""Live events: what happens to one user's messages, told to their open connections as it happens."""
