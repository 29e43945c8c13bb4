"""What an admin says about somebody's opt-out: that the person wants texts again, or that a suspicion was an opt-out.

An opt-out is true in the gateway's store. So what an admin says is a row first, with the evidence, audited like every
change (book.py); a task hands it to the gateway until that has it on disk, and writes down what came of it (keeper.py,
handing.py). What somebody says after the admin spoke stands, however long that takes.

actions.py offers it. Not here: the gateway's rules (gateway/queue/consent.py), and where the lists are read
(registry/ledger/consent.py).
"""
