"""What a company's admins are told without asking: registrations approved or refused, and numbers that stop.

A change is found once, in the audit (causes.py says which changes, watcher.py when), and becomes a notice, or one more
line of a notice that nobody has yet (book.py). Each notice goes to each admin as an instant message and to the
company's hook, one row each (deliveries.py), and sender.py carries them: instant.py through the gateway, hooks.py to
the hook. kinds.py has every kind of notice, words.py its sentences, actions.py the calls of the admin API.
"""
