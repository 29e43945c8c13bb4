"""Which requests the front answers itself, and that every other one comes to the general server as it was sent."""

import asyncio
import contextlib

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.edge.admission import Admission, Cause, Pressure
from gateway.edge.front import Ask, Front
from gateway.edge.front import read_ask as read_ask_of
from gateway.edge.guard import Guard, Limits
from gateway.edge.replies import Reply
from gateway.edge.writing import render
from gateway.errors import Problem

patient = settings(max_examples=200, deadline=None)
BODY = b'{"to":"+14155550143","text":"Hi"}'


def read_ask(data):
    """Read a request for a server of any name."""
    return read_ask_of(data, bool)


def a_request(*lines, body=BODY, start="POST /v1/messages HTTP/1.1", length=None):
    """Spell a request; lines are its field lines beside the usual ones."""
    usual = ["Host: gateway", "Content-Type: application/json", f"Content-Length: {length or len(body)}"]
    return "\r\n".join([start, *usual, *lines, "", ""]).encode("latin-1") + body


class TestWhatIsPlain:
    def test_a_plain_request(self):
        """Key and idempotency key where they are given."""
        assert read_ask(a_request()) == Ask(None, (), BODY)
        assert read_ask(a_request("Authorization: Bearer x", "idempotency-key:k 1 ")) == Ask("Bearer x", ("k 1",), BODY)

    @pytest.mark.parametrize(
        "line",
        ["Accept: */*", "User-Agent: wrk (x; y)", "X-Empty:", "Connection: keep-alive", "Connection: Keep-Alive"],
    )
    def test_fields_that_change_nothing(self, line):
        """Whatever they say."""
        assert read_ask(a_request(line)) == Ask(None, (), BODY)

    @pytest.mark.parametrize(
        "line",
        [
            "Transfer-Encoding: chunked",
            "transfer-encoding: identity",
            "Content-Encoding: identity",
            "Expect: 100-continue",
            "Upgrade: websocket",
            "Connection: close",
            "Connection: keep-alive, Upgrade",
            "Trailer: x",
            "TE: trailers",
            "Host: other",
            "Content-Type: application/json",
            f"Content-Length: {len(BODY)}",
            "Authorization: Bearer x\r\nAuthorization: Bearer x",
            "Idempotency-Key: a\r\nIdempotency-Key: a",
            "Space : before the colon",
            " Folded: line",
            "No colon",
            ": no name",
            "Bare\rCarriage: return",
            "Bare: line\nFeed: x",
            "Nul: \x00",
            "Latin: \xe9",
        ],
    )
    def test_fields_that_are_not_for_it(self, line):
        """What changes the framing, stands twice, or is malformed, is judged elsewhere."""
        assert read_ask(a_request(line)) is None

    @pytest.mark.parametrize(
        "start",
        [
            "GET /v1/messages HTTP/1.1",
            "post /v1/messages HTTP/1.1",
            "POST /v1/messages HTTP/1.0",
            "POST /v1/messages/batch HTTP/1.1",
            "POST /v1/messages? HTTP/1.1",
            "POST http://gateway/v1/messages HTTP/1.1",
            "POST  /v1/messages HTTP/1.1",
            " POST /v1/messages HTTP/1.1",
        ],
    )
    def test_other_request_lines(self, start):
        """One route, spelled one way."""
        assert read_ask(a_request(start=start)) is None

    @pytest.mark.parametrize(
        "request_",
        [
            a_request()[:-1],
            a_request() + b"P",
            a_request() + a_request(),
            a_request(length="+33"),
            a_request(length="033x"),
            a_request(length="0x21"),
            a_request(length="100000"),
            a_request("X: " + "x" * 5_000),
            a_request(body=b"x" * 65_537),
            a_request().replace(b"application/json", b"text/plain"),
            a_request().replace(b"application/json", b"application/json; charset=latin-1"),
            a_request().replace(b"Host: gateway\r\n", b""),
            a_request().replace(b"\r\n", b"\n"),
            b"POST /v1/messages HTTP/1.1\r\n\r\n" + BODY,
            b"",
        ],
    )
    def test_what_is_not_whole_or_not_exact(self, request_):
        """More, less, larger, another type."""
        assert read_ask(request_) is None

    @patient
    @given(st.binary(max_size=300))
    def test_no_bytes_break_it(self, data):
        """Alone, and behind the start of a request."""
        assert read_ask(data) is None
        read_ask(b"POST /v1/messages HTTP/1.1\r\n" + data)

    @patient
    @given(st.integers(min_value=0, max_value=len(a_request()) - 1), st.integers(min_value=0, max_value=255))
    def test_one_byte_changed(self, place, byte):
        """Whatever is still answered here has the body that its length says."""
        changed = bytearray(a_request())
        changed[place] = byte
        ask = read_ask(bytes(changed))
        assert ask is None or len(ask.body) == len(BODY)


