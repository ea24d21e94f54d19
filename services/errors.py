"""What can be wrong with a request.

ServiceError           carries a stable `code`, a sentence, and the `path` of the faulty field where there is one
  NotFound
  Refused              the thing exists, and its state forbids this
  InvalidInput
Fenced                 no request's fault: another owner has taken over what this one works on
"""

from typing import ClassVar


class ServiceError(Exception):
    """Something the caller can mend; `message` is a sentence that says how, and names nothing personal."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, path: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class NotFound(ServiceError):
    """What was named is not there."""

    code = "not-found"


class Refused(ServiceError):
    """The thing exists, and its state forbids this; where there is one, `path` is the code of the rule that does."""

    code = "refused"


class InvalidInput(ServiceError):
    """A value that cannot be taken; `path` is its field."""

    code = "invalid-input"


class Fenced(Exception):
    """Another owner has taken over the lane, the hooks or the upkeep that this one works on."""
