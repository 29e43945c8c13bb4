"""What the edge refuses on purpose.

* Problem              the request cannot be taken; a code of problems.py says why and with which status

A message that compliance refuses is not here: that is a decision, an everyday result with a reason of the catalogue.
Queue errors are in gateway/queue. Only the http_ modules turn any of these into an HTTP answer.
"""

from gateway.queue import QueueError, QueueUnavailable


class Problem(Exception):  # noqa: N818 - the field's word is problem (RFC 9457)
    """A request that cannot be taken.

    code: a word of problems.py. pointer: JSON pointer of the field that is wrong, "" when it is none or all. Neither
    ever holds a value that the caller sent.
    """

    def __init__(self, code: str, pointer: str = "", *, retry_after_s: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.pointer = pointer
        self.retry_after_s = retry_after_s


def queue_problem(failure: QueueError, *, writes: bool = True) -> Problem:
    """Say what is wrong with the queue store; when nothing was to be written, nothing is in doubt."""
    if isinstance(failure, QueueUnavailable):
        return Problem("queue_full" if failure.reason == "full" else "queue_unavailable", retry_after_s=1)
    return Problem("outcome_unknown" if writes else "queue_unavailable", retry_after_s=1)
