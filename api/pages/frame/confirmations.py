"""What somebody is about to do, asked once more: what will happen, to what, and why they do it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fastapi.responses import HTMLResponse

from api.pages.frame.frame import Frame

LONGEST_REASON = 200
"""Characters of a reason, as the audit log shows it on two lines."""


CHANGED_SINCE = "somebody has changed it since you looked; it is told anew below"
"""What whoever confirms is told where they looked at another thing than there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionConfirmation:
    """`told` says what will happen, a sentence each; `verb` is what the button does, to `action`.

    `back` is where whoever leaves it goes; `crumbs` are names and paths above this. `why` says whether a reason is
    asked for. `hidden` is what the form carries on, and `call` the path of the API that shows the same thing.
    """

    title: str
    told: Sequence[str]
    action: str
    verb: str
    back: str
    crumbs: Sequence[tuple[str, str]]
    call: str
    why: Literal["no", "may", "must"] = "may"
    hidden: Mapping[str, str] = field(default_factory=dict[str, str])


def ask(frame: Frame, confirmation: ActionConfirmation, *, problem: str = "", status: int = 200) -> HTMLResponse:
    """The page that asks; `problem` is why what was confirmed was not done."""
    return frame.page(
        "frame/confirmation.html", status=status, confirmation=confirmation, problem=problem, longest=LONGEST_REASON,
        call=confirmation.call,
    )  # fmt: skip
