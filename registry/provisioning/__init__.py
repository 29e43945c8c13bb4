"""Has numbers written into campaigns, and out of them, at the aggregator, and finds out what became of it.

TCR owns no phone numbers and tells nothing about them: only the aggregator knows whether a number is in a campaign, and
it takes seconds or two days. What is wished for stands in the table provisioning_jobs, one row a number, left there by
the flows in the transaction of the wish itself. From there on:

client.py    the aggregator's API: typed values, deadlines, rates
steps.py     what to do next, from the wish and what the aggregator shows; pure
jobs.py      the rows: what is due, and what a result makes of them, through the life cycles
worker.py    the task that takes what is due, asks, looks, and asks again
hook.py      POST /hooks/numbers: what the aggregator tells by itself
progress.py  what an admin is told
"""
