"""What a file wishes for numbers, row by row: whose they are, whether they text, and in which campaign.

A row says how a number is to stand, not what to do; what has to be done follows from how it stands now, with the steps
that an admin would take (lifecycle/standing.py). A row that says what is so already does nothing, so a file that was
exported changes nothing.

    user         whose it is; empty: the pool. A change of hands takes SMS away, unless the row says enabled.
    kind         of a new number; one that is there keeps its own.
    enabled      yes or no; empty: as it is.
    campaign_id  the campaign that it is in; another one: Assign to campaign. Empty: no campaign, so one that is in one
                 and not enabled by the row is removed; one that is to be enabled gets the company's campaign by itself.

Not here: the rows of the database (books.py), and the words of the file (reading.py).
"""

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.senders import canonical_sender
from registry.bulk.books import Books, Draft
from registry.bulk.judged import Judged, Office, Outcome, RowError
from registry.bulk.reading import Row
from registry.lifecycle import standing as steps
from registry.lifecycle.standing import RefusedError, Standing
from registry.quickly import replaced
from registry.records import Assignment, Number

NUMBER_KINDS: Final = ("local", "toll_free", "personal", "service")
_WORDS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
#: Refused with, when a number is to be put right on the SMS page first.
_ASSIGN_FIRST: Final = "assign_on_sms_page"


async def judge_numbers(connection: AsyncConnection, office: Office, rows: Sequence[Row]) -> "JudgeNumbers":
    """Read what a batch of rows about numbers or assignments is about."""
    dids = {did for row in rows if (did := canonical_sender(row.cells.get("did") or "")) is not None}
    people = {user for row in rows if (user := row.cells.get("user")) is not None and not row.faults}
    return JudgeNumbers(await Books.opened(connection, office, dids, people))


class JudgeNumbers:
    """Judges rows about numbers or assignments; a Judge."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def row(self, row: Row) -> Outcome:
        """As Judge."""
        if row.faults:
            return Outcome(faults=row.faults)
        books = self._books
        try:
            before, draft = _draft(books, row)
            _give(books, draft, row)
            _place(books, draft, row)
        except RowError as refused:
            return Outcome(faults=(refused.fault,))
        changed = _changed(before, draft)
        if changed:
            books.enter(draft)
        return Outcome(changed=changed)

    def judged(self) -> Judged:
        """As Judge."""
        return self._books.judged()


def shown_campaign(link: Assignment | None) -> str | None:
    """Return the campaign that a file shows for an assignment: one that it leaves is none any more."""
    return None if link is None or link.state == "removing" else link.campaign_id


def _draft(books: Books, row: Row) -> tuple[Draft | None, Draft]:
    """Return the number of a row as it is (None: it is new), and to be changed."""
    cell = row.cells.get("did")
    if cell is None:
        raise RowError("did", "missing")
    did = canonical_sender(cell)
    if did is None:
        raise RowError("did", "bad_number")
    kind = row.cells.get("kind")
    if kind is not None and kind not in NUMBER_KINDS:
        raise RowError("kind", "bad_word")
    number, office = books.numbers.get(did), books.office
    if number is not None and number.tenant == office.tenant and number.left_at is None:
        if kind is not None and kind != number.kind:
            raise RowError("kind", "kind_differs")
        link = books.links.get(did)
        return Draft(number=number, link=link), Draft(number=number, link=link)
    # (whose a number is that is not the company's own is told to nobody but the provider)
    if not office.operator or "user" not in row.cells:
        raise RowError("did", "not_found")
    if number is not None and number.left_at is None:
        raise RowError("did", "number_taken")
    new = Number(
        did=did,
        tenant=office.tenant,
        user=None,
        kind=kind or "local",
        sms="disabled",
        sms_enabled_at=None,
        number_changed_at=office.now,
        licence_changed_at=None,
        toll_free_verification=None,
    )
    return None, Draft(number=new, link=books.links.get(did))


def _give(books: Books, draft: Draft, row: Row) -> None:
    """Give the number to whom the row names; SMS is lost, whatever it was."""
    if "user" not in row.cells or row.cells["user"] == draft.number.user:
        return
    user = row.cells["user"]
    if user is not None and books.user(user) is None:
        raise RowError("user", "unknown_user")
    before, _ = books.standing(draft)
    draft.number = replaced(draft.number, user=user, number_changed_at=books.office.now, sms=steps.lose(before).sms)


def _place(books: Books, draft: Draft, row: Row) -> None:
    """Bring a number where the row has it: into a campaign or out of it, on or off."""
    enabled = _enabled(row)
    shown = shown_campaign(draft.link)
    campaign = row.cells.get("campaign_id")
    if campaign is not None and campaign not in books.campaigns:
        if campaign == shown:  # (what an import left there)
            campaign = None
        else:
            raise RowError("campaign_id", "unknown_campaign")
    turned_on = enabled is True and draft.number.sms != "enabled"
    if campaign is not None and campaign != shown:
        if turned_on and draft.link is None and not draft.number.sms_page:
            _take(books, draft, "enabled", steps.enable, campaign)
            return
        _take(books, draft, "campaign_id", steps.assign, campaign)
    elif "campaign_id" in row.cells and row.cells["campaign_id"] is None and shown is not None and enabled is not True:
        _take(books, draft, "campaign_id", steps.remove)
    if turned_on:
        _turn_on(books, draft, campaign)
    elif enabled is False and draft.number.sms == "enabled":
        _take(books, draft, "enabled", steps.disable)


def _turn_on(books: Books, draft: Draft, campaign: str | None) -> None:
    """Enable a number; one whose campaign the row names is put into it first where that is what is lacking."""
    try:
        _take(books, draft, "enabled", steps.enable, campaign)
    except RowError as refused:
        if campaign is None or refused.fault.code != _ASSIGN_FIRST:
            raise
        _take(books, draft, "campaign_id", steps.assign, campaign)
        _take(books, draft, "enabled", steps.enable, campaign)


def _enabled(row: Row) -> bool | None:
    word = row.cells.get("enabled")
    if word is None:
        return None
    if word.lower() not in _WORDS:
        raise RowError("enabled", "bad_word")
    return _WORDS[word.lower()]


def _take(
    books: Books, draft: Draft, field: str, step: Callable[[Standing], Standing], campaign_id: str | None = None
) -> None:
    """Take one step of the life cycles."""
    before, campaign = books.standing(draft, campaign_id)
    try:
        after = books.after(step, before)
    except RefusedError as refused:
        raise RowError(field, refused.code) from None
    books.step(draft, before, after, campaign)


def _changed(before: Draft | None, after: Draft) -> tuple[str, ...]:
    """Name the columns that a row changed."""
    if before is None:
        return ("did",)
    was, now = before.number, after.number
    found = []
    if was.user != now.user:
        found.append("user")
    if was.sms != now.sms:
        found.append("enabled")
    if was.sms_page != now.sms_page or before.link != after.link:
        found.append("campaign_id")
    return tuple(found)
