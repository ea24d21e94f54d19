"""Topics stored, paused, resumed and removed, on record: for the API's calls and for the pages' forms."""

from datetime import datetime

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.edge.etags import Tags
from api.schemas.topics import TopicIn, TopicOut
from journeys.program.send_terms import GENERAL
from services.definitions import broadcasts, topics
from services.definitions.journey_versions import journeys
from services.errors import NotFound
from store.tables.definitions import Topic


def put(session: Session, trail: Trail, tags: Tags, key: str, wanted: TopicIn, now: datetime) -> TopicOut:
    """Store the terms of one under conditions; raise what `Tags.check` and `topics.put` raise."""
    present = session.get(Topic, key)
    before = TopicOut.model_validate(present) if present else None
    tags.check(before)
    topic = topics.put(
        session,
        key,
        name=wanted.name,
        names=wanted.names,
        consent=wanted.consent,
        transactional=wanted.transactional,
        cap=wanted.cap,
        now=now,
    )
    after = TopicOut.model_validate(topic)
    trail.note("changed" if before else "created", "topic", key, before, after)
    return after


def pause(session: Session, trail: Trail, key: str, now: datetime, said: str = "") -> TopicOut:
    """Hold all mail about one, which need have no terms; raise NotFound where no mail is about it, Refused."""
    present = session.get(Topic, key)
    if present is None and not _named(session, key):
        raise NotFound(f"there is no topic {key!r}, and no live journey or broadcast sends mail about it")
    before = TopicOut.model_validate(present) if present else None
    after = TopicOut.model_validate(topics.pause(session, key, now))
    trail.note("paused", "topic", key, before, after, said)
    return after


def _named(session: Session, key: str) -> bool:
    """Whether mail is sent about a topic whose terms nobody has stored."""
    return key == GENERAL or bool(topics.used_by(journeys.all_live(session), key)) or broadcasts.about(session, key)


def resume(session: Session, trail: Trail, key: str, now: datetime, said: str = "") -> TopicOut:
    """Let mail about one go again; raise NotFound, Refused."""
    before = TopicOut.model_validate(topics.get(session, key))
    after = TopicOut.model_validate(topics.resume(session, key, now))
    trail.note("resumed", "topic", key, before, after, said)
    return after


def remove(session: Session, trail: Trail, key: str, said: str = "") -> None:
    """Remove the terms of one about which no live journey sends mail; raise NotFound, Refused."""
    before = TopicOut.model_validate(topics.get(session, key))
    topics.delete(session, key, topics.used_by(journeys.all_live(session), key))
    trail.note("removed", "topic", key, before, said=said)
