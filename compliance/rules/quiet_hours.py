"""Marketing stays out of people's nights: it goes only within the hours of the recipient's state.

Source: rule 2.11 of tests/cases/README.md; TCPA 08:00 to 21:00 local time and the stricter state laws. Area codes say
where a number was issued, so all candidate zones must agree. Holidays are not part of this version.
"""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, flags
from compliance.destinations import AREA_CODES
from compliance.facts import Campaign

_FOUND = flags(Code.FLAG_QUIET_HOURS)


@dataclass(frozen=True, slots=True)
class Window:
    """When texts may arrive on one weekday: start included, end excluded. None: not at all."""

    start: time
    end: time

    def holds(self, local: datetime) -> bool:
        """Say whether a local instant is inside."""
        return self.start <= local.time() < self.end


def _window(start_hour: int, end_hour: int) -> Window:
    return Window(time(start_hour), time(end_hour))


def _week(weekdays: Window, saturday: Window | None, sunday: Window | None) -> tuple[Window | None, ...]:
    return (*[weekdays] * 5, saturday, sunday)


def _every_day(start_hour: int, end_hour: int) -> tuple[Window | None, ...]:
    return (_window(start_hour, end_hour),) * 7


_UNTIL_EIGHT: Final = _every_day(8, 20)
_NOT_ON_SUNDAY: Final = _week(_window(8, 20), _window(8, 20), None)
_NINE_TO_EIGHT: Final = _every_day(9, 20)
_NINE_TO_NINE: Final = _every_day(9, 21)
_USUAL: Final = _every_day(8, 21)
#: State or territory to its windows from Monday to Sunday.
_WEEKS: Final = (
    dict.fromkeys(("FL", "OK", "MD", "MA", "NJ"), _UNTIL_EIGHT)
    | dict.fromkeys(("MS", "AL", "LA"), _NOT_ON_SUNDAY)
    | dict.fromkeys(("CT", "NV"), _NINE_TO_EIGHT)
    | dict.fromkeys(("MI", "MN", "NM"), _NINE_TO_NINE)
    | {
        "TX": _week(_window(9, 21), _window(9, 21), _window(12, 21)),
        "RI": _week(_window(9, 18), _window(10, 17), None),
        "KY": _every_day(10, 21),
    }
)
_ZONES: Final = {zone: ZoneInfo(zone) for row in AREA_CODES.values() for zone in row.zones}


def check(case: Case) -> tuple[Finding, ...]:
    """Find marketing at an hour when nobody may be disturbed."""
    campaign = case.campaign
    if campaign is None or not case.is_us or not _is_marketing(campaign):
        return NOTHING
    if case.is_reply or case.content.is_code_text:
        return NOTHING
    return NOTHING if _may_disturb(case.destination_number, case.facts.at) else _FOUND


def _is_marketing(campaign: Campaign) -> bool:
    if campaign.use_case == "marketing":
        return True
    return campaign.use_case in {"mixed", "low_volume"} and "marketing" in campaign.sub_use_cases


def _may_disturb(number: str, at: datetime) -> bool:
    row = AREA_CODES[number[2:5]]
    week = _WEEKS.get(row.region, _USUAL)
    local_times = [at.astimezone(_ZONES[zone]) for zone in row.zones]
    return all((window := week[local.weekday()]) is not None and window.holds(local) for local in local_times)
