"""Topics: what a customer can unsubscribe from."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlmodel import Session

from api.deps.audit_trail import TheTrail
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import etags
from api.edge.etags import TheTags
from api.edge.idempotency import IdempotentRoute
from api.errors import responses
from api.schemas.base import Page
from api.schemas.topics import TopicIn, TopicOut
from journeys.program.send_terms import GENERAL
from readers.keys import PATTERN
from services.definitions import broadcasts, journeys, topics
from services.errors import NotFound
from store.queries import lists
from store.tables.definitions import Topic

router = APIRouter(prefix="/v1/topics", tags=["topics and consent"], route_class=IdempotentRoute)

TopicKey = Annotated[str, Path(description="the topic's key", pattern=PATTERN)]


@router.put("/{key}", summary="Create or change a topic", responses=responses(409, 412, 422))
def put(
    key: TopicKey, body: TopicIn, session: Writing, now: Now, caller: Marketer, tags: TheTags, trail: TheTrail
) -> TopicOut:
    """Its terms hold from now on, for mail that is planned already too."""
    present = session.get(Topic, key)
    before = TopicOut.model_validate(present) if present else None
    tags.check(before)
    topic = topics.put(
        session,
        key,
        name=body.name,
        names=body.names,
        consent=body.consent,
        transactional=body.transactional,
        cap=body.cap,
        now=now,
    )
    after = TopicOut.model_validate(topic)
    trail.note("changed" if before else "created", "topic", key, before, after)
    return tags.tagged(after)


@router.get("", summary="List topics", responses=responses(422))
def listed(session: Reading, caller: Support, page: ThePage) -> Page[TopicOut]:
    """By key. A topic that only journeys name has the usual terms: opt_out, no cap."""
    rows, cursor = lists.topics(session, page.slice())
    return Page(items=[TopicOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/{key}", summary="One topic", responses=responses(404))
def get(key: TopicKey, session: Reading, caller: Support, response: Response) -> TopicOut:
    """Its terms."""
    return etags.tagged(response, TopicOut.model_validate(topics.get(session, key)))


@router.post("/{key}/pause", summary="Hold all mail about a topic", responses=responses(404, 409))
def pause(key: TopicKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> TopicOut:
    """What is planned waits, and goes (or expires) after `resume`. Too many complaints do the same by themselves."""
    present = session.get(Topic, key)
    if present is None and not _named(session, key):
        raise NotFound(f"there is no topic {key!r}, and no live journey or broadcast sends mail about it")
    before = TopicOut.model_validate(present) if present else None
    after = TopicOut.model_validate(topics.pause(session, key, now))
    trail.note("paused", "topic", key, before, after)
    return after


def _named(session: Session, key: str) -> bool:
    """Whether mail is sent about a topic whose terms nobody has stored."""
    return key == GENERAL or bool(topics.used_by(journeys.all_live(session), key)) or broadcasts.about(session, key)


@router.post("/{key}/resume", summary="Let mail about a topic go again", responses=responses(404, 409))
def resume(key: TopicKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> TopicOut:
    """Ends a pause, and clears the alarm."""
    before = TopicOut.model_validate(topics.get(session, key))
    after = TopicOut.model_validate(topics.resume(session, key, now))
    trail.note("resumed", "topic", key, before, after)
    return after


@router.delete("/{key}", status_code=204, summary="Remove a topic's terms", responses=responses(404, 409))
def delete(key: TopicKey, session: Writing, caller: Marketer, trail: TheTrail) -> Response:
    """Refused while a live journey sends mail about it. What customers said stays."""
    before = TopicOut.model_validate(topics.get(session, key))
    topics.delete(session, key, topics.used_by(journeys.all_live(session), key))
    trail.note("removed", "topic", key, before)
    return Response(status_code=204)
