"""Journeys and their versions."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Text, cast, or_
from sqlmodel import Session, col, func, select

from journeys.program.program import Program
from store import bulk
from store.tables.definitions import Journey, JourneyVersion

LiveJourney = tuple[JourneyVersion, Program]
"""The live version of a journey, and its program."""


def locked(session: Session, key: str) -> Journey | None:
    """A journey as it stands now, locked until the transaction ends; None where there is none."""
    return session.get(Journey, key, with_for_update=True, populate_existing=True)


def keys(session: Session) -> frozenset[str]:
    """The keys of all journeys."""
    return frozenset(session.exec(select(Journey.key)).all())


def lifecycle_keys(session: Session) -> Sequence[str]:
    """The published journeys whose stage is the customer's lifecycle stage: the one that lets in, archived ones."""
    query = select(Journey.key).where(col(Journey.lifecycle), col(Journey.live_version).is_not(None))
    return session.exec(query.order_by(col(Journey.archived_at).is_not(None), col(Journey.key))).all()


def lifecycle_key(session: Session) -> str | None:
    """The one of them that lets customers in; None where there is none."""
    query = select(Journey.key).where(
        col(Journey.lifecycle), col(Journey.live_version).is_not(None), col(Journey.archived_at).is_(None)
    )
    return session.exec(query.order_by(col(Journey.key)).limit(1)).first()


def live_version(session: Session, key: str) -> JourneyVersion | None:
    """The version of a journey that is live, archived or not; None where there is no journey or it has none."""
    live = col(Journey.live_version) == JourneyVersion.number
    query = select(JourneyVersion).join(Journey, (col(Journey.key) == JourneyVersion.journey) & live)
    return session.exec(query.where(Journey.key == key)).first()


def published(session: Session, keys: Collection[str]) -> dict[str, datetime]:
    """When the live version of each of these journeys was published; one without is left out."""
    live = col(Journey.live_version) == JourneyVersion.number
    query = select(Journey.key, JourneyVersion.published_at).join(
        JourneyVersion, (col(Journey.key) == JourneyVersion.journey) & live
    )
    return dict(session.exec(query.where(col(Journey.key).in_(keys))).all())


def letting_in(session: Session) -> Sequence[JourneyVersion]:
    """The live version of each journey that lets customers in now: of every one that is not archived."""
    live = col(Journey.live_version) == JourneyVersion.number
    query = select(JourneyVersion).join(Journey, (col(Journey.key) == JourneyVersion.journey) & live)
    return session.exec(query.where(col(Journey.archived_at).is_(None))).all()


_PAUSED_AMONG: Any = select(Journey.key, Journey.paused_at, Journey.paused_stages).where(
    bulk.among(Journey.key, "keys")
)


def paused_among(session: Session, keys: Collection[str]) -> dict[str, Collection[str] | None]:
    """Those of the journeys in which something is paused: the stages that are; None where all are."""
    found = session.exec(_PAUSED_AMONG, params={"keys": list(keys)}).all()
    return {key: None if since else sorted(stages) for key, since, stages in found if since or stages}


class HeldUpJourney(NamedTuple):
    """A journey by key: its alarm (None: it has none), whether the whole of it is paused, which of its stages are."""

    key: str
    alarm: str | None
    paused: bool
    stages: Sequence[str]


def held_up(session: Session) -> Sequence[HeldUpJourney]:
    """Every journey that is not archived and stopped itself or is paused, in the order of their keys."""
    query = select(Journey.key, Journey.alarm, Journey.paused_at, Journey.paused_stages).where(
        col(Journey.archived_at).is_(None),
        or_(
            col(Journey.alarm).is_not(None),
            col(Journey.paused_at).is_not(None),
            cast(col(Journey.paused_stages), Text) != "{}",
        ),
    )
    found = session.exec(query.order_by(col(Journey.key))).all()
    return [HeldUpJourney(key, alarm, since is not None, sorted(stages)) for key, alarm, since, stages in found]


def is_paused(session: Session, key: str, stage: str | None = None) -> bool:
    """Whether a journey, or this stage of it, is paused: its enrollments park at their next wake."""
    stages = paused_among(session, [key]).get(key, ())
    return stages is None or stage in stages


def canonicals(session: Session, digests: Collection[str]) -> dict[str, str]:
    """The definitions that digests name, as canonical JSON, by digest; what is unknown is left out."""
    query = select(JourneyVersion.digest, JourneyVersion.canonical).where(col(JourneyVersion.digest).in_(digests))
    return dict(session.exec(query).all())


def digests(session: Session, key: str) -> Sequence[str]:
    """The definitions that the versions of a journey have, each once."""
    return session.exec(select(JourneyVersion.digest).where(JourneyVersion.journey == key).distinct()).all()


def canonical(session: Session, digest: str) -> str | None:
    """The definition that a digest names, as canonical JSON; None where no version has it."""
    return session.exec(select(JourneyVersion.canonical).where(JourneyVersion.digest == digest).limit(1)).first()


def by_numbers(session: Session, key: str, numbers: Collection[int]) -> dict[int, JourneyVersion]:
    """The versions of a journey that have these numbers, by number; what is unknown is left out."""
    query = select(JourneyVersion).where(JourneyVersion.journey == key, col(JourneyVersion.number).in_(numbers))
    return {one.number: one for one in session.exec(query).all()}


def firsts(session: Session, key: str, digests: Collection[str]) -> dict[str, int]:
    """The number of the first version of a journey that has each of these digests, by digest."""
    query = select(JourneyVersion.digest, func.min(JourneyVersion.number)).where(
        JourneyVersion.journey == key, col(JourneyVersion.digest).in_(digests)
    )
    return dict(session.exec(query.group_by(JourneyVersion.digest)).all())
