"""Imitates too much: more sends than a gateway can take, and clients that hold connections and do nothing."""
