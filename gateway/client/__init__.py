"""The other side of our own HTTP API: what the commands use that put messages through it and look at how it is.

It knows the API as any caller does: addresses, keys, answers. Not here: anything of the server's inside.
"""
