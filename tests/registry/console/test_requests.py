"""Ask my admin in the console: what is missing with the way to it, the answer, and what employees see of theirs."""

from datetime import timedelta

from registry.commands import change, find
from registry.records import Number, Request
from tests.registry.builders import AT, DID, a_number, a_user

MOBILE = "+13035550111"
PATH = "/console/requests"


def a_request(key="r-1", /, **fields):
    """Ben's, who could not text a mobile."""
    given = {
        "tenant": "acme",
        "user": "ben",
        "did": DID,
        "recipient": MOBILE,
        "reason": "did_not_sms_enabled",
        "note": "It is about the order of <b>Kim</b>.",
        "state": "open",
        "opened_at": AT,
        "closed_at": None,
        "closed_by": None,
    }
    return Request(id=key, **given | fields)


async def put(console, *records):
    """Set rows."""
    async with console.database.writing() as connection:
        await change(connection, actor="test", put=[*records])


async def one(console, key="r-1"):
    """A request as it is kept."""
    async with console.database.reading() as connection:
        return (await find(connection, Request, {(key,)}))[key,]


class TestOpen:
    """What waits for an admin."""

    async def test_who_asks_and_what_is_missing(self, console, admin):
        """From where to whom, why it was refused, the note as text, and each step with its page."""
        await put(console, a_number(sms="disabled"), a_request())
        seen = await admin.go(PATH)
        assert "Ben wants to text +1 303-555-0111" in seen.words
        assert "Refused because Texting is off" in seen.words
        assert "It is about the order of <b>Kim</b>." in seen.words
        assert "You: Switch texting on for the number." in seen.words
        assert 'href="/console/phone-system/users/ben"' in seen.text.partition("What is missing")[2]
        assert "&lt;b&gt;Kim" in seen.text

    async def test_the_answer_closes_it(self, console, admin):
        """The employee finds it beside their note; nothing else changes, and once is enough."""
        await put(console, a_number(sms="disabled"), a_request())
        await admin.go(PATH)
        seen = await admin.send(f"{PATH}/r-1/dismiss", {"note": "Please call <i>them</i>."})
        assert seen.said.startswith("The request is closed.")
        assert "Nobody asks for anything" in seen.words
        assert "Please call <i>them</i>." in seen.words
        kept = await one(console)
        assert (kept.state, kept.closed_by) == ("dismissed", "user:ada")
        async with console.database.reading() as connection:
            assert (await find(connection, Number, {(DID,)}))[DID,].sms == "disabled"
        assert "said-warning" in (await admin.send(f"{PATH}/r-1/dismiss", {"note": ""})).text
        employee = await console.visitor("employee")
        mine = await employee.go(f"{PATH}/mine")
        assert "An administrator closed it" in mine.words
        assert "Please call <i>them</i>." in mine.words

    async def test_a_person_who_is_gone(self, console, admin):
        """Leaves a request that nothing can be done about."""
        await put(console, a_user("gone", left_at=AT), a_request(user="gone", did=None))
        assert "not there any more: dismiss the request" in (await admin.go(PATH)).words

    async def test_many_come_page_by_page(self, console, admin):
        """Five at a time, those that wait longest first; those that are closed the newest first."""
        await put(
            console,
            *(a_request(f"r-{n:02}", note=f"note {n:02}", opened_at=AT + timedelta(minutes=n)) for n in range(12)),
            *(a_request(f"s-{n:02}", state="possible", note=f"done {n:02}", closed_at=AT) for n in range(12)),
        )
        seen = await admin.go(PATH)
        assert "note 00" in seen.words
        assert "note 05" not in seen.words
        assert "done 11" in seen.words
        assert "done 01" not in seen.words
        assert 'rel="next"' in seen.text
        behind = seen.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        assert "note 05" in (await admin.go(behind)).words
        closed = (await admin.go(f"{PATH}/closed")).words
        assert closed.index("done 11") < closed.index("done 00")
        assert "note 00" not in closed


class TestWhose:
    """Everybody sees their own; admins and the provider's support the company's."""

    async def test_employees_see_their_own_only(self, console):
        """With how it stands; the page of the company is not theirs."""
        await put(
            console,
            a_request(),
            a_request("r-2", user="ann", note="Ann's"),
            a_request("r-3", state="possible", did=None),
        )
        employee = await console.visitor("employee")
        seen = await employee.go(f"{PATH}/mine")
        assert "Your administrators have it." in seen.words
        assert "You can send the text now." in seen.words
        assert "Ann's" not in seen.words
        assert (await employee.go(PATH)).status == 403
        assert (await employee.send(f"{PATH}/r-2/dismiss", {"note": ""})).status == 403
        assert (await one(console, "r-2")).state == "open"

    async def test_another_companys_is_not_there(self, console):
        """Not in the list, and not to dismiss."""
        await put(console, a_request())
        solo = await console.visitor("solo")
        assert "Ben" not in (await solo.go(PATH)).words
        assert (await solo.send(f"{PATH}/r-1/dismiss", {"note": ""})).status == 404
        assert (await one(console)).state == "open"
        assert "You asked for nothing" in (await solo.go(f"{PATH}/mine")).words

    async def test_support_has_no_button(self, console):
        """Of the provider's own company, which has no requests: nothing to see, nothing to press."""
        support = await console.visitor("support")
        assert "/dismiss" not in (await support.go(PATH)).text
