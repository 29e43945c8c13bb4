import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.__main__ import app
from gateway.queue.store import open_store
from loadtests.ports import free_port
from tests.gateway.commands.door import Door
from tests.gateway.commands.gateways import COMPANY, DAY, Live, a_gateway
from tests.valkey import Valkey

#: Of the example day: messages that the gateway takes.
ACCEPTED = 25
MESSAGES = 53


@pytest.fixture
async def live(valkey: Valkey) -> AsyncIterator[Live]:
    """A gateway that knows the example company."""
    async with a_gateway(valkey) as gateway:
        yield gateway


class Sending:
    """The command in a folder of its own, with the keys of the example company."""

    def __init__(self, folder: Path, live: Live) -> None:
        self.folder = folder
        self.credentials = folder / "credentials.json"
        self.credentials.write_bytes(orjson.dumps(live.credentials))
        self.out = folder / "out.jsonl"
        self._url = live.url

    async def __call__(self, *options: str | Path, day: Path = DAY, url: str | None = None) -> Result:
        """Run it beside the gateway, which lives in this thread's loop."""
        command = [
            "send",
            "--day",
            day,
            "--credentials",
            self.credentials,
            "--url",
            url or self._url,
            "--out",
            self.out,
        ]
        words = [str(word) for word in [*command, *options]]
        return await asyncio.to_thread(CliRunner().invoke, app, words, catch_exceptions=False)

    def said(self) -> dict[int, dict]:
        """Read what the last run was told, by number of the message."""
        return {row["n"]: row for row in map(orjson.loads, self.out.read_bytes().splitlines())}

    def day(self, *rows: dict) -> Path:
        """Write a day; what a row leaves out is as in a text between two of the example's people and a customer."""
        usual = {"at": "2026-11-20T15:00:00Z", "user": "acme-ana", "from": "+12125550101", "to": "+16465550151"}
        path = self.folder / "own day.ndjson"
        lines = [orjson.dumps({"n": place, "text": f"Text {place}"} | usual | row) for place, row in enumerate(rows, 1)]
        path.write_bytes(b"\n".join(lines) + b"\n")
        return path


@pytest.fixture
def send(tmp_path: Path, live: Live) -> Sending:
    """The command, against that gateway."""
    return Sending(tmp_path, live)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The decision records of `judge` for the example day, and what it prints."""
    records = tmp_path_factory.mktemp("judged") / "records.jsonl"
    result = CliRunner().invoke(app, ["judge", "--company", str(COMPANY), "--day", str(DAY), "--out", str(records)])
    assert result.exit_code == 0
    return records, result.stdout


async def accepted(valkey: Valkey) -> int:
    """Count what the queue store has ever taken, by its own counter."""
    async with open_store(valkey.url) as store:
        return sum(counts.accepted for counts in await store.counts())


def without_spaces(text: str) -> str:
    """Leave out what depends on the widths of a table."""
    return "".join(text.split())


@pytest.mark.parametrize("batch", ["0", "7"])
async def test_the_api_says_what_judge_says(send, judged, valkey, batch):
    """Each message by itself or many in a request: same verdicts, same reasons, same tables."""
    records, printed = judged
    result = await send("--expect", records, "--batch", batch)

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(printed)
    assert "0 differ" in result.stdout
    assert len(send.said()) == MESSAGES
    assert await accepted(valkey) == ACCEPTED


@pytest.mark.parametrize("second", ["0", "7"])
async def test_a_repeated_run_is_taken_once(send, valkey, second):
    """Attachments included, and whichever way it goes the second time."""
    first = await send("--run", "monday")
    told = send.said()
    again = await send("--run", "monday", "--batch", second)

    assert "0 replayed" in first.stdout
    assert f"{ACCEPTED} replayed" in again.stdout
    accepted_ids = {n: row["id"] for n, row in told.items() if row["status"] == 202}
    assert {n: row["id"] for n, row in send.said().items() if row["status"] in {200, 202}} == accepted_ids
    assert await accepted(valkey) == ACCEPTED


async def test_another_run_sends_again(send, valkey):
    """A run without a name gets a new one, which is said."""
    first, second = await send(), await send()

    assert first.stdout.splitlines()[-1] != second.stdout.splitlines()[-1]
    assert await accepted(valkey) == 2 * ACCEPTED


@pytest.mark.parametrize("batch", ["0", "7"])
@pytest.mark.parametrize(
    "words",
    [
        ("busy", "busy"),
        ("slow_down",),
        ("unknown", "unknown"),
        ("drop", "drop"),
        ("lose", "lose"),
        ("busy", "unknown", "lose", "drop"),
    ],
)
async def test_what_may_pass_is_repeated(send, live, judged, valkey, words, batch):
    """A gateway that is busy, or whose answers are lost: every message is answered, and taken once."""
    async with Door(live.url, *words).open() as url:
        result = await send("--expect", judged[0], "--batch", batch, url=url)

    assert result.exit_code == 0, result.output
    assert f"{len(words)} requests repeated" in result.stdout
    assert await accepted(valkey) == ACCEPTED


@pytest.mark.parametrize("word", ["busy", "drop", "lose"])
async def test_a_conversation_keeps_its_order(send, live, word):
    """Also when its first message has to be repeated, and however its recipient's number was typed."""
    spellings = ["+16465550151", "(646) 555-0151", "1-646-555-0151", "646.555.0151"]
    day = send.day(*({"to": to} for to in spellings))
    door = Door(live.url, word)
    async with door.open() as url:
        result = await send(day=day, url=url)

    assert result.exit_code == 0, result.output
    assert [body["text"] for body in door.bodies] == ["Text 1", "Text 1", "Text 2", "Text 3", "Text 4"]


