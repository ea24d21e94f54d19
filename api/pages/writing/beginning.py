"""A new journey, begun from an example that is shipped; and the drafts that somebody works on."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.signed_in import MarketerUser
from api.edge.own_pages import own_form
from api.pages.frame.frame import PRIVATE, Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.pages.writing import examples
from pictures import map as maps
from readers.keys import KEY
from services.access import audit_log
from services.definitions.journey_versions import draft_texts
from services.errors import InvalidInput, NotFound
from store.queries.access import users

router = APIRouter(prefix="/journeys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

PICTURE = "default-src 'none'; style-src 'unsafe-inline'"
"""A picture has its style in itself, and loads nothing."""

TAKEN = ("new",)
"""Keys that are paths of these pages."""


@router.get("/new", response_class=HTMLResponse)
def new(frame: TheFrame, looks: MarketerUser) -> HTMLResponse:
    """The examples, each with what it is for; and the drafts."""
    return _shown(frame)


@router.get("/new/{example}.svg", response_class=Response)
def example_map(example: str, looks: MarketerUser) -> Response:
    """The map of an example."""
    found = examples.shipped().get(example)
    if found is None:
        raise NotFound(f"there is no example {example!r}")
    drawn = maps.draw(found.definition)
    return Response(drawn, media_type="image/svg+xml", headers={"Content-Security-Policy": PICTURE, **PRIVATE})


@router.post("/new", response_class=RedirectResponse)
def begin(
    frame: TheFrame,
    looks: MarketerUser,
    key: Annotated[str, Form(max_length=200)] = "",
    example: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """A draft under a key of its own, open in the editor."""
    now, wanted = frame.parts.clock(), key.strip()
    found = examples.shipped().get(example)

    def work(session: Session) -> None:
        draft_texts.begin(session, wanted, text, looks.actor, now)
        audit_log.record(session, looks.actor, "began", "journey draft", wanted, now, after={"example": example})

    try:
        if found is None and example:
            raise InvalidInput(f"there is no example {example!r}", "example")
        if not KEY.fullmatch(wanted) or wanted in TAKEN:
            raise InvalidInput(f"{wanted!r} is no key: it begins with a letter, then letters, digits, _ and -", "key")
        text = found.as_journey(wanted) if found is not None else examples.EMPTY.format(key=wanted)
        frame.parts.database.write(work)
    except InvalidInput as wrong:
        return _shown(frame, problem=str(wrong), key=wanted, example=example)
    return RedirectResponse(f"/journeys/{wanted}/edit", 303)


def _shown(frame: Frame, *, problem: str = "", key: str = "", example: str = "") -> HTMLResponse:
    with frame.parts.database.reading() as session:
        drafts = draft_texts.unpublished(session)
        names = users.names(session, {one.written_by or "" for one in drafts})
    return frame.page(
        "writing/new.html", status=422 if problem else 200, examples=list(examples.shipped().values()),
        drafts=drafts, names=names, problem=problem, key=key, example=example,
    )  # fmt: skip
