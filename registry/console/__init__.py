"""The console: where customer admins register, enable numbers and see why a text did not go, and where employees text.

Pages are rendered here and work without script; a little script of ours makes them live. The console has no rule of its
own: whatever it shows is a View of the admin API, whatever it does an Action (visit.py), with the same checks of the
same people.

    table.py       every page and form, one line each       pages.py      what a line is made of
    views/         what pages show and forms do             templates/    how they look
    frame.py       HTTP: who may, CSRF, headers, errors     visit.py      somebody's visit: see(), do()
    sign_in.py     signing in and out                       sessions.py   who is signed in
    passwords.py   Argon2                                   tries.py      how often somebody may guess
    addresses.py   where browsers come from, through proxies
    live.py        changes as they happen                   rendering.py  Jinja2: times, numbers, plots
    parts.py       puts the console together

Not here: what is done (registry.flows and the packages beside it) and the JSON API (admin_routes.py).
"""
