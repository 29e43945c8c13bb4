"""What the parts of the Messages page do, each by itself in a real browser: the API is played to them."""

import pytest

from tests.browser import a_browser
from tests.registry.dialects import only_sqlite

pytestmark = [only_sqlite, pytest.mark.timeout(180), pytest.mark.xdist_group("browser")]

#: Loads a part, and things that most tests need.
GIVEN = """
const part = (name) => import(`/console/assets/chat-${name}.js`);
const { Model } = await part("model");
const dom = await part("dom");
const words = await part("words");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const until = async (is) => { for (let n = 0; n < 400 && !is(); n += 1) await sleep(25); };
const sent = (more) => ({ id: "0-1795204800000-0-0", client_message_id: "c1", to: "+16465550151", channel: "sms",
  text: "Hi", media: [], status: "queued", sent_at: "2026-11-20T20:00:00Z",
  reason: { code: "ok_registered", text: "" }, ...more });
const came = (more) => ({ cursor: "1795204800500-0", from: "+16465550151", from_user: null, to: "+12125550101",
  channel: "sms", text: "Yes", media: [], sent_at: "2026-11-20T20:00:00Z", meaning: "none", ...more });
const draft = (more) => ({ client: "c1", to: "+16465550151", peer: "+16465550151", text: "Hi", media: [],
  at: Date.now(), ...more });
"""


@pytest.fixture
async def run(console):
    """Runs a script in a page of ours; gives what it returns."""
    async with a_browser() as browser:
        page = await browser.page(console.base)
        await page.goto("/console/sign-in")

        async def run(script):
            return await page.evaluate(f"async () => {{ {GIVEN} {script} }}")

        yield run


class TestModel:
    async def test_a_message_is_there_once(self, run):
        """Whoever tells of it first: the page itself, the answer, the event, the ledger."""
        orders = await run(
            """
            const tell = {
              answer: (model) => model.answered("c1", { id: sent().id, status: "queued" }),
              event: (model) => model.own(sent()),
              ledger: (model) => model.own(sent({ status: "delivered" })),
            };
            return ["answer event ledger", "event answer ledger", "ledger event answer"].map((order) => {
              const model = new Model("ben", {});
              model.sending(draft());
              order.split(" ").forEach((name) => tell[name](model));
              return model.shown("+16465550151").map((one) => [one.id, one.status]);
            });
            """
        )
        assert orders == [[["0-1795204800000-0-0", "delivered"]]] * 3

    async def test_a_state_only_moves_forward(self, run):
        """The ledger may be behind the events."""
        got = await run(
            """
            const model = new Model("ben", {});
            model.own(sent());
            model.changed({ id: sent().id, status: "delivered" });
            model.own(sent({ status: "submitted" }));
            model.changed({ id: sent().id, status: "queued" });
            return model.shown("+16465550151")[0].status;
            """
        )
        assert got == "delivered"

    async def test_a_number_that_is_a_colleagues_moves_to_the_colleague(self, run):
        """The gateway knows who it is."""
        got = await run(
            """
            const model = new Model("ben", {});
            model.sending(draft());
            model.own(sent({ to: "ann", channel: "im" }));
            return [[...model.threads.keys()], model.shown("ann").length];
            """
        )
        assert got == [["ann"], 1]

    async def test_what_is_unread(self, run):
        """What came after one's own last word, and after what was read; reading is kept."""
        got = await run(
            """
            const model = new Model("ben", {});
            const unread = () => model.list()[0].unread;
            const seen = [];
            model.inbound(came({ cursor: "1795204700000-0" }));
            model.own(sent());
            seen.push(unread());
            model.inbound(came());
            model.inbound(came());
            model.inbound(came({ cursor: "1795204800500-1", text: "STOP", meaning: "stop" }));
            seen.push(unread(), model.optedOut("+16465550151"));
            seen.push(model.read("+16465550151"), model.read("+16465550151"), unread());
            model.inbound(came({ cursor: "1795204800600-0", text: "START", meaning: "start" }));
            seen.push(model.optedOut("+16465550151"), model.marks);
            return seen;
            """
        )
        assert got == [0, 2, True, True, False, 0, False, {"+16465550151": "1795204800500-1"}]


