"""What pages of a company with very many numbers would have to look for among all of them: kept by triggers.

Three small tables: how many people there are with each licence; who has several numbers that are on, which only an
import can bring about; and in which blocks of a hundred numbers there are some on the SMS page without an assignment.
They are right in every transaction, as the counts of r0008 are, whose rule about later migrations holds here, too:
one that makes users, numbers or assignments anew calls keep() afterwards, behind keep_counts() of that one.

On PostgreSQL also: a number is looked up once for the counts of a new assignment; and the policies ask for the setting
once a statement and for a whole row by its key, not for all rows at once (walls.py makes new ones so).
"""
# ruff: noqa: S608 - the statements are put together of names of our own

import re
from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from alembic import op

from registry.migrations.versions.r0008_number_counts import _ADDED, _COUNTED, _NAMES
from registry.migrations.walls import let, wall

revision = "0009"
down_revision = "0008"

#: A setting that is asked for at every row, and the same once a statement.
_EVERY_ROW: Final = re.compile(r"(?<!SELECT )current_setting\('a2p\.tenant'::text, true\)")
_ONCE: Final = "(SELECT current_setting('a2p.tenant'::text, true))"
#: A row that has to be visible; OFFSET keeps the planner from reading all rows that are.
_WHOLE: Final = re.compile(r"(WHERE \(\(whole\.\w+\)::text = \(\w+\.\"?\w+\"?\)::text\))(?!\s+OFFSET)")

#: What their rows are of, beside a company, and what is counted.
_TABLES: Final = {
    "people_counts": ("licence", "count"),
    "people_with_several": ("user",),
    "unassigned_counts": ("block", "count"),
}
_HERE: Final = "{row}.left_at IS NULL AND {row}.role <> 'system'"
#: Of a number: it can text, as far as it is up to the number.
_ON: Final = "{row}.kind = 'local' AND {row}.sms = 'enabled' AND {row}.left_at IS NULL AND {row}.\"user\" IS NOT NULL"
_SHOWN: Final = "{row}.sms_page AND {row}.left_at IS NULL"
_BLOCK: Final = "substr({row}.did, 1, 10)"
_BARE: Final = "NOT EXISTS (SELECT 1 FROM assignments AS a WHERE a.did = {row}.did)"
_MORE_PEOPLE: Final = "ON CONFLICT (tenant, licence) DO UPDATE SET count = people_counts.count + excluded.count"
_MORE_BARE: Final = "ON CONFLICT (tenant, block) DO UPDATE SET count = unassigned_counts.count + excluded.count"
_SIGNS: Final = {"new": "1", "old": "-1"}
_SIDES: Final = {"insert": ("new",), "update": ("old", "new"), "delete": ("old",)}


