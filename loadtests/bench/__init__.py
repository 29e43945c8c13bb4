"""Measures the product from outside, beside the floors of the stack and of the store that it stands on.

``python -m loadtests.bench --help`` starts it; README.md beside this file says what is measured and how to read it. It
starts the real processes as children and imports nothing of the product, so that what it finds is what a client finds.
Absolute figures are those of one machine; only ratios of measures of the same round travel.
"""
