"""The way in: who asks, what was asked, what is answered. Everything that knows HTTP, and the parsing that does not."""
