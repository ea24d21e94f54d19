"""Topics: on what terms mail about each goes, and which are paused; each control asked once more."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.paging import ThePage
from api.deps.signed_in import MarketerUser, SupportUser
from api.deps.transactions import Now, Reading
from api.edge import etags, topic_changes
from api.edge.etags import Tags
from api.edge.own_pages import own_form
from api.errors import ApiError
from api.pages.frame import confirmations, forms
from api.pages.frame.confirmations import CHANGED_SINCE, LONGEST_REASON, ActionConfirmation
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.schemas.topics import TopicIn, TopicOut
from journeys.facts import calendar
from readers.keys import PATTERN
from services.definitions import topics
from services.definitions.journey_versions import journeys
from services.errors import InvalidInput, Refused
from store.queries.listing import lists

router = APIRouter(prefix="/topics", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])


TopicControl = Literal["pause", "resume", "remove"]

EFFECTS: Mapping[TopicControl, str] = {
    "pause": "No mail about it goes from now on, of journeys and broadcasts alike. What is planned waits; it goes, or "
    "expires, once the topic is resumed.",
    "resume": "What waited goes now, where it has not expired, and within its send windows. An alarm is forgotten.",
    "remove": "Its terms are forgotten: mail about it goes as about a topic without terms, to whoever did not say no, "
    "without a cap. What customers said about it stays.",
}
"""What each control does, in words."""


class TopicForm(BaseModel):
    """A topic as it is typed: names in other languages a line each, a cap by its number and its span."""

    model_config = ConfigDict(extra="ignore")

    key: str = Field(default="", max_length=200)
    name: str = Field(default="", max_length=1_000)
    names: str = Field(default="", max_length=20_000)
    consent: str = Field(default="opt_out", max_length=40)
    transactional: bool = False
    cap_max: str = Field(default="", max_length=20)
    cap_per: str = Field(default="", max_length=100)
    seen: str = Field(default="", max_length=64)

    def wanted(self) -> "_WantedTopic":
        """As it is kept; raise InvalidInput."""
        said = [one.partition(":") for one in forms.lines(self.names)]
        wrong = next((tag for tag, colon, name in said if not (colon and name.strip())), None)
        if wrong is not None:
            raise InvalidInput(
                f"write a language and its name on a line, as de: Neuigkeiten, not {wrong!r:.60}", "names"
            )
        capped = bool(self.cap_max.strip() or self.cap_per.strip())
        return forms.read(
            _WantedTopic,
            {
                "key": self.key, "name": self.name or None,
                "names": {tag.strip(): name.strip() for tag, _, name in said},
                "consent": self.consent, "transactional": self.transactional,
                "cap": {"max": self.cap_max.strip(), "per": self.cap_per.strip()} if capped else None,
            },
        )  # fmt: skip

    @classmethod
    def of(cls, shown: TopicOut) -> "TopicForm":
        """As one that is kept is typed."""
        return cls(
            key=shown.key, name=shown.name or "",
            names="\n".join(f"{tag}: {name}" for tag, name in shown.names.items()),
            consent=shown.consent, transactional=shown.transactional, seen=etags.of(shown),
            cap_max=str(shown.cap_max or ""),
            cap_per=calendar.span_words(shown.cap_seconds) if shown.cap_seconds else "",
        )  # fmt: skip


class _WantedTopic(TopicIn):
    key: str = Field(pattern=PATTERN)

    @property
    def body(self) -> TopicIn:
        return TopicIn.model_validate(self.model_dump(exclude={"key"}))


@router.get("", response_class=HTMLResponse)
def listed(frame: TheFrame, looks: SupportUser, session: Reading, page: ThePage) -> HTMLResponse:
    """By key, with their terms."""
    rows, cursor = lists.topics(session, page.slice())
    return frame.page(
        "topics/topics.html", topics=rows, cursor=cursor, span=calendar.span_words, call="/v1/topics",
        as_json=f"[{', '.join(TopicOut.model_validate(row).model_dump_json() for row in rows)}]",
    )  # fmt: skip


@router.get("/new", response_class=HTMLResponse)
def new(frame: TheFrame, looks: MarketerUser) -> HTMLResponse:
    """An empty one."""
    return _editor(frame, TopicForm())


@router.get("/{key}/edit", response_class=HTMLResponse)
def edit(key: str, frame: TheFrame, looks: MarketerUser, session: Reading) -> HTMLResponse:
    """One as it is."""
    return _editor(frame, TopicForm.of(TopicOut.model_validate(topics.get(session, key))))


@router.post("/save", response_class=RedirectResponse)
def save(frame: TheFrame, looks: MarketerUser, now: Now, asked: Annotated[TopicForm, Form()]) -> Response:
    """Store its terms, new or changed; what is wrong is told beside what was typed."""
    tags = Tags(Response(), asked.seen or None, None if asked.seen else "*")

    def work(session: Session) -> None:
        wanted = asked.wanted()
        topic_changes.put(session, Trail(frame.request, session, now), tags, wanted.key, wanted.body, now)

    try:
        frame.parts.database.write(work)
    except InvalidInput as wrong:
        return _editor(frame, asked, problem=str(wrong), status=422)
    except ApiError as between:
        taken = "There is a topic with this key already: open it, or take another key."
        told = f"Somebody changed or removed it meanwhile ({between.detail}). Nothing was written over."
        return _editor(frame, asked, problem=told if asked.seen else taken, status=412)
    return RedirectResponse("/topics", 303)


@router.get("/{key}/{verb}", response_class=HTMLResponse)
def ask(key: str, verb: TopicControl, frame: TheFrame, looks: MarketerUser, session: Reading) -> HTMLResponse:
    """What will happen, and whether that is meant."""
    return _question(frame, session, key, verb)


@router.post("/{key}/{verb}", response_class=RedirectResponse)
def do(
    key: str, verb: TopicControl, frame: TheFrame, looks: MarketerUser, now: Now,
    reason: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
    seen: Annotated[str, Form(max_length=64)] = "",
) -> Response:  # fmt: skip
    """Do it; a refusal, and what somebody has changed since, is told beside the question."""
    controls: Mapping[TopicControl, Callable[[Session, Trail], Any]] = {
        "pause": lambda session, trail: topic_changes.pause(session, trail, key, now, reason),
        "resume": lambda session, trail: topic_changes.resume(session, trail, key, now, reason),
        "remove": lambda session, trail: topic_changes.remove(session, trail, key, reason),
    }

    def work(session: Session) -> None:
        if verb == "remove" and etags.of(TopicOut.model_validate(topics.get(session, key))) != seen:
            raise Refused(CHANGED_SINCE)
        controls[verb](session, Trail(frame.request, session, now))

    try:
        frame.parts.database.write(work)
    except Refused as refused:
        with frame.parts.database.reading() as session:
            return _question(frame, session, key, verb, problem=str(refused), status=409)
    return RedirectResponse("/topics", 303)


def _question(
    frame: Frame, session: Session, key: str, verb: TopicControl, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    topic = topics.get(session, key)
    used = topics.used_by(journeys.all_live(session), key)
    told = f"These journeys send mail about it: {', '.join(used)}." if used else "No live journey sends mail about it."
    return confirmations.ask(
        frame,
        ActionConfirmation(
            title=f"{verb.capitalize()} the topic {topic.name or key}?", told=[told, EFFECTS[verb]],
            action=f"/topics/{key}/{verb}", verb=f"{verb.capitalize()} it", back="/topics",
            crumbs=[("Topics", "/topics")], call=f"/v1/topics/{key}",
            hidden={"seen": etags.of(TopicOut.model_validate(topic))},
        ),
        problem=problem, status=status,
    )  # fmt: skip


def _editor(frame: Frame, asked: TopicForm, *, problem: str = "", status: int = 200) -> HTMLResponse:
    call = f"/v1/topics/{asked.key}" if asked.seen else "/v1/topics"
    return frame.page("topics/edit.html", status=status, asked=asked, problem=problem, call=call)
