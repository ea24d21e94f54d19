"""Journeys: a draft that may change, versions that may not."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from sqlmodel import Session

from journeys.checks import source
from journeys.language.definition import Definition, parsed
from journeys.program import compiler
from journeys.program.program import Program
from services.definitions.journey_versions import template_pins, validation_context
from services.definitions.journey_versions.validation_context import UNKNOWN, BesideStore
from services.errors import NotFound, Refused
from services.experiments import looks
from store.queries.definitions import journeys as journey_rows
from store.queries.definitions.journeys import LiveJourney
from store.queries.sending import hooks
from store.queries.upkeep import backfills
from store.tables.definitions import Journey, JourneyVersion

_PROGRAMS: dict[str, Program] = {}
"""By digest, for ever: it never changes its meaning."""

_READ: dict[str, str] = {}
"""Canonical definitions by digest that were read and are not compiled yet."""

_TOLD: set[str] = set()
"""Digests of definitions that cannot be read, each of which the log of this process tells once."""

log = structlog.get_logger("waypost.journeys")


def publish(
    session: Session,
    key: str,
    templates: frozenset[str],
    now: datetime,
    beside: BesideStore = UNKNOWN,
    by: str | None = None,
    share: int = 100,
) -> tuple[JourneyVersion, bool]:
    """Make the draft the live version; those under way stay on theirs. False where it is live already.

    `templates` are those that there are, `beside` what else is known: a draft is checked once more. `by` is the id of
    the key that asks; `share` in a hundred of those who come enter it, the others the one before.

    Raise InvalidJourney with every problem, NotFound where there is no draft.
    """
    journey = get(session, key)
    if journey.draft is None:
        raise NotFound(f"the journey {key!r} has no draft to publish")
    definition, _ = source.check(journey.draft, validation_context.load(session, key, templates, beside))
    return _make_live(session, journey, definition, now, journey.drafted_by, by, share)


def publish_again(
    session: Session, key: str, number: int, now: datetime, by: str | None = None, share: int = 100
) -> tuple[JourneyVersion, bool]:
    """Make the definition of an older version the live one, as a version of its own, with the templates it pins.

    `share` in a hundred of those who come enter it.
    Raise NotFound, Refused where it is archived (`archived_version`) or another journey is the lifecycle by now
    (`second_lifecycle`).
    """
    older = open_version(session, key, number)
    found = parsed(older.canonical)
    return _make_live(session, get(session, key), found, now, older.drafted_by, by, share, older)


def _make_live(
    session: Session,
    journey: Journey,
    definition: Definition,
    now: datetime,
    drafted_by: str | None,
    by: str | None,
    share: int,
    again: JourneyVersion | None = None,
) -> tuple[JourneyVersion, bool]:
    """`again` is the version that is published once more, with the templates that it is pinned to."""
    key, program = journey.key, compiler.compile_journey(definition)
    pinned = program.templates_are_pinned
    templates = template_pins.of(session, again) if again is not None and pinned else None
    templates = templates or template_pins.newest(session, program)
    live = session.get(JourneyVersion, (key, journey.live_version)) if journey.live_version else None
    same = live is not None and live.digest == definition.digest() and journey.archived_at is None
    if live is not None and same and (not pinned or template_pins.of(session, live) == templates):
        live.share, live.others = (share, live.others) if live.others and share < 100 else (100, None)
        return live, False
    others = live.others or live.number if live is not None and share < 100 and not journey.archived_at else None
    if definition.lifecycle:
        _refuse_a_second_lifecycle(session, key)
    journey.archived_at = None
    version = JourneyVersion(
        journey=key,
        number=(journey.live_version or 0) + 1,
        digest=definition.digest(),
        canonical=definition.canonical(),
        drafted_by=drafted_by,
        published_by=by,
        published_at=now,
        share=share if others else 100,
        others=others,
    )
    journey.live_version = version.number
    journey.lifecycle = definition.lifecycle
    session.add(version)
    template_pins.keep(session, version, templates, pinned=pinned)
    session.flush()
    looks.begin(session, program, now)
    if program.dates:
        backfills.start(session, "dates", key, now)
    return version, True


def _refuse_a_second_lifecycle(session: Session, key: str) -> None:
    """Whoever publishes another at this very moment is refused by the database, does this once more, and meets it."""
    known = journey_rows.lifecycle_key(session)
    if known not in (None, key):
        raise Refused(
            f"the journey {known!r} is the lifecycle already, and a customer has one lifecycle stage; archive it, or "
            "publish it without `lifecycle`, first",
            "second_lifecycle",
        )


def get(session: Session, key: str) -> Journey:
    """A journey, published or not; raise NotFound."""
    journey = session.get(Journey, key)
    if journey is None:
        raise NotFound(f"there is no journey {key!r}")
    return journey


def held(session: Session, key: str) -> Journey:
    """The same, locked until the transaction ends: whoever publishes waits here for whoever publishes already."""
    journey = journey_rows.locked(session, key)
    if journey is None:
        raise NotFound(f"there is no journey {key!r}")
    return journey


def version(session: Session, key: str, number: int) -> JourneyVersion:
    """A published version, by its number from 1; raise NotFound."""
    found = session.get(JourneyVersion, (key, number))
    if found is None:
        raise NotFound(f"the journey {key!r} has no version {number}")
    return found


def open_version(session: Session, key: str, number: int) -> JourneyVersion:
    """A version to go back to; raise NotFound, Refused (`archived_version`) where it is archived."""
    found = version(session, key, number)
    if found.archived_at is not None:
        raise Refused(f"version {number} of {key!r} is archived, and nobody goes back to it", "archived_version")
    return found


def definition(session: Session, key: str, number: int | None = None) -> Definition:
    """A version of a journey; without a number the live one, else the draft. Raise NotFound where there is neither."""
    journey = get(session, key)
    chosen = number or journey.live_version
    if chosen is not None:
        return parsed(version(session, key, chosen).canonical)
    if journey.draft is None:
        raise NotFound(f"the journey {key!r} has neither a version nor a draft")
    return Definition.model_validate(journey.draft)


def draft_or(session: Session, key: str, number: int | None) -> Definition:
    """What somebody wants to try: a version by its number, else the draft, else what is live. Raise NotFound."""
    journey = get(session, key)
    if number is None and journey.draft is not None:
        return Definition.model_validate(journey.draft)
    return definition(session, key, number)


def live(session: Session, key: str) -> LiveJourney:
    """The live version of a journey, compiled.

    Raise NotFound where it was never published, Refused (`archived`) where it lets nobody in any more.
    """
    journey = get(session, key)
    if journey.live_version is None:
        raise NotFound(f"the journey {key!r} is not published")
    if journey.archived_at is not None:
        raise Refused(f"the journey {key!r} is archived and lets nobody in", "archived")
    found = version(session, key, journey.live_version)
    return found, compiler.load(found.canonical)


def all_live(session: Session) -> Sequence[LiveJourney]:
    """Every journey that lets customers in now, paused ones too.

    One that cannot be read (`all_unreadable`) is left out. It lets nobody in until it is published anew, and holds up
    no event of anybody else.
    """
    found = [(one, _program(one)) for one in journey_rows.letting_in(session)]
    return [(one, program) for one, program in found if program is not None]


def all_unreadable(session: Session) -> list[str]:
    """The keys of journeys that would let customers in, and whose stored definition cannot be read."""
    return [one.journey for one in journey_rows.letting_in(session) if _program(one) is None]


def _program(version: JourneyVersion) -> Program | None:
    try:
        return compiler.load(version.canonical)
    except Exception as error:
        if version.digest not in _TOLD:
            _TOLD.add(version.digest)
            log.error("journey_unreadable", journey=version.journey, version=version.number, exc_info=error)
        return None


def using_template(session: Session, template: str) -> list[str]:
    """The keys of the live journeys that send this template."""
    return [version.journey for version, program in all_live(session) if template in program.templates]


def compiled(session: Session, digest: str) -> Program:
    """The program that a digest names; compiled once per process, since a digest never changes its meaning."""
    if digest not in _PROGRAMS:
        _PROGRAMS[digest] = compiler.load(_READ.get(digest) or canonical(session, digest))
        _READ.pop(digest, None)
    return _PROGRAMS[digest]


def read_all(session: Session, digests: Iterable[str]) -> None:
    """Have the definitions at hand that these digests name, so that `compiled` asks for none of them.

    One that does not compile raises there, for whoever needs it.
    """
    missing = {*digests} - _PROGRAMS.keys() - _READ.keys()
    if missing:
        _READ.update(journey_rows.canonicals(session, missing))


def stages_of_all_versions(session: Session, key: str) -> frozenset[str]:
    """The stages that a version of a journey has or had."""
    digests = journey_rows.digests(session, key)
    read_all(session, digests)
    return frozenset(stage for digest in digests for stage in compiled(session, digest).stages)


def canonical(session: Session, digest: str) -> str:
    """The definition that a digest names, as canonical JSON; raise NotFound."""
    found = journey_rows.canonical(session, digest)
    if found is None:
        raise NotFound(f"there is no definition with the digest {digest}")
    return found


def archive(session: Session, key: str, now: datetime) -> Journey:
    """Let nobody in any more; who is under way goes on to the end unless the caller ends them.

    Webhooks and notes that it has not made yet are withdrawn. Raise Refused where it is archived already.
    """
    journey = get(session, key)
    if journey.archived_at is not None:
        raise Refused(f"the journey {key!r} is archived already")
    journey.archived_at = now
    hooks.cancel_of_journey(session, key, now)
    session.add(journey)
    return journey
