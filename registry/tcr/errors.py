"""Why TCR did not do what it was asked, as a small tree: what may be tried again, and what a person has to correct.

No error quotes an address, a key or what was sent; reasons are TCR's own sentences, for the admins of the company.
"""

from collections.abc import Sequence
from typing import ClassVar


class TcrError(Exception):
    """TCR did not do it; code is a word for logs and metrics."""

    #: Whether the same request may succeed later, without anybody changing it.
    is_retryable: ClassVar[bool]

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TcrUnavailableError(TcrError):
    """No answer that can be used: no connection, too late, a fault of theirs. A write may have been done."""

    is_retryable = True


class TcrLimitedError(TcrUnavailableError):
    """Too many requests. Nothing was done."""

    def __init__(self, code: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(code)
        #: How long nobody should ask.
        self.retry_after_s = retry_after_s


class TcrDeniedError(TcrError):
    """Our credentials are not good. Retryable, because an operator corrects them; nothing else helps."""

    is_retryable = True


class TcrRefusedError(TcrError):
    """TCR says no to what was asked; a person has to change something."""

    is_retryable = False

    def __init__(self, code: str, reasons: Sequence[str] = (), fields: Sequence[str] = ()) -> None:
        super().__init__(code)
        #: One sentence a fault.
        self.reasons = tuple(reasons)
        #: TCR's names of the fields that are wrong.
        self.fields = frozenset(fields)


class TcrNotFoundError(TcrRefusedError):
    """There is no such brand or campaign, or it is deleted."""
