"""A person's own time zone: chosen by themselves, seen wherever a time is, and nobody else's."""

import pytest

from registry.console.time_zone import _zones

PAGE = "/console/time-zone"
#: Where pages say in which zone their times are.
SHOWN = ("/console/audit", "/console/messages/log", "/console/messages/traffic")


async def choose(visitor, zone):
    """Send the form as its page shows it, with another zone."""
    seen = await visitor.go(PAGE)
    assert [name for name, _ in visitor.form_of(seen, PAGE)] == ["time_zone"]
    return await visitor.send(PAGE, {"time_zone": zone})


async def test_is_the_company_s_until_one_is_chosen(admin):
    """And again when the field is emptied."""
    assert "those of America/New_York." in (await admin.go("/console/audit")).words

    chosen = await choose(admin, "America/Vancouver")
    assert "those of America/Vancouver now" in chosen.said
    for path in SHOWN:
        words = (await admin.go(path)).words
        assert "those of America/Vancouver." in words, path
    assert admin.form_of(await admin.go(PAGE), PAGE) == [("time_zone", "America/Vancouver")]

    back = await choose(admin, "")
    assert "those of the company now" in back.said
    assert "those of America/New_York." in (await admin.go("/console/audit")).words


async def test_times_are_written_in_it(admin):
    """The same change, as somebody sees it who is where the day has another name."""
    page = "/console/audit?kind=api_keys&actor=user%3Aada"
    await choose(admin, "Pacific/Kiritimati")
    there = (await admin.go(page)).text
    await choose(admin, "Pacific/Niue")
    here = (await admin.go(page)).text

    instants = [line.partition('"')[0] for line in there.split('datetime="')[1:]]
    assert instants
    assert instants == [line.partition('"')[0] for line in here.split('datetime="')[1:]]
    assert there.split("<time")[1:] != here.split("<time")[1:]


async def test_goes_along_to_other_companies(console):
    """Who chose none sees each company's."""
    operator, support = await console.visitor("operator"), await console.visitor("support")
    await choose(operator, "America/Regina")
    for visitor, zone in ((operator, "America/Regina"), (support, "America/New_York")):
        await visitor.go("/console/provider/tenants")
        await visitor.send("/console/provider/tenants/acme/look")
        assert f"those of {zone}." in (await visitor.go("/console/audit")).words


async def test_is_of_the_person_and_stays_when_they_sign_out(console):
    """In every browser of theirs; colleagues see what they saw."""
    first, colleague = await console.visitor("employee"), await console.visitor("admin")
    await choose(first, "America/Halifax")
    second = await console.visitor("employee")
    assert 'data-zone="America/Halifax"' in (await second.go("/console/messages")).text
    assert 'data-zone="America/New_York"' in (await colleague.go("/console/messages")).text


@pytest.mark.parametrize(
    "zone", ["Mars/Base", "america/new_york", "../etc/passwd", "localtime", "Factory", "\u2603", "x" * 99]
)
async def test_what_is_none_is_refused(admin, zone):
    """With what was typed kept, what to type said, and what was chosen before in force."""
    await choose(admin, "America/Denver")
    seen = await choose(admin, zone)
    assert seen.status == 422
    assert "Choose a zone of the list" in seen.words
    assert "those of America/Denver." in (await admin.go("/console/audit")).words


async def test_nobody_chooses_without_a_sign_in(console):
    """The page and the form lead to the sign-in."""
    stranger = await console.visitor()
    assert (await stranger.go(PAGE)).path == f"/console/sign-in?next={PAGE}"
    assert (await stranger.send(PAGE, {"time_zone": "America/Denver"})).path == "/console/sign-in"


def test_what_can_be_chosen_has_every_zone_of_north_america():
    """Where the companies are."""
    wanted = {"America/St_Johns", "America/Phoenix", "America/Anchorage", "Pacific/Honolulu", "America/Toronto", "UTC"}
    assert wanted <= set(_zones())
