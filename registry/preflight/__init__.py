"""Preflight: may this number text that one now and, if not, what is the shortest way to yes.

facts.py reads rows and puts the question to the judge; situation.py says how things stand and which steps lead on, by
the tables of the life cycles; guide.py has the words for each step: who, what, on which page, how long it usually
takes; search.py finds the shortest way; look.py puts the answer together, views.py offers it.
"""
