"""Journeys and their versions."""

from collections.abc import Collection, Sequence

from sqlmodel import Session, col, func, select

from journeys.program.program import Program
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


def letting_in(session: Session) -> Sequence[JourneyVersion]:
    """The live version of each journey that lets customers in now: of every one that is not archived."""
    live = col(Journey.live_version) == JourneyVersion.number
    query = select(JourneyVersion).join(Journey, (col(Journey.key) == JourneyVersion.journey) & live)
    return session.exec(query.where(col(Journey.archived_at).is_(None))).all()


def paused_among(session: Session, keys: Collection[str]) -> set[str]:
    """Those of the journeys that are paused."""
    query = select(Journey.key).where(col(Journey.key).in_(keys), col(Journey.paused_at).is_not(None))
    return set(session.exec(query).all())


def is_paused(session: Session, key: str) -> bool:
    """Whether a journey is paused: its enrollments park at their next wake."""
    return session.exec(select(Journey.paused_at).where(Journey.key == key)).first() is not None


def canonicals(session: Session, digests: Collection[str]) -> dict[str, str]:
    """The definitions that digests name, as canonical JSON, by digest; what is unknown is left out."""
    query = select(JourneyVersion.digest, JourneyVersion.canonical).where(col(JourneyVersion.digest).in_(digests))
    return dict(session.exec(query).all())


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