def upgrade() -> None:
    """Make the tables, fill them, and keep them."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        _rewall()
    for table, (by, *counted) in _TABLES.items():
        key = (sa.Column(name, sa.String, nullable=False) for name in ("tenant", by))
        counts = (sa.Column(name, sa.BigInteger, nullable=False) for name in counted)
        op.create_table(table, *key, *counts, sa.PrimaryKeyConstraint("tenant", by, name=f"pk_{table}"))
        if bind.dialect.name == "postgresql":
            wall(table, own="tenant")
            let(table, "SELECT, INSERT, UPDATE, DELETE")
    fill()
    keep()


def fill() -> None:
    """Write what is so of all rows, into the empty tables."""
    bind = op.get_bind()
    bind.exec_driver_sql(
        "INSERT INTO people_counts (tenant, licence, count) SELECT u.tenant, u.licence, count(*) FROM users AS u"
        f" WHERE {_of(_HERE, 'u')} GROUP BY 1, 2"
    )
    bind.exec_driver_sql(
        'INSERT INTO people_with_several (tenant, "user") SELECT n.tenant, n."user" FROM numbers AS n'
        f" WHERE {_of(_ON, 'n')} GROUP BY 1, 2 HAVING count(*) > 1"
    )
    bind.exec_driver_sql(
        "INSERT INTO unassigned_counts (tenant, block, count)"
        f" SELECT n.tenant, {_of(_BLOCK, 'n')}, count(*) FROM numbers AS n"
        f" WHERE {_of(_SHOWN, 'n')} AND {_of(_BARE, 'n')} GROUP BY 1, 2"
    )


def keep() -> None:
    """Make the triggers; those that are there are made anew."""
    bind = op.get_bind()
    make = _of_statements if bind.dialect.name == "postgresql" else _of_rows
    for statement in make():
        bind.exec_driver_sql(statement)


def _of(words: str, row: str) -> str:
    return words.format(row=row)


def _of_rows() -> Iterable[str]:
    """Return SQLite's statements.

    (Without WHERE, it takes ON CONFLICT for the condition of a join.)
    """
    for event, sides in _SIDES.items():
        steps = [
            f"INSERT INTO people_counts (tenant, licence, count) SELECT {row}.tenant, {row}.licence, {_SIGNS[row]}"
            f" WHERE {_of(_HERE, row)} {_MORE_PEOPLE}"
            for row in sides
        ]
        yield from _row_trigger("people", "users", event, ("tenant", "licence", "role", "left_at"), steps)
        steps = [
            f"INSERT INTO unassigned_counts (tenant, block, count) SELECT {row}.tenant, {_of(_BLOCK, row)},"
            f" {_SIGNS[row]} WHERE {_of(_SHOWN, row)} AND {_of(_BARE, row)} {_MORE_BARE}"
            for row in sides
        ]
        for row in sides:
            found = f'SELECT count(*) FROM numbers AS n WHERE n.tenant = {row}.tenant AND n."user" = {row}."user"'
            found = f"({found} AND {_of(_ON, 'n')})"
            steps.append(
                f'INSERT OR IGNORE INTO people_with_several (tenant, "user") SELECT {row}.tenant, {row}."user"'
                f" WHERE {_of(_ON, row)} AND {found} > 1"
                if row == "new"
                else f'DELETE FROM people_with_several WHERE tenant = {row}.tenant AND "user" = {row}."user"'
                f" AND {found} < 2"
            )
        matters = ("tenant", '"user"', "kind", "sms", "left_at", "sms_page")
        yield from _row_trigger("apart", "numbers", event, matters, steps)
    for event, row, sign in (("insert", "new", "-1"), ("delete", "old", "1")):
        step = (
            f"INSERT INTO unassigned_counts (tenant, block, count) SELECT n.tenant, {_of(_BLOCK, 'n')}, {sign}"
            f" FROM numbers AS n WHERE n.did = {row}.did AND {_of(_SHOWN, 'n')} {_MORE_BARE}"
        )
        yield from _row_trigger("apart", "assignments", event, (), [step])


def _row_trigger(name: str, table: str, event: str, matters: Iterable[str], steps: Iterable[str]) -> Iterable[str]:
    when = " OR ".join(f"new.{one} IS NOT old.{one}" for one in matters)
    yield f"DROP TRIGGER IF EXISTS {name}_{table}_{event}"
    yield (
        f"CREATE TRIGGER {name}_{table}_{event} AFTER {event.upper()} ON {table}"
        f" {f'WHEN {when}' if event == 'update' else ''} BEGIN {'; '.join(steps)}; END"
    )


def _of_statements() -> Iterable[str]:
    """Return PostgreSQL's statements: the rows of a statement are looked at together."""
    for event, sides in _SIDES.items():
        people = " UNION ALL ".join(
            f"SELECT r.tenant, r.licence, {_SIGNS[side]} FROM {side}_rows AS r WHERE {_of(_HERE, 'r')}"
            for side in sides
        )
        yield from _statement_trigger("people", "users", event, sides, _summed("people_counts", "licence", people))
        # (a number that comes has no assignment yet, one that goes has none any more)
        bare = "" if len(sides) == 1 else f" AND {_of(_BARE, 'r')}"
        blocks = " UNION ALL ".join(
            f"SELECT r.tenant, {_of(_BLOCK, 'r')}, {_SIGNS[side]} FROM {side}_rows AS r WHERE {_of(_SHOWN, 'r')}{bare}"
            for side in sides
        )
        several = "; ".join(_several(side, sides) for side in sides)
        body = f"{_summed('unassigned_counts', 'block', blocks)}; {several}"
        yield from _statement_trigger("apart", "numbers", event, sides, body)
    for event, side, sign in (("insert", "new", 1), ("delete", "old", -1)):
        yield from _statement_trigger("count", "assignments", event, (side,), _assigned(side, sign))


