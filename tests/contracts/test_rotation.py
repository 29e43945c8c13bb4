"""Changing a company's key without a gap, as the README tells."""

from pathlib import Path

import orjson

from registry.database import Database
from registry.importer import ImportOptions, import_company
from tests.registry.admin import serving
from tests.valkey import Valkey

COMPANY = Path(__file__).parents[2] / "examples" / "company.json"


async def test_two_keys_live_side_by_side_until_one_is_revoked(databases, tmp_path):
    """A second import leaves new keys beside the old; both open the door until the old one is revoked by its id."""
    texts = {}
    with databases.new(tmp_path / "data") as settings, Valkey() as server:
        async with Database.opened(settings) as database:
            for name in ("old", "new"):
                path = tmp_path / f"{name}.json"
                options = ImportOptions(file=COMPANY, credentials=path, gateway_url=None, wait_s=0)
                await import_company(database, options, lambda *_: None)
                texts[name] = orjson.loads(path.read_bytes())["admin_keys"]["acme"]
            assert texts["old"] != texts["new"]

            async with serving(settings, server.url, texts) as api:
                both = [(await api.get("/v1/brands/BACME01", key=name)).status for name in texts]
                old_id = texts["old"].split("_")[1]
                revoked = await api.patch(f"/v1/keys/{old_id}", {"revoked": True}, key="new")
                after = [(await api.get("/v1/brands/BACME01", key=name)).status for name in texts]

    assert both == [200, 200]
    assert revoked.status == 200
    assert after == [401, 200]
