"""Gathers and acts: the send path from the HTTP edge over the durable queue to the carriers."""
