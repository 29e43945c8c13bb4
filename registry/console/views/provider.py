"""For the provider's people: the companies, of which one is looked at, and how the platform is.

Not here: what may be done for another company (registry/console/sessions.py, registry/admin_keys.py).
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import available_timezones

from redis.exceptions import RedisError

from registry.barrier import SILENT_MS
from registry.console.pages import HOME, Again, Download, Fields, For, Form, Page, Went
from registry.console.visit import Visit, effective
from registry.ledger.backlog import Partition, backlog
from registry.problems import PROBLEMS, Problem

_LIST: Final = "/provider/tenants"
_FIELDS: Final = ("name", "country", "time_zone", "currency")
_BLANK: Final = {"id": "", "name": "", "country": "US", "time_zone": "America/New_York", "currency": "USD"}
#: How many changes a process may be behind before it shows; a busy registry is always one or two ahead.
_BEHIND: Final = 100
_JOBS: Final = {"provisioning": "Numbers at the aggregator", "tcr": "Brands and campaigns at TCR", "notices": "Notices"}


async def _tenants(visit: Visit) -> Mapping[str, Any]:
    found = await visit.see("listTenants", search=visit.query.get("search"), cursor=visit.query.get("cursor"))
    return {"tenants": found["items"], "next": found["next"]}


async def _look(visit: Visit, _: Fields) -> Went:
    await visit.act_for(visit.names["id"])
    if visit.names["id"] == visit.person.tenant:
        return Went(f"{HOME}{_LIST}", "You look at your own company again.")
    return Went(HOME, "You look at this company now. What you change is in its audit with your name.")


async def _new(visit: Visit) -> Mapping[str, Any]:
    del visit
    return _shown(_BLANK, {}, new=True)


async def _add(visit: Visit, fields: Fields) -> Went | Again:
    typed = {name: fields.text(name) for name in ("id", *_FIELDS)}
    try:
        made = await visit.do("addTenant", body={**typed, "id": typed["id"] or None})
    except Problem as problem:
        return Again("provider_tenant.html", {"title": "Add a company", **_shown(typed, _errors(problem), new=True)})
    return Went(f"{HOME}{_LIST}", f"{made['name']} is there, as {made['id']}. Look at it to go on.")


async def _one(visit: Visit) -> Mapping[str, Any]:
    tenant = await visit.see("getTenant", {"id": visit.names["id"]})
    return {"title": tenant["name"], **_shown(tenant, {}, new=False)}


async def _edit(visit: Visit, fields: Fields) -> Went | Again:
    typed = {name: fields.text(name) for name in _FIELDS}
    try:
        done = await visit.done("changeTenant", {"id": visit.names["id"]}, typed)
    except Problem as problem:
        if problem.code in {"not_found", "forbidden"}:
            raise
        shown = _shown({"id": visit.names["id"], **typed}, _errors(problem), new=False)
        return Again("provider_tenant.html", {"title": typed["name"] or visit.names["id"], **shown})
    return Went(f"{HOME}{_LIST}", f"{typed['name']} is saved.{effective(done)}")


def _shown(tenant: Mapping[str, Any], errors: Mapping[str, str], *, new: bool) -> dict[str, Any]:
    return {"tenant": tenant, "errors": errors, "new": new, "zones": sorted(available_timezones())}


def _errors(problem: Problem) -> dict[str, str]:
    """Return what is wrong by field; what is about none is told at the name. Problem that no field is to blame for."""
    if problem.code in {"forbidden", "unauthenticated", "not_found"}:
        raise problem
    told = {fault.pointer.strip("/"): fault.fix or PROBLEMS[fault.code].fix for fault in problem.faults}
    return told or {"name": PROBLEMS[problem.code].fix}


async def _platform(visit: Visit) -> Mapping[str, Any]:
    work = await visit.see("getOperations")
    try:
        copy = await visit.tools.store.followers()
    except (RedisError, OSError):
        copy = None
    queue = await backlog(visit.tools.settings.queue_url, visit.tools.ledger)
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    mark = None if copy is None else copy.mark
    return {
        "work": work,
        "jobs": _JOBS,
        "copy": copy,
        "behind": None if mark is None else max(0, work["seq"] - mark.seq),
        "processes": [] if copy is None else [_process(one, mark) for one in copy.processes],
        "queue": queue,
        "lanes": _lanes(queue or []),
        "open": sum(one.open for one in queue or ()),
        "doubts": sum(one.doubts for one in queue or ()),
        "unread": sum(one.unread for one in queue or ()),
        "oldest_s": {one.number: (now_ms - one.oldest_ms) / 1000 for one in queue or () if one.oldest_ms is not None},
    }


def _process(one: Any, mark: Any) -> dict[str, Any]:
    """Say how old a process's copy is: what it heard last, and whether it may still judge by it."""
    behind = None if mark is None or one.epoch != mark.epoch else max(0, mark.seq - one.seq)
    if one.age_ms >= SILENT_MS:
        state, text = "stuck", "Silent: its facts have run out, it judges by none"
    elif behind is None:
        state, text = "waiting", "Reads the copy anew"
    elif behind > _BEHIND:
        state, text = "waiting", f"{behind:,} changes behind"
    else:
        state, text = "good", "Up to date" if not behind else f"{behind:,} changes behind"
    return {"name": one.name, "age_s": one.age_ms / 1000, "state": state, "text": text}


def _lanes(queue: list[Partition]) -> list[tuple[str, int, int]]:
    """Return lanes by how many wait in them: name, messages, in how many partitions."""
    waiting: Counter[str] = Counter()
    partitions: Counter[str] = Counter()
    for one in queue:
        for lane, count in one.lanes.items():
            waiting[lane] += count
            partitions[lane] += bool(count)
    return sorted(((lane, waiting[lane], partitions[lane]) for lane in waiting), key=lambda line: (-line[1], line[0]))


PAGES: Final[tuple[Page, ...]] = (
    Page(_LIST, "Companies", "provider_tenants.html", _tenants, of=For.PROVIDER),
    Page(f"{_LIST}/new", "Add a company", "provider_tenant.html", _new, of=For.OPERATORS),
    Page(f"{_LIST}/{{id}}", "Company", "provider_tenant.html", _one, of=For.OPERATORS),
    Page("/provider/platform", "Platform", "provider_platform.html", _platform, of=For.PROVIDER),
)
FORMS: Final[tuple[Form, ...]] = (
    Form(f"{_LIST}/new", _add, of=For.OPERATORS),
    Form(f"{_LIST}/{{id}}", _edit, of=For.OPERATORS),
    Form(f"{_LIST}/{{id}}/look", _look, of=For.PROVIDER, back=_LIST),
)
DOWNLOADS: Final[tuple[Download, ...]] = ()