OUTBOX = """
const { Outbox } = await part("outbox");
const calls = [];
const outbox = (answers, model) => new Outbox({
  model, kept: dom.kept, name: "box", changed: () => {}, refused: () => calls.push("refused"),
  net: { toGateway: async (method, path, { body, headers }) => {
    calls.push([headers["Idempotency-Key"], body.client_message_id, body.text]);
    const next = answers.shift();
    if (!next) throw new Error("no answer");
    return { retryAfter: 0, ...next };
  } },
});
const waiting = () => JSON.parse(sessionStorage.getItem("box") ?? "[]").length;
"""


class TestOutbox:
    async def test_an_unknown_outcome_is_tried_again_with_the_same_key(self, run):
        """No answer, a server that is down, too many: the same message each time, until its outcome is known."""
        got = await run(
            OUTBOX
            + """
            const model = new Model("ben", {});
            const box = outbox([null, { status: 503, body: { code: "outcome_unknown" } }, { status: 429, body: {} },
              { status: 202, body: { id: "0-1-0-0", channel: "sms" } }], model);
            box.send(draft());
            await until(() => { box.hurry(); return calls.length === 4; });
            await sleep(200);
            return [calls, model.shown("+16465550151").map((one) => [one.id, one.status]), waiting()];
            """
        )
        assert got == [[["c1", "c1", "Hi"]] * 4, [["0-1-0-0", "queued"]], 0]

    async def test_what_an_event_tells_of_is_not_sent_again(self, run):
        """The answer was lost, the message was not."""
        got = await run(
            OUTBOX
            + """
            const model = new Model("ben", {});
            const box = outbox([null], model);
            box.send(draft());
            await until(() => model.shown("+16465550151")[0].status === "waiting");
            model.own(sent());
            box.hurry();
            await sleep(300);
            return [calls.length, waiting(), model.shown("+16465550151").length];
            """
        )
        assert got == [1, 0, 1]

    async def test_a_refusal_is_no_unknown_outcome(self, run):
        """It is told once, with its reason, and not tried again."""
        got = await run(
            OUTBOX
            + """
            const model = new Model("ben", {});
            const reason = { code: "did_unassigned", text: "Not registered." };
            const body = { id: "r-0-1-0", code: "did_unassigned", reason, remediation: [], channel: "sms" };
            outbox([{ status: 403, body }], model).send(draft());
            await until(() => calls.includes("refused"));
            await sleep(200);
            const [one] = model.shown("+16465550151");
            return [calls.length, one.status, one.why.text, waiting()];
            """
        )
        assert got == [2, "refused", "Not registered.", 0]

    async def test_one_after_the_other_and_on_after_a_reload(self, run):
        """What was written first goes first; what waits goes with its own key from a page that was loaded anew."""
        got = await run(
            OUTBOX
            + """
            const lost = new Model("ben", {});
            const box = outbox([], lost);
            box.send(draft());
            box.send(draft({ client: "c2", text: "There" }));
            await until(() => lost.shown("+16465550151")[0].status === "waiting");
            const first = calls.splice(0);
            const model = new Model("ben", {});
            const done = { status: 202, body: { id: "", channel: "sms" } };
            const again = outbox([{ ...done, body: { id: "0-1-0-0" } }, { ...done, body: { id: "0-2-0-0" } }], model);
            again.resume();
            await until(() => calls.length === 2);
            await sleep(200);
            return [first, calls.slice(0, 2), waiting()];
            """
        )
        assert got == [[["c1", "c1", "Hi"]], [["c1", "c1", "Hi"], ["c2", "c2", "There"]], 0]


