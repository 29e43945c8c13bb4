"""How a company comes to a brand and a campaign: the forms, their checks, the one fee, and the way to TCR.

A form is an Application (records.py): drafted, checked, submitted, and corrected when TCR or a reviewer said no. What
comes of it, the brand or the campaign, is there once TCR has given it an id.

words.py has what TCR takes, brand_form.py and campaign_form.py the forms with their checks, samples.py the reading of
sample texts by the gateway's own rules, flows.py what admins do, fee.py what it costs, steps.py how far a company is,
tcr_form.py what TCR gets of a form, and routes.py the calls.

Not here: the talk with TCR (registry.tcr) and the life cycles (registry.lifecycle.registration).
"""
