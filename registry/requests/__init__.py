"""Ask my admin: a blocked employee's app opens a request; when the registry makes the text possible, they are told.

book.py opens, finds and dismisses requests; watcher.py looks again whenever something changed that they hang on;
actions.py offers it. What is missing is asked of registry.preflight whenever a request is looked at, so that it is what
is missing now. Nothing is ever sent for the employee.

Not here: how the employee and the admins are told (registry.notices).
"""
