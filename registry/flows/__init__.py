"""What people do at the registry, each flow one function: it reads how things stand, asks the life cycles, and writes.

A flow runs inside Database.writing() and has everything it needs in a Desk. It raises problems.Problem when the step
cannot be taken; then nothing was written. numbers.py and people.py have the flows of the Users and SMS pages,
campaigns.py those of a campaign that is there. How brands and campaigns come to be is in registry.registration.

Not here: HTTP (admin_actions.py) and what follows at the aggregator and at TCR (provisioning/, tcr/).
"""
