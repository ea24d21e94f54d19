"""Every kind of problem that an answer can name: its stable type, status, title and meaning. The docs list it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A kind of problem; `meaning` ends with the way out."""

    status: int
    title: str
    meaning: str


PREFIX = "urn:waypost:problem:"
"""How the types of problems begin; they never change."""

KINDS: Mapping[str, ProblemKind] = {
    "bad-request": ProblemKind(
        400,
        "Bad request",
        "The request could not be read; `detail` says what to change.",
    ),
    "unauthorized": ProblemKind(
        401,
        "No valid key",
        "No key came, or it is unknown, revoked or expired. Send a live one as `Authorization: Bearer wp_…`.",
    ),
    "forbidden": ProblemKind(
        403,
        "The key lacks the scope",
        "The key may not do this; `detail` names the scope. An admin makes one with `POST /v1/keys`.",
    ),
    "not-found": ProblemKind(
        404,
        "Not found",
        "Nothing has this id or key; `detail` names it.",
    ),
    "database-unavailable": ProblemKind(
        503,
        "The database does not answer",
        "Nothing was done; try again after the seconds in `Retry-After`.",
    ),
    "disk-full": ProblemKind(
        507,
        "The disk is full",
        "The database takes no writes until there is room again; nothing was written. Make room, and try again.",
    ),
    "method-not-allowed": ProblemKind(
        405,
        "Method not allowed",
        "The path exists, for other methods; see `Allow` and /docs.",
    ),
    "refused": ProblemKind(
        409,
        "Refused",
        "It exists, and its state forbids this; `detail` says which state.",
    ),
    "plan-drifted": ProblemKind(
        409,
        "Not as planned",
        "Those who are under way have changed since they were counted: `kinds` differ, `plan` has the counts of now. "
        "Plan again, look, and publish with the new token.",
    ),
    "draft-conflict": ProblemKind(
        409,
        "Somebody else's draft",
        "The draft is at another revision than `based_on`, or another key wrote it: `stored` and `given` are both, "
        "`problems` what yours would change of it. Take it along, then write with its revision as `based_on`.",
    ),
    "erased": ProblemKind(
        409,
        "Erased",
        "The customer was erased and stays so. To bring them back on purpose: `PUT /v1/customers/{id}?again=true`.",
    ),
    "collision": ProblemKind(
        409,
        "Somebody came between",
        "Somebody else wrote the same thing at this very moment, and nothing was done here. Try again after the "
        "seconds in `Retry-After`; under the same `Idempotency-Key` you get the answer of a call that came first.",
    ),
    "idempotency-conflict": ProblemKind(
        409,
        "Another request had this Idempotency-Key",
        "The same key came before with another path or body. Use a fresh key for another request.",
    ),
    "precondition-failed": ProblemKind(
        412,
        "It has changed",
        "`If-Match` names another state than the present one, so somebody else changed it. Read it again, then write.",
    ),
    "misdirected": ProblemKind(
        421,
        "Not known by this name",
        "`Host` names another host than ours. Open the pages under a name of `WAYPOST_PUBLIC_URL` or `WAYPOST_HOSTS`.",
    ),
    "too-large": ProblemKind(
        413,
        "Too large",
        "The body is larger than `detail` allows. Send less, or import a file.",
    ),
    "invalid-input": ProblemKind(
        422,
        "Invalid input",
        "A field is wrong; `path` names it, and `problems` lists them all.",
    ),
    "invalid-journey": ProblemKind(
        422,
        "Invalid journey",
        "The definition has problems, each with path, line, what was found and what would be right.",
    ),
    "invalid-template": ProblemKind(
        422,
        "Invalid template",
        "The template gives no mail; `detail` says where and why.",
    ),
    "rate-limited": ProblemKind(
        429,
        "Too many requests",
        "The key's rate is used up. Wait for the seconds in `Retry-After`.",
    ),
    "unexpected": ProblemKind(
        500,
        "Unexpected error",
        "Something failed here, and was logged under the `X-Request-Id` of the answer. Trying again is safe "
        "with an `Idempotency-Key`.",
    ),
    "temporal-unavailable": ProblemKind(
        503,
        "Temporal is unavailable",
        "What needs a running workflow cannot be done now. Events are taken in all the same; try again later.",
    ),
    "timed-out": ProblemKind(
        503,
        "It took too long",
        "The request was given up after the time in `detail`, and is undone unless it had come to its end by then. Try "
        "again: under the same `Idempotency-Key` it is done once.",
    ),
}
"""Every kind of problem that a call can answer, by the end of its type."""