class TestSocket:
    async def test_it_comes_back_behind_what_was_taken_in(self, run):
        """With a new token where the old one was not good any more; what was heard is acknowledged."""
        got = await run(
            """
            const opened = [], fresh = [], heard = [], begun = [];
            window.WebSocket = class {
              constructor(address, protocols) {
                Object.assign(this, { address, protocols, acks: [] });
                opened.push(this);
              }
              send(text) { this.acks.push(JSON.parse(text).ack); }
            };
            const { Events } = await part("socket");
            const token = async (again) => { fresh.push(again); return "ey.a.b"; };
            const net = { gateway: "https://gw.example", token };
            const heard_ = (one) => heard.push(one.type), began = (isNew) => begun.push(isNew);
            new Events({ net, heard: heard_, began, state: () => {} }).open();
            const tell = (socket, frame) => socket.onmessage({ data: JSON.stringify(frame) });
            await until(() => opened.length === 1);
            tell(opened[0], { seq: "1-0_1-0", type: "hello" });
            tell(opened[0], { seq: "2-0-1_1-0", type: "status" });
            tell(opened[0], { seq: "3-0_1-0", type: "position" });
            opened[0].onclose({ code: 4401 });
            await until(() => opened.length === 2);
            tell(opened[1], { seq: "3-0_1-0", type: "hello" });
            tell(opened[1], { seq: "9-0_1-0", type: "gap" });
            return [opened.map((one) => one.address), opened[0].protocols, opened[0].acks, fresh, heard, begun];
            """
        )
        assert got == [
            ["wss://gw.example/v1/events", "wss://gw.example/v1/events?after=3-0_1-0"],
            ["a2p.events.v1", "a2p.bearer.ey.a.b"],
            ["2-0-1_1-0", "3-0_1-0"],
            [False, True],
            ["status"],
            [True, False, True],
        ]


class TestHint:
    async def test_an_answer_to_what_was_typed_before_is_dropped(self, run):
        """Even when it comes last."""
        got = await run(
            """
            const { Hint } = await part("hint");
            const asked = [];
            const toGateway = (method, path, { body }) => new Promise((answer) => asked.push([body.text, answer]));
            const net = { toGateway };
            const root = document.createElement("div");
            const hint = new Hint({ root, net, words, dom, clock: words.words("UTC"), write: () => {} });
            const typed = (text) => hint.typed({ to: "+16465550151", colleague: false, text, media: [] });
            const reason = { code: "ok_registered", text: "" };
            const said = { channel: "sms", verdict: "allow", reason };
            const answer = (segments) => ({ status: 200, body: { ...said, segments } });
            typed("old");
            await until(() => asked.length === 1);
            typed("new “text”");
            await until(() => asked.length === 2);
            asked[1][1](answer(2));
            await until(() => root.textContent);
            asked[0][1](answer(9));
            await sleep(100);
            return [root.textContent, root.dataset.segments];
            """
        )
        assert got == [
            "Text message · 2 parts2 parts: a curly quote makes the message longer.Use straight quotes",
            "2",
        ]


class TestWords:
    async def test_whom_it_goes_to(self, run):
        """Numbers as people type them, extensions, and what is neither."""
        got = await run(
            """
            const typed = ["(646) 555-0151", "1 646 555 0151", "+16465550151", "102", "user:ann", "Ann", ""];
            return typed.map(words.address);
            """
        )
        number = "+16465550151"
        assert [one and one["peer"] for one in got] == [number, number, number, None, "ann", None, None]
        assert got[3] == {"to": "ext:102", "peer": None}

    async def test_row_76_what_people_write_is_text(self, run):
        """In bubbles, names and attachments: nothing of it becomes an element."""
        got = await run(
            """
            const { Log } = await part("log");
            const xss = "<img src=x onerror=window.broken=1><script>window.broken=1</" + "script>";
            const model = new Model("ben", {});
            model.inbound(came({ text: xss, media: [{ id: null, type: xss, bytes: 1 }], meaning: "stop" }));
            model.own(sent({ text: xss, status: "refused", reason: { code: "x", text: xss } }));
            const root = document.createElement("div"), scroll = document.createElement("div");
            document.body.append(scroll);
            scroll.append(root);
            const clock = words.words("UTC"), nothing = () => null;
            const doing = { box: nothing, again: nothing, load: nothing };
            const log = new Log({ root, scroll, model, clock, words, dom, ...doing });
            log.draw("+16465550151", xss);
            await sleep(100);
            const made = root.querySelectorAll("img, script").length;
            return [made, window.broken ?? 0, root.textContent.split(xss).length];
            """
        )
        assert got[:2] == [0, 0]
        assert got[2] >= 4
