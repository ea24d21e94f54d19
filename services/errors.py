"""What can be wrong with a request.

ServiceError           carries a stable `code`, a sentence, and the `path` of the faulty field where there is one
  NotFound
  Refused              the thing exists, and its state forbids this
  InvalidInput
"""

from typing import ClassVar


class ServiceError(Exception):
    """Something the caller can mend."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, path: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class NotFound(ServiceError):
    code = "not-found"


class Refused(ServiceError):
    code = "refused"


class InvalidInput(ServiceError):
    code = "invalid-input"
