"""Why a notice did not reach somebody.

* UndeliveredError       it is tried again later
  x KeyRefusedError      the gateway does not know our key, or not yet
  x UnsubscribedError    the hook wants no more: 410
"""


class UndeliveredError(Exception):
    """A recipient could not be reached; the message is a word or two for the list of notices."""


class KeyRefusedError(UndeliveredError):
    """The gateway does not take our key."""


class UnsubscribedError(UndeliveredError):
    """The hook said that it is gone for good."""