def test_an_answer_is_written_as_http_has_it():
    """Server, type, length, date, its own fields; and whether the connection ends."""
    reply = Reply(202, b"{}", headers=(("Idempotent-Replayed", "true"),))

    head, _, body = render(reply, is_last=False).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")

    assert lines[0] == b"HTTP/1.1 202 Accepted"
    assert {b"Server: a2p-gateway", b"Content-Type: application/json", b"Content-Length: 2"} < set(lines)
    assert b"Idempotent-Replayed: true" in lines
    assert any(line.startswith(b"Date: ") and line.endswith(b" GMT") for line in lines)
    assert body == b"{}"
    assert b"Connection: close\r\n" in render(reply, is_last=True)


class Other(asyncio.Protocol):
    """A general server that keeps what it gets."""

    def __init__(self):
        self.got = b""
        self.made = asyncio.Event()

    def connection_made(self, transport):
        """Begin."""
        self.transport = transport
        self.made.set()

    def check(self, now):
        """Owe nothing."""

    def data_received(self, data):
        """Keep it, and say that it came."""
        self.got += data
        self.transport.write(b"other")


class Seen:
    """Counts."""

    def __init__(self):
        self.answers, self.problems, self.timeouts, self.refused, self.sheds = [], [], [], [], []

    def responded(self, route, status):
        """Note."""
        self.answers.append((route, status))

    def refused_input(self, code):
        """Note."""
        self.problems.append(code)

    def connection_refused(self, cause):
        """Note."""
        self.refused.append(cause)

    def timed_out(self, phase):
        """Note."""
        self.timeouts.append(phase)

    def shed(self, cause):
        """Note."""
        self.sheds.append(cause)


class Place:
    """A front on a port of its own."""

    def __init__(self):
        self.asked, self.others, self.seen = [], [], Seen()
        self.go = asyncio.Event()
        self.go.set()
        self.failure = None
        self.is_leaving = False
        self.tasks = set()

    def take(self, ask, asker):
        """Take a request, as an intake does."""
        self.serve(ask, asker, self.answer)

    def take_large(self, ask, asker):
        """Take a request whose answer is large."""
        self.serve(ask, asker, self.large)

    def serve(self, ask, asker, answer):
        """Answer in a task."""

        async def answer_it():
            asker.begin()
            try:
                asker.conclude(await answer(ask))
            except Problem as problem:
                asker.conclude(problem)
            except ZeroDivisionError:
                asker.conclude(Problem("internal_error"))

        task = asyncio.get_running_loop().create_task(answer_it())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def answer(self, ask):
        """Say its body back, once it may."""
        self.asked.append(ask)
        await self.go.wait()
        if self.failure is not None:
            raise self.failure
        return Reply(202, ask.body)

    async def large(self, _):
        """Answer with more than any buffer takes."""
        self.asked.append(None)
        return Reply(200, bytes(16_000_000))

    def other(self):
        """Make a connection of the general server."""
        self.others.append(Other())
        return self.others[-1]


def a_front(place, **limits):
    """Build the front of a place."""
    return Front(
        place.take,
        place.other,
        place.seen,
        guard=Guard(Limits(**limits), place.seen),
        admission=Admission(place.seen),
        knows_host=lambda host: host == b"gateway",
        is_leaving=lambda: place.is_leaving,
    )