async def test_conversations_do_not_wait_for_each_other(send, live):
    """One that stands still holds up nobody else."""
    day = send.day({"to": "+16465550151"}, {"to": "+16465550151"}, {"to": "ext:102"}, {"to": "ext:103"})
    door = Door(live.url, "hold", awaits=3)
    async with door.open() as url:
        result = await send("--concurrency", "2", day=day, url=url)

    assert result.exit_code == 0, result.output
    assert [body["text"] for body in door.bodies] == ["Text 1", "Text 3", "Text 4", "Text 2"]


async def test_lines_of_a_batch_are_repeated_alone(send, live, judged, valkey):
    """Those that were told to come later; the others have their answers."""
    async with Door(live.url, "part").open() as url:
        result = await send("--expect", judged[0], "--batch", "7", "--concurrency", "1", url=url)

    assert result.exit_code == 0, result.output
    assert "0 replayed, 1 requests repeated" in result.stdout
    assert await accepted(valkey) == ACCEPTED


async def test_a_batch_is_no_larger_than_the_gateway_takes(send):
    """However many messages were asked for; here twenty reach the limit, and each is too long to be a text."""
    day = send.day(*({"to": f"ext:{number}", "text": "x" * 50_000} for number in range(25)))

    result = await send("--batch", "1000", day=day)

    assert result.exit_code == 0, result.output
    assert {row["verdict"] for row in send.said().values()} <= {"allow", "block"}


async def test_a_gateway_that_is_away_ends_the_run(send):
    """With what was left unanswered, and how to go on."""
    result = await send("--patience", "0.2", "--run", "later", url=f"http://127.0.0.1:{free_port()}")

    assert result.exit_code == 1
    assert "does not answer" in result.stderr
    assert f"{MESSAGES} without an answer" in result.stderr
    assert "--run later" in result.stdout


async def test_one_message_without_an_answer_does_not_end_the_run(send, live):
    """It is counted as an error; the others are answered."""
    day = send.day({"to": "+16465550151"}, *({"to": f"ext:{number}"} for number in range(102, 112)))
    async with Door(live.url, swallows='"Text 1"').open() as url:
        result = await send("--patience", "1.5", "--concurrency", "2", day=day, url=url)

    assert result.exit_code == 1
    assert send.said()[1] == {"n": 1, "id": None, "status": None, "verdict": None, "reason": "no_answer"}
    assert sum(row["status"] == 202 for row in send.said().values()) == 10


async def test_differences_are_shown(send, judged):
    """A changed verdict, a message that was not expected and one that was not sent: each by its number."""
    rows = [orjson.loads(line) for line in judged[0].read_bytes().splitlines()]
    rows[0]["decision"] = {"verdict": "block", "reason": "did_unassigned"}
    rows[1]["id"] = "999"
    changed = send.folder / "changed.jsonl"
    changed.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))

    result = await send("--expect", changed)

    assert result.exit_code == 1
    assert "n 1\n    expected  block did_unassigned\n    got       allow ok_internal_im\n" in result.stdout
    assert "n 2\n    expected  nothing\n    got       allow ok_internal_im\n" in result.stdout
    assert "n 999\n    expected  allow ok_internal_im\n    got       nothing\n" in result.stdout
    assert "3 differ" in result.stdout


