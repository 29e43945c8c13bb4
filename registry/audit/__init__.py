"""The audit: who changed what, as a chain in which nobody changes anything unseen.

chain.py has the chain, owners.py whose rows are, verifying.py looks for what was tampered with, anchors.py keeps where
it ended outside of the database, listing.py and views.py show it, commands.py is `a2p-registry audit`.
"""