@pytest.fixture
async def place():
    """A front that serves."""
    made = Place()
    made.front = a_front(made)
    server = await asyncio.get_running_loop().create_server(made.front, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    made.go.set()
    server.close()
    await made.front.close(5)


@contextlib.asynccontextmanager
async def connected(place):
    """Connect a client."""
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    try:
        async with asyncio.timeout(20):
            yield reader, writer
    finally:
        writer.close()


async def read_answer(reader):
    """Read one answer: its status line and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    length = next(int(line.partition(":")[2]) for line in head if line.startswith("Content-Length:"))
    return head[0], await reader.readexactly(length)


async def test_many_requests_on_one_connection(place):
    """One after the other."""
    async with connected(place) as (reader, writer):
        for n in range(50):
            body = b'{"n":%d}' % n
            writer.write(a_request(body=body))
            assert await read_answer(reader) == ("HTTP/1.1 202 Accepted", body)

    assert place.others == []
    assert place.seen.answers == [("/v1/messages", 202)] * 50


async def test_what_comes_early_is_answered_in_order(place):
    """Also when it is something else: then the connection goes over with what is unread."""
    place.go.clear()
    async with connected(place) as (reader, writer):
        writer.write(a_request())
        while not place.asked:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0)
        writer.write(a_request(body=b"{}"))
        await asyncio.sleep(0.01)
        assert len(place.asked) == 1
        place.go.set()
        assert (await read_answer(reader))[1] == BODY
        assert (await read_answer(reader))[1] == b"{}"

        writer.write(b"GET / HTTP/1.1\r\n")
        assert await reader.readexactly(5) == b"other"
        writer.write(a_request())
        assert await reader.readexactly(5) == b"other"

    assert place.others[0].got == b"GET / HTTP/1.1\r\n" + a_request()


async def test_half_a_request_goes_over_byte_for_byte(place):
    """However it is cut."""
    whole = a_request()
    for cut in range(1, len(whole)):
        async with connected(place) as (reader, writer):
            writer.write(whole[:cut])
            await reader.readexactly(5)
            writer.write(whole[cut:])
            await reader.readexactly(5)
        assert place.others[-1].got == whole
    assert place.asked == []


async def test_a_problem_is_answered_and_counted(place):
    """With its own code; a crash with nothing of ours in it."""
    async with connected(place) as (reader, writer):
        for failure, status in ((Problem("unauthenticated"), 401), (ZeroDivisionError("secret"), 500)):
            place.failure = failure
            writer.write(a_request())
            line, body = await read_answer(reader)
            assert line.startswith(f"HTTP/1.1 {status} ")
            assert b"secret" not in body

    assert place.seen.problems == ["unauthenticated", "internal_error"]
    assert place.seen.answers == [("/v1/messages", 401), ("/v1/messages", 500)]


async def test_a_client_that_leaves_stops_nothing(place):
    """What was asked may be kept already."""
    place.go.clear()
    async with connected(place) as (_, writer):
        writer.write(a_request())
        while not place.asked:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    place.go.set()
    async with asyncio.timeout(20):
        while not place.seen.answers:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0)

    assert place.seen.answers == [("/v1/messages", 202)]


async def test_while_leaving_each_answer_is_the_last(place):
    """The client's next request goes elsewhere."""
    place.is_leaving = True
    async with connected(place) as (reader, writer):
        writer.write(a_request())
        assert b"Connection: close" in await reader.read()


async def test_closing_waits_for_what_is_under_way(place):
    """And closes at once who asks nothing."""
    place.go.clear()
    async with connected(place) as (reader, writer), connected(place) as (idle, _):
        writer.write(a_request())
        while not place.asked:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0)
        closing = asyncio.create_task(place.front.close(20))
        assert await idle.read() == b""
        assert not closing.done()
        place.go.set()
        answer = await reader.read()
        await closing

    assert answer.startswith(b"HTTP/1.1 202")
    assert b"Connection: close" in answer


def test_on_the_loop_that_serves():
    """Uvloop has transports of its own kind."""

    async def ask():
        front = a_front(Place())
        server = await asyncio.get_running_loop().create_server(front, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        writer.write(a_request())
        plain = await read_answer(reader)
        writer.write(b"GET / HTTP/1.1\r\n")
        other = await reader.readexactly(5)
        writer.close()
        server.close()
        await front.close(5)
        return plain, other

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(ask()) == (("HTTP/1.1 202 Accepted", BODY), b"other")


async def test_another_host_is_not_for_it(place):
    """The general server says what is to be said."""
    async with connected(place) as (reader, writer):
        writer.write(a_request().replace(b"Host: gateway", b"Host: elsewhere"))
        assert await reader.readexactly(5) == b"other"

    assert place.asked == []


async def test_who_is_turned_away_is_told_when_to_come_again(place):
    """Before anything of the body is looked at, and the connection goes on."""
    async with connected(place) as (reader, writer):
        place.front.admission.pressure = Pressure(Cause.MEMORY, 7.2)
        writer.write(a_request(body=b"no JSON"))
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert head.startswith("HTTP/1.1 503 ")
        assert "Retry-After: 8\r\n" in head
        await reader.readexactly(int(head.partition("Content-Length: ")[2].partition("\r")[0]))
        assert place.asked == []

        place.front.admission.pressure = None
        writer.write(a_request())
        assert await read_answer(reader) == ("HTTP/1.1 202 Accepted", BODY)

    assert place.seen.problems == ["queue_full"]
    assert place.seen.sheds == ["memory"]


async def test_an_answer_that_nobody_reads(place):
    """The connection is cut off when it has lain long enough, and what came after it is not looked at."""
    place.front.guard = Guard(Limits(answer_s=0.2), place.seen)
    place.front.take = place.take_large
    async with connected(place) as (reader, writer):
        writer.write(a_request())
        await asyncio.sleep(0.1)
        writer.write(a_request(body=b"{}"))
        while not place.seen.timeouts:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        with pytest.raises(ConnectionError):
            await reader.readexactly(16_000_000)

    assert place.seen.timeouts == ["answer"]
    assert len(place.asked) == 1
    assert place.front.guard.open == 0


async def test_who_reads_at_last_is_answered(place):
    """What came meanwhile is answered in its turn."""
    place.front.take = place.take_large
    async with connected(place) as (reader, writer):
        writer.write(a_request())
        await asyncio.sleep(0.05)
        writer.write(a_request(body=b"{}"))
        await asyncio.sleep(0.05)
        assert len(place.asked) == 1
        for _ in range(2):
            assert len((await read_answer(reader))[1]) == 16_000_000

    assert len(place.asked) == 2
