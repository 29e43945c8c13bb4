"""FAULTS. Breaks networks and processes on purpose, and checks from outside what came of it.

Loopback only, bounded in time, and it ends only what it started. Imports nothing of ours.
"""
