"""Examples of the objects of the admin API: as each is shown, one change of it, and one slip with its answer.

They are of the demo company (examples/company.json), where tests send them.
"""

from typing import Any, Final

from apidocs.document import problem_example
from registry.problems import PROBLEMS


def _refused(code: str, pointer: str, fix: str) -> dict[str, Any]:
    shown = problem_example(code, PROBLEMS[code])
    name = shown.pop("request_id")
    return {
        **shown,
        "detail": f"{pointer}: {fix}" if fix else shown["detail"],
        "errors": [{"pointer": pointer, "code": code}],
        "request_id": name,
    }


#: How far an example's change has come.
DONE: Final = {"seq": 124, "effective": True, "effective_after_ms": 22, "by": "processes"}
_NUMBER: Final = {
    "did": "+12125550112",
    "tenant": "acme",
    "user": "acme-kim",
    "kind": "local",
    "sms": "enabled",
    "sms_enabled_at": "2026-03-02T17:00:00Z",
    "number_changed_at": None,
    "licence_changed_at": None,
    "toll_free_verification": None,
    "sms_page": True,
    "left_at": None,
    "assignment": {
        "state": "assigned",
        "campaign_id": "CACME04",
        "brand_id": "BACME01",
        "since": "2026-11-20T19:12:00Z",
        "fault": None,
    },
    "progress": {
        "status": "Enabled",
        "since": "2026-11-20T19:12:00Z",
        "text": "The number can text, in campaign CACME04.",
        "takes": "",
        "helps": "Nothing has to be done.",
        "hinders": "",
    },
}
_CAMPAIGN: Final = {
    "id": "CACME05",
    "brand_id": "BACME01",
    "use_case": "delivery_notification",
    "sub_use_cases": [],
    "status": "active",
    "sharing": "accepted",
    "dca_complete": True,
    "mock": False,
    "osr_status": None,
    "att_class": "A",
    "description": "A program tells customers when spare parts arrive.",
    "samples": [],
    "opt_out_keywords": ["STOP"],
    "help_message": "",
    "number_pool": "none",
    "faults": [],
    "created_at": None,
    "carriers": {"att": "approved", "tmobile": "rejected", "verizon": "approved", "us_cellular": "approved"},
    "declares": {"embedded_link": True, "embedded_phone": True, "age_gated": False, "direct_lending": False},
    "numbers": 1,
    "numbers_max": 49,
    "verified": True,
    "lacks": None,
}
_BRAND: Final = {
    "id": "BACME01",
    "tenant": "acme",
    "legal_name": "Acme Home Services LLC",
    "status": "vetted_verified",
    "vetting_score": 78,
    "government": False,
    "faults": [],
}
_USER: Final = {
    "id": "acme-kim",
    "tenant": "acme",
    "name": "Kim Park",
    "role": "employee",
    "licence": "X2",
    "left_at": None,
}
_KEY: Final = {
    "id": "Zk3v0tQm9xWd",
    "tenant": "acme",
    "user": None,
    "scopes": ["send", "read", "admin"],
    "label": "minted by import",
    "revoked_at": None,
    "created_at": "2026-11-20T13:00:00Z",
    "revoked": False,
}
_HAND: Final = ("state_not_by_hand", "not_from_here")
#: Kind of object: path, parameter, an object, a change with what it makes of the object, and a slip with its answer.
KINDS: Final = (
    (
        "Number",
        "/v1/numbers/{did}",
        _NUMBER,
        ({"assignment": None}, {"assignment": None}),
        ({"sms": "on"}, _refused("invalid_enum", "/sms", "Use enabled, disabled or superseded.")),
        ("missing_field", "unknown_campaign", "unknown_user", *_HAND),
    ),
    (
        "Campaign",
        "/v1/campaigns/{id}",
        _CAMPAIGN,
        ({"status": "suspended"}, {"status": "suspended"}),
        ({"osr_status": -1}, _refused("invalid_value", "/osr_status", "Give it a whole number, zero or more.")),
        _HAND,
    ),
    (
        "Brand",
        "/v1/brands/{id}",
        _BRAND,
        ({"vetting_score": 80}, {"vetting_score": 80}),
        ({"vetting_score": "80"}, _refused("invalid_type", "/vetting_score", "Give it a whole number.")),
        _HAND,
    ),
    (
        "User",
        "/v1/users/{id}",
        _USER,
        ({"name": "Kim Lee"}, {"name": "Kim Lee"}),
        ({"name": 7}, _refused("invalid_type", "/name", "Give it a string.")),
        ("extension_taken", "last_admin"),
    ),
    (
        "Key",
        "/v1/keys/{id}",
        _KEY,
        ({"revoked": True}, {"revoked_at": "2026-11-20T20:00:00Z", "revoked": True}),
        (
            {"label": "old"},
            _refused("unknown_field", "/label", "Leave it out; what can be changed here is revoked, scopes."),
        ),
        (),
    ),
)