def _summed(table: str, by: str, parts: str) -> str:
    more = _MORE_PEOPLE if by == "licence" else _MORE_BARE
    return (
        f"INSERT INTO {table} (tenant, {by}, count) SELECT tenant, {by}, sum(one)"
        f" FROM ({parts}) AS counted(tenant, {by}, one) GROUP BY 1, 2 HAVING sum(one) <> 0 {more}"
    )


def _several(side: str, sides: Iterable[str]) -> str:
    """Return what notes who has several, or has no longer: each is looked up in the index of numbers that are on."""
    found = (
        '(SELECT count(*) FROM numbers AS n WHERE n.tenant = {who}.tenant AND n."user" = {who}."user"'
        f" AND {_of(_ON, 'n')})"
    )
    theirs = f'SELECT r.tenant, r."user"{{more}} FROM {side}_rows AS r WHERE {_of(_ON, "r")}'
    if side == "old":
        return (
            f'DELETE FROM people_with_several AS s WHERE (s.tenant, s."user") IN ({theirs.format(more="")})'
            f" AND {found.format(who='s')} < 2"
        )
    if "old" in sides:  # (who had the number on before has no more by it)
        mine = theirs.format(more=", r.did")
        turned = f"{mine} EXCEPT {mine.replace('new_rows', 'old_rows')}"
        theirs = f'SELECT DISTINCT tenant, "user" FROM ({turned}) AS turned'
    else:
        theirs = theirs.format(more="").replace("SELECT", "SELECT DISTINCT", 1)
    return (
        f'INSERT INTO people_with_several (tenant, "user") SELECT w.tenant, w."user" FROM ({theirs}) AS w'
        f" WHERE {found.format(who='w')} > 1 ON CONFLICT DO NOTHING"
    )


def _assigned(side: str, sign: int) -> str:
    """Return what assignments that come or go change in both tables of counts, each number looked up once."""
    return (
        f"WITH those({_NAMES}, block) AS MATERIALIZED (SELECT {_COUNTED}, {_of(_BLOCK, 'n')} FROM {side}_rows AS a"
        " CROSS JOIN LATERAL (SELECT * FROM numbers WHERE did = a.did OFFSET 0) AS n),"
        " blocks AS (INSERT INTO unassigned_counts (tenant, block, count)"
        f" SELECT tenant, block, {-sign} * count(*) FROM those WHERE page = 'sms' AND place = 'here' GROUP BY 1, 2"
        f" {_MORE_BARE})"
        f" INSERT INTO number_counts ({_NAMES}, count)"
        f" SELECT {_NAMES}, sum(one) FROM (SELECT {_NAMES}, {sign} FROM those UNION ALL"
        f" SELECT {_bare_names()}, {-sign} FROM those) AS counted({_NAMES}, one)"
        f" GROUP BY {_NAMES} HAVING sum(one) <> 0 {_ADDED}"
    )


def _bare_names() -> str:
    """Return the names of what a number counts as, without its assignment."""
    return ", ".join("''" if name in {"campaign", "state"} else name for name in _NAMES.split(", "))


def _statement_trigger(name: str, table: str, event: str, sides: Iterable[str], body: str) -> Iterable[str]:
    whole, ways = f"{name}_{table}_{event}", "SET enable_seqscan = off"
    begin = f"CREATE OR REPLACE FUNCTION {whole}() RETURNS trigger LANGUAGE plpgsql {ways} AS $$"
    yield f"{begin} BEGIN {body}; RETURN NULL; END $$"
    yield f"DROP TRIGGER IF EXISTS {whole} ON {table}"
    tables = " ".join(f"{side.upper()} TABLE AS {side}_rows" for side in sides)
    yield (
        f"CREATE TRIGGER {whole} AFTER {event.upper()} ON {table} REFERENCING {tables}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {whole}()"
    )


def _rewall() -> None:
    """Have the policies that are there say what walls.py says now."""
    bind = op.get_bind()
    policies = bind.exec_driver_sql(
        "SELECT tablename, qual, with_check FROM pg_policies"
        " WHERE schemaname = current_schema() AND policyname = 'tenant'"
    )
    for table, *both in policies.all():
        seen, written = (_WHOLE.sub(r"\1 OFFSET 0", _EVERY_ROW.sub(_ONCE, one)) for one in both)
        bind.exec_driver_sql(f"ALTER POLICY tenant ON {table} USING ({seen}) WITH CHECK ({written})")
