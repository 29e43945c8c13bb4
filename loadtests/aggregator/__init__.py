"""An aggregator that cannot be had here: ties numbers to campaigns, slowly, and misbehaves on demand.

Start it with ``python -m loadtests.aggregator --help``; the wire, the rules of misbehaviour and the controls are in
README.md beside this file. It imports nothing of the product, so that what it says about the product is said from
outside.
"""
