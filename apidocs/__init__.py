"""Describes an HTTP API: a table of operations in, an OpenAPI 3.1 document and a page for people out.

Imports nothing of ours: the gateway and the registry, which do not know each other, both describe themselves with it.
"""
