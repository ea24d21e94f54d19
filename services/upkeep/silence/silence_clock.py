"""What has stopped happening, looked for once an hour and kept, so that whoever asks reads one row.

Three things are told: the event that lets customers into a journey has not come for three times its usual gap; a
journey sends nothing for three times its usual gap; a new name of an event resembles one that is waited for. What is
paused, archived or held is silent because somebody wanted it so.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from sqlmodel import Session

from journeys.checks.lint import OWN_EVENTS, events_named
from journeys.language.definition import Definition, parsed
from services.upkeep.silence import resembling, usual_gaps
from store.queries.access import setting_rows
from store.queries.audiences import rhythms
from store.queries.audiences.rhythms import Gap
from store.queries.definitions import journeys
from store.queries.sending import holds

EVERY = timedelta(hours=1)
"""How old the last look may be."""

LEARNT_EVERY = timedelta(days=1)
"""How old the usual gap of an event may be: it is learnt from four weeks."""

NEW = timedelta(days=7)
"""For how long a new name is told."""

BACK = 2 * usual_gaps.WEEKS * usual_gaps.WEEK
"""How far mails are looked back: the usual gap of one that fell silent weeks ago is told from the weeks before."""

Silence = Mapping[str, Any]
"""What is kept of one: `kind` (event, sends, name), `journey`, `name`, `since`, `usual_hours`, `resembles`."""


def any_due(session: Session, now: datetime) -> bool:
    """Whether it is time for a look."""
    looked_at = setting_rows.silences(session).get("looked_at")
    return looked_at is None or now - datetime.fromisoformat(looked_at) >= EVERY


def run_due(session: Session, now: datetime, limit: int) -> int:
    """Learn the usual gap of one event, where that is due; where none is, look. Return how much was done."""
    if not any_due(session, now):
        return 0
    kept, live = setting_rows.silences(session), _live(session)
    triggers = sorted({name for _, definition in live for name in _triggers(definition)})
    usual = {name: one for name, one in kept.get("usual", {}).items() if name in triggers}
    stale = next((name for name in triggers if _is_stale(usual.get(name), now)), None)
    if stale is not None:
        usual[stale] = {"learnt_at": now.isoformat(), "seconds": _learnt(session, stale, now)}
        setting_rows.put_silences(session, {**kept, "usual": usual}, now)
        return 1
    found = [*_events(session, live, usual, now), *_sends(session, live, now), *_names(session, live, now)]
    setting_rows.put_silences(session, {"looked_at": now.isoformat(), "usual": usual, "found": found}, now)
    return 1


def pass_over(session: Session, now: datetime, error: str) -> None:
    """What raised an error is looked at again in an hour; what was found before stays."""
    kept = setting_rows.silences(session)
    setting_rows.put_silences(session, {**kept, "looked_at": now.isoformat(), "error": error}, now)


def _live(session: Session) -> list[tuple[str, Definition]]:
    versions = journeys.letting_in(session)
    paused = journeys.paused_among(session, [one.journey for one in versions])
    found = [(one.journey, _read(one.canonical)) for one in versions if paused.get(one.journey, ()) is not None]
    return [(journey, definition) for journey, definition in found if definition is not None]


def _read(canonical: str) -> Definition | None:
    """A definition that this build cannot read waits for nothing; the books and the doctor name its journey."""
    try:
        return parsed(canonical)
    except ValueError:
        return None


def _triggers(definition: Definition) -> Iterator[str]:
    return (one.on for one in definition.enter if one.on is not None and one.on not in OWN_EVENTS)


def _is_stale(known: Mapping[str, Any] | None, now: datetime) -> bool:
    return known is None or now - datetime.fromisoformat(known["learnt_at"]) >= LEARNT_EVERY


def _learnt(session: Session, name: str, now: datetime) -> float | None:
    """The usual gap of an event in seconds; None where it cannot be told, or where only imports have brought it."""
    first, last = rhythms.first_event(session, name), rhythms.last_event(session, name, now)
    if first is None or last is None or not last[1]:
        return None
    since = last[0] - usual_gaps.WEEKS * usual_gaps.WEEK
    usual = usual_gaps.usual(list(rhythms.gaps(session, name, since, last[0])), first, last[0])
    return usual.total_seconds() if usual is not None else None


# -- what is told ------------------------------------------------------------------------------------------------------


def _events(
    session: Session, live: Sequence[tuple[str, Definition]], usual: Mapping[str, Mapping[str, Any]], now: datetime
) -> Iterator[Silence]:
    for journey, definition in live:
        for name in dict.fromkeys(_triggers(definition)):
            if usual[name]["seconds"] is None:
                continue
            gap, last = timedelta(seconds=usual[name]["seconds"]), rhythms.last_event(session, name, now)
            if last is not None and usual_gaps.is_silence(last[0], gap, now):
                yield _silence("event", journey, name, last[0], gap)


def _sends(session: Session, live: Sequence[tuple[str, Definition]], now: datetime) -> Iterator[Silence]:
    """By days: a day's mails are of the day on which they were planned."""
    if holds.current(session) is not None:
        return
    days_of = rhythms.days_of_sends(session, now - BACK)
    for journey, _ in live:
        days = [datetime.combine(day, time(), UTC) for day in days_of.get(journey, ())]
        if not days:
            continue
        gaps: list[Gap] = [(one, one - before) for before, one in pairwise(days)]
        usual = usual_gaps.usual(gaps, days[0], days[-1])
        today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
        if usual is not None and usual_gaps.is_silence(days[-1], usual, today):
            yield _silence("sends", journey, None, days[-1], usual)


def _names(session: Session, live: Sequence[tuple[str, Definition]], now: datetime) -> Iterator[Silence]:
    awaited: dict[str, str] = {}
    for journey, definition in live:
        for _, name in events_named(definition):
            awaited.setdefault(name, journey)
    for name, since in rhythms.names_since(session, now - NEW):
        resembled = resembling.nearest(name, awaited) if name not in awaited and name not in OWN_EVENTS else None
        if resembled is not None:
            yield {**_silence("name", awaited[resembled], name, since, None), "resembles": resembled}


def _silence(kind: str, journey: str, name: str | None, since: datetime, usual: timedelta | None) -> dict[str, Any]:
    return {
        "kind": kind,
        "journey": journey,
        "name": name,
        "since": since.isoformat(),
        "usual_hours": round(usual / timedelta(hours=1), 1) if usual is not None else None,
        "resembles": None,
    }
