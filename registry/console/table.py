"""Every page, form and download of the console, and its menu: the tuples of views/, put together."""

from typing import Final

from registry.console.pages import Download, For, Form, Link, Page, Section
from registry.console.views import (
    audit,
    chat,
    drift,
    home,
    keys,
    leave,
    log,
    numbers,
    opt_outs,
    preflight,
    provider,
    registration,
    requests,
    sms,
    traffic,
    users,
)

_PLACES: Final = (
    home,
    users,
    sms,
    numbers,
    registration,
    chat,
    log,
    traffic,
    opt_outs,
    preflight,
    requests,
    keys,
    audit,
    drift,
    provider,
    leave,
)
PAGES: Final[tuple[Page, ...]] = tuple(page for place in _PLACES for page in place.PAGES)
FORMS: Final[tuple[Form, ...]] = tuple(form for place in _PLACES for form in place.FORMS)
DOWNLOADS: Final[tuple[Download, ...]] = tuple(one for place in _PLACES for one in place.DOWNLOADS)

MENU: Final[tuple[Section, ...]] = (
    Section("", (Link("Home", "", For.EVERYBODY), Link("Messages", "/messages", For.EVERYBODY))),
    Section(
        "Phone system",
        (
            Link("Users", "/phone-system/users"),
            Link("SMS", "/phone-system/sms"),
            Link("Numbers", "/phone-system/numbers"),
        ),
    ),
    Section(
        "Registration",
        (
            Link("Overview", "/registration"),
            Link("Brands", "/registration/brands"),
            Link("Campaigns", "/registration/campaigns"),
        ),
    ),
    Section(
        "Messages",
        (
            Link("Log", "/messages/log"),
            Link("Traffic", "/messages/traffic"),
            Link("Preflight", "/preflight"),
            Link("Requests", "/requests"),
            Link("Opt-outs", "/messages/opt-outs"),
        ),
    ),
    Section("Company", (Link("API keys", "/keys"), Link("Audit", "/audit"), Link("Drift", "/drift"))),
    Section(
        "Provider",
        (
            Link("Companies", "/provider/tenants", For.PROVIDER),
            Link("Leave of carriers", "/provider/leave", For.PROVIDER),
            Link("Platform", "/provider/platform", For.PROVIDER),
        ),
    ),
)
