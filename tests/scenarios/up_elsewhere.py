"""`a2p-gateway up` with more settings for its registry: `python -m tests.scenarios.up_elsewhere SETTINGS up ...`.

SETTINGS is a JSON object of names and values. The demonstration has its databases in files, and no option for another.
"""

import json
import sys

from gateway.__main__ import main
from gateway.demo.layout import Layout

_usual = Layout.registry_environment


def run() -> None:
    """Take the settings off the command line, and run the rest of it."""
    settings: dict[str, str] = json.loads(sys.argv.pop(1))
    Layout.registry_environment = lambda self: _usual(self) | settings  # type: ignore[method-assign]
    main()


if __name__ == "__main__":
    run()
