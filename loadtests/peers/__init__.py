"""Measures the product beside Kannel, an SMS gateway in C that is in Debian: texts in over HTTP, out over HTTP.

``python -m loadtests.peers --help`` starts it; README.md beside this file says how both are set. Absolute figures are
those of one machine; only ratios within a round travel.
"""
