"""Imitates The Campaign Registry: takes brands and campaigns, reviews them in seconds, tells by signed webhooks.

Read in this order: forms.py (what is taken), book.py (what is kept), reviews.py (what becomes of it, and when),
hooks.py (how it is told), faults.py (how it misbehaves), control.py (how a test or a person steers it).
"""
