"""Counts what the processes do, so that whoever is on call sees it. A leaf: it imports nothing of ours.

Names. <process>_<what>_<unit>: gateway_, worker_ or registry_ first, so that a name says where to look; the unit last,
in full and in base units (_seconds, _messages, _partitions); a counter ends in _total. A name is never reused for
another meaning.

Labels. A label's values come from a set that is closed when the process starts: channels, verdicts, reason codes,
carriers, lanes, statuses, routes. Never a phone number, tenant, user, message id, text or exception text: each would be
a series for ever, and /metrics has no sign-in. A word outside its set is counted as "other" (labels.py says why).

Zero. A series is there, at 0, before anything has happened, so that "never happened" does not read as "not measured"
and the first event is a rise. Where the product of the labels is large only the parts are there from the start.

Help. The first sentence says what is counted, the next what a rise means.

One CollectorRegistry a process, made where the process is put together and handed in; the global one is not used.

Not here: when a method is called (the caller's business), panels and alert rules.
"""
