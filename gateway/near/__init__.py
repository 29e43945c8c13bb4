"""The registry's documents in this process: loaded once, kept up by the feed, never believed for too long."""
