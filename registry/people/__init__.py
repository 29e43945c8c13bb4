"""People, companies and keys: who is there, what they may, and the keys that prove it.

Roles: an employee texts, an admin changes what is the company's, support (the provider's) looks everywhere and changes
nothing, an operator (the provider's) may do everything. rights.py says which scopes go with them; keys.py makes, renews
and narrows keys, retirements.py takes old ones back when their time has come; tenants.py has the companies, views.py
the lists, routes.py the calls, and commands.py what is done at the terminal before there is any key.

Not here: how a key is checked (registry.admin_keys, and the gateway), and the flows of people (registry.flows.people).
"""
