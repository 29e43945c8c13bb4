"""Talks with The Campaign Registry: asks it, hears it, and keeps its answers in the order in which they became true.

Read in this order: client.py (asks), events.py (what a webhook says), applying.py (what follows for a row, and why an
old word never beats a newer one), hook.py (takes webhooks), catching_up.py (asks how something stands),
submitter.py (sends applications, whatever fails in between).

Not here: what admins do (flows/, registration) and numbers, which TCR does not own (provisioning/).
"""
