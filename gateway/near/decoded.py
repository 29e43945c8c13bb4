"""Documents of the registry store as values, each read once per distinct bytes.

A document that is broken counts as missing, which closes, and is reported once.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import structlog

from compliance import documents
from compliance.shapes import ShapeError

_log = structlog.get_logger()

Loaded = TypeVar("Loaded")


def _lenient(load: Callable[[bytes], Loaded]) -> Callable[[bytes | None], Loaded | None]:
    @lru_cache(maxsize=16_384)
    def read(raw: bytes | None) -> Loaded | None:
        if raw is None:
            return None
        try:
            return load(raw)
        except ShapeError as broken:
            # Where it was read says what kind it is; its words may quote it.
            _log.error("registry_document_broken", exc_info=broken)
            return None

    return read


number = _lenient(documents.load_number)
campaign = _lenient(documents.load_campaign)
brand = _lenient(documents.load_brand)
user = _lenient(documents.load_user)
extension = _lenient(documents.load_extension)
line = _lenient(documents.load_line)
