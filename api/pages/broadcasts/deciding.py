"""Let a broadcast go, pause, resume, stop, remove it, choose a winner: each asked once more, with what will happen.

What somebody has changed since the question was asked is asked about anew.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.signed_in import MarketerUser
from api.deps.transactions import Now, Reading
from api.edge import broadcast_controls, etags
from api.edge.own_pages import own_form
from api.pages.broadcasts.counting import result_of
from api.pages.frame.confirmations import CHANGED_SINCE
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from services.definitions import broadcasts
from services.errors import InvalidInput, NotFound, Refused
from store.queries.audiences import segments
from store.queries.definitions import broadcasts as broadcast_rows

router = APIRouter(
    prefix="/broadcasts", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

BroadcastVerb = Literal["send", "pause", "resume", "cancel", "remove", "winner"]

EFFECTS: Mapping[BroadcastVerb, str] = {
    "send": "Who gets it is worked out then. Consent, suppression, caps and hours are asked of each customer, and once "
    "more when their mail goes. What is sent cannot be called back.",
    "pause": "Who has the mail has it. Nothing more goes until somebody resumes it; a mail that waits longer than its "
    "time is skipped then.",
    "resume": "It goes on where it stopped. Mail whose time has passed meanwhile is skipped.",
    "cancel": "Who has the mail has it. What has not gone by then never goes, and that is for good.",
    "remove": "The draft goes, and whom a file named for it. Nobody gets it back.",
    "winner": "Everybody who was not in the sample gets this variant at once; nobody waits for the numbers any more.",
}
"""What each does, in words."""

NAMED: Mapping[BroadcastVerb, str] = {
    "send": "Send", "pause": "Pause", "resume": "Resume", "cancel": "Stop", "remove": "Remove", "winner": "Choose",
}  # fmt: skip

DecidedVariant = Annotated[str, Query(max_length=63)]


@router.get("/{key}/{verb}", response_class=HTMLResponse)
def ask(
    key: str,
    verb: BroadcastVerb,
    frame: TheFrame,
    looks: MarketerUser,
    session: Reading,
    variant: DecidedVariant = "",
    counted: Annotated[str, Query(max_length=64)] = "",
) -> HTMLResponse:
    """What will happen, and whether that is meant."""
    return _question(frame, session, key, verb, variant, counted)


@router.post("/{key}/{verb}", response_class=RedirectResponse)
def do(
    key: str,
    verb: BroadcastVerb,
    frame: TheFrame,
    looks: MarketerUser,
    now: Now,
    seen: Annotated[str, Form(max_length=64)] = "",
    variant: Annotated[str, Form(max_length=63)] = "",
) -> Response:
    """Do it; a refusal, and what has changed since, is told beside the question."""

    def work(session: Session) -> None:
        trail, edge = Trail(frame.request, session, now), broadcast_controls
        acts: Mapping[BroadcastVerb, Callable[[], object]] = {
            "send": lambda: edge.send(session, trail, key, now),
            "pause": lambda: edge.pause(session, trail, key, now),
            "resume": lambda: edge.resume(session, trail, key, now),
            "cancel": lambda: edge.cancel(session, trail, key, looks.actor, now),
            "remove": lambda: edge.delete(session, trail, key),
            "winner": lambda: edge.choose(session, trail, key, variant, now),
        }
        if verb in ("send", "remove") and _seen(session, key) != seen:
            raise Refused(CHANGED_SINCE)
        acts[verb]()

    try:
        frame.parts.database.write(work)
    except (Refused, InvalidInput) as refused:
        with frame.parts.database.reading() as session:
            return _question(frame, session, key, verb, variant, "", problem=str(refused), status=409)
    return RedirectResponse("/broadcasts" if verb == "remove" else f"/broadcasts/{key}", 303)


def _seen(session: Session, key: str) -> str:
    """What names the broadcast as somebody looks at it, with how many customers a file has named for it."""
    mark = etags.of(broadcast_controls.shown(broadcasts.get(session, key))).strip('"')
    return f"{mark[:40]}x{broadcast_rows.count_named(session, key)}"


def _question(
    frame: Frame,
    session: Session,
    key: str,
    verb: BroadcastVerb,
    variant: str,
    counted: str,
    *,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    row = broadcasts.get(session, key)
    body = broadcasts.body_of(row)
    if verb == "winner" and variant not in body.variants:
        raise NotFound(f"there is no variant {variant!r}")
    people = segments.size(session, body.segment) if body.segment else broadcast_rows.count_named(session, key)
    return frame.page(
        "broadcasts/decide.html", status=status, key=key, row=row, body=body, verb=verb, named=NAMED[verb],
        effect=EFFECTS[verb], variant=variant, people=people, seen=_seen(session, key), problem=problem,
        at=body.instant(), counted=result_of(session, key, counted), progress=broadcast_controls.progress(
            session, row, frame.parts.clock()
        ), call=f"/v1/broadcasts/{key}",
    )  # fmt: skip
