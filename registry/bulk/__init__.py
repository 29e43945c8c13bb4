"""Bulk: files of numbers, people or assignments, in and out, however long they are.

A file is read row by row (reading.py), each row judged by the same rules as a person's click (numbers.py, people.py) or
taken as it is, states and all (given.py), written a batch a transaction (batches.py), and told about in a report
(report.py). jobs.py runs a file, routes.py does the same over HTTP, export.py writes files.
"""
