"""Measures and imitates from outside: traffic, emulators, benchmarks. Imports nothing of ours."""
