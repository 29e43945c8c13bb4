"""What is in a ledger and in a journal, for comparisons."""

import sqlalchemy as sa

from registry.ledger.tables import events, gaps, messages, metadata


async def rows(ledger, table):
    """All rows of a table, in the order of its key."""
    async with ledger.reading() as connection:
        found = await connection.execute(sa.select(table).order_by(*table.primary_key.columns))
        return [dict(row._mapping) for row in found]


async def message(ledger, name):
    """One message's row."""
    (found,) = [row for row in await rows(ledger, messages) if row["id"] == name]
    return found


async def numbers(ledger):
    """How many rows each table has; empty ones are left out."""
    async with ledger.reading() as connection:
        found = {
            table.name: await connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in metadata.sorted_tables
        }
    return {name: number for name, number in found.items() if number and name not in {"secrets", "retained"}}


def written(raw, partitions=4):
    """Places of all lines in the journals, and all refusals, as the ledger names them."""
    lines, refusals = [], []
    for partition in range(partitions):
        for name, fields in raw.xrange(f"{{q:{partition}}}:events"):
            ms, seq = (int(part) for part in name.split(b"-"))
            if b"refusal" in fields:
                refusals.append(f"r-{partition}-{ms}-{seq}")
            else:
                for place, line in enumerate(fields[b"lines"].split(b"\n")):
                    lines.append((line.split(b"\t")[1].decode(), ms, seq, place))
    return sorted(lines), sorted(refusals)


async def kept(ledger):
    """The same of the ledger."""
    lines = [(row["message_id"], row["entry_ms"], row["entry_seq"], row["place"]) for row in await rows(ledger, events)]
    return sorted(lines), sorted(row["id"] for row in await rows(ledger, messages) if row["refused"])


async def missing(ledger):
    """How many entries each gap swallowed."""
    return [row["entries"] for row in await rows(ledger, gaps)]