async def test_messages_are_followed_to_their_end(send, live):
    """Without a worker they stay queued, which is not an end; cancelled is one."""
    waiting = await send("--run", "monday", "--wait", "2")
    for row in send.said().values():
        if row["status"] == 202:
            await _cancel(live, row["id"])
    ended = await send("--run", "monday", "--wait", "20")

    assert waiting.exit_code == 1
    assert f"queued{ACCEPTED}" in without_spaces(waiting.stdout)
    assert f"{ACCEPTED} have not come to an end" in waiting.stdout
    assert ended.exit_code == 0, ended.output
    assert f"cancelled{ACCEPTED}" in without_spaces(ended.stdout)
    assert "0 have not come to an end" in ended.stdout


async def _cancel(live: Live, message_id: str) -> None:
    for key in live.credentials["api_keys"].values():
        headers = {"Authorization": f"Bearer {key}"}
        async with aiohttp.request("DELETE", f"{live.url}/v1/messages/{message_id}", headers=headers) as response:
            if response.ok:
                return
    pytest.fail("nobody may cancel this message")


async def test_lines_without_a_key_are_left_out(send):
    """By user, and whether they would need the user's key or the company's; the others go."""
    day = send.day({"user": "stranger"}, {"user": "stranger", "origin": "api"}, {"to": "ext:102"})

    result = await send(day=day)

    assert result.exit_code == 1
    assert "stranger: no key in the credentials, 2 messages left out" in result.stderr
    assert list(send.said()) == [3]


async def test_bad_lines_are_left_out(send):
    """Each with its place and what is wrong with it; the others go."""
    day = send.day({}, {"n": 1}, {"media": [{"type": "image/p\nng", "bytes": 5}]}, {"to": "ext:102"})
    with day.open("ab") as file:
        file.write(b"\nnot json\n")

    result = await send(day=day)

    assert result.exit_code == 1
    assert f"{day}:2: message.n" in result.stderr
    assert f"{day}:3: media.type" in result.stderr
    assert f"{day}:6: message: not JSON" in result.stderr
    assert sorted(send.said()) == [1, 4]


async def test_refusals_without_a_verdict_are_counted(send, live):
    """By status and code: here a key that is none, and a file that is too large."""
    bad = live.credentials["user_keys"] | {"acme-ben": "a2p_none_" + "x" * 32}
    send.credentials.write_bytes(orjson.dumps(live.credentials | {"user_keys": bad}))
    large = {"type": "image/png", "bytes": 21_000_000}
    day = send.day({"user": "acme-ben", "to": "ext:101"}, {"to": "ext:102", "media": [large]}, {"to": "ext:102"})

    result = await send(day=day)

    assert result.exit_code == 1
    printed = without_spaces(result.stdout)
    assert "401unauthenticated1" in printed
    assert "413body_too_large1" in printed
    assert {n: row["status"] for n, row in send.said().items()} == {1: 401, 2: 413, 3: 202}


async def test_a_demo_json_will_do(send, live):
    """It says itself which company a user belongs to."""
    users = [
        {"id": user, "tenant": "acme" if user.startswith("acme") else "maple"} for user in ("acme-ana", "maple-noa")
    ]
    send.credentials.write_bytes(orjson.dumps({"urls": {}, **live.credentials, "users": users}))

    result = await send(day=send.day({}, {"origin": "api", "to": "ext:102"}))

    assert result.exit_code == 0, result.output
    assert [row["status"] for row in send.said().values()] == [202, 202]


@pytest.mark.parametrize(
    ("option", "value"), [("--run", "no spaces please"), ("--url", "ftp://127.0.0.1"), ("--batch", "1001")]
)
async def test_unusable_options(send, option, value):
    """Exit status 2, and nothing is sent."""
    result = await send(option, value)

    assert result.exit_code == 2
    assert not send.out.exists()


@pytest.mark.parametrize(
    "content", [b"secret-key", b"[]", b'{"api_keys": {}}', b'{"api_keys": {"acme": 1}, "user_keys": {}}']
)
async def test_unusable_credentials(send, content):
    """Exit status 2 and a sentence, which repeats nothing of the file."""
    send.credentials.write_bytes(content)
    result = await send()

    assert result.exit_code == 2
    assert "credentials" in result.stderr
    assert "secret-key" not in result.output


async def test_unusable_expectations(send):
    """Exit status 2 with the line that is no decision record."""
    wrong = send.folder / "wrong.jsonl"
    wrong.write_bytes(b'{"id": "1", "decision": {"verdict": "allow", "reason": "ok_registered"}}\n{"n": 2}\n')
    result = await send("--expect", wrong)

    assert result.exit_code == 2
    assert "line 2" in result.stderr
