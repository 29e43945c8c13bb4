"""The unit that travels between machines: what orjson.loads takes for one decision record.

Costs are given beside their multiple of it. The record has every fact of an ordinary allowed text; it is data of the
bench, so that the unit stays what it is when the product changes.
"""

import time
import timeit
from typing import Final

import orjson

_REPEATS: Final = 7
_CALLS: Final = 5_000

RECORD: Final = orjson.dumps(
    {
        "v": 1,
        "id": "bench-1",
        "note": "an ordinary text of a registered number",
        "policy": "current",
        "options": {},
        "facts": {
            "at": "2026-11-20T15:00:00Z",
            "message": {
                "from": "+12125550101",
                "to": "+12025550143",
                "text": "Good morning from the workshop. Your door is ready, come before Friday and bring the key.",
                "media": [],
                "origin": "app",
                "participants": 1,
            },
            "sender": {
                "tenant": {"id": "bench", "customer_since": "2019-04-01"},
                "user": {"id": "bench-001"},
                "number": {
                    "owner": {"tenant": "bench", "user": "bench-001"},
                    "kind": "local",
                    "sms": "enabled",
                    "sms_enabled_at": "2026-03-02T17:00:00Z",
                    "assignment": {"state": "assigned", "campaign_id": "CBENCH1", "brand_id": "BBENCH1"},
                },
                "campaign": {
                    "id": "CBENCH1",
                    "brand_id": "BBENCH1",
                    "use_case": "customer_care",
                    "status": "active",
                    "sharing": "accepted",
                    "dca_complete": True,
                    "carriers": {
                        "att": "approved",
                        "tmobile": "approved",
                        "verizon": "approved",
                        "us_cellular": "approved",
                    },
                    "declares": {"embedded_link": True, "embedded_phone": True},
                    "att_class": "S",
                },
                "brand": {"id": "BBENCH1", "status": "vetted_verified", "vetting_score": 78, "government": True},
            },
            "recipient": {"carrier": "verizon", "line": "mobile"},
            "registry": {"state": "live", "age_s": 0},
        },
        "decision": {"verdict": "allow", "reason": "ok_registered", "findings": [], "findings_exact": True},
    },
)


def unit_us() -> float:
    """Return µs of CPU of one orjson.loads of the record: the best of several tries, since disturbance only adds."""
    tries = timeit.repeat(lambda: orjson.loads(RECORD), timer=time.process_time, number=_CALLS, repeat=_REPEATS)
    return min(tries) / _CALLS * 1e6
