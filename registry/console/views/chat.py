"""Messages: the employee's screen, with instant messages and texts in one list.

The page is drawn by script (assets/chat*.js), over the public API only: the gateway's and the registry's, with a token
of the person's own. Whoever has no script is shown what they sent last.

Not here: what the script does.
"""

from collections.abc import Mapping
from typing import Any, Final

from registry.console.pages import Download, For, Form, Page
from registry.console.visit import Visit
from registry.ledger.own import recent

_PLAIN: Final = 50
#: What the script is made of; chat.js loads the others by these addresses, for an address changes with its file.
PARTS: Final = ("net", "socket", "model", "words", "dom", "list", "log", "compose", "hint", "outbox", "asking")


async def _chat(visit: Visit) -> Mapping[str, Any]:
    person = visit.person
    shown = visit.query.get("plain") is not None
    sent = await recent(visit.tools.ledger, person.tenant, person.user, _PLAIN) if shown else []
    return {"parts": PARTS, "plain": shown, "sent": sent}


PAGES: Final[tuple[Page, ...]] = (Page("/messages", "Messages", "chat.html", _chat, of=For.EVERYBODY),)
FORMS: Final[tuple[Form, ...]] = ()
DOWNLOADS: Final[tuple[Download, ...]] = ()
