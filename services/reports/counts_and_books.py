"""Counts that are kept, not scanned for; and the proof that they add up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlmodel import Session, col, func, select

from services.errors import NotFound
from store.queries import counts
from store.statuses import ON_THE_WAY, EnrollmentStatus, MessageStatus
from store.tables.definitions import Journey
from store.tables.enrollments import Dispatch, Enrollment
from store.tables.messages import Message, OutboxMail


def lifecycle(session: Session, journey: str | None = None) -> dict[str, Any]:
    """Customers per stage and movements between stages, of one journey, or of the lifecycle journey."""
    key = journey or next(iter(lifecycle_journeys(session)), None)
    if key is None:
        return {"journey": None, "stages": {}, "steps": [], "movements": {}, "time_in_stage": {}}
    steps = [
        {"stage": stage, "step": step or None, "count": count}
        for (stage, step), count in sorted(counts.steps(session, key).items())
    ]
    stays = {
        stage: {"left": left, "mean_days": round(seconds / left / 86_400, 3)}
        for stage, (left, seconds) in counts.stays(session, key).items()
    }
    return {
        "journey": key,
        "stages": counts.stages(session, key),
        "steps": steps,
        "movements": counts.movements(session, key),
        "time_in_stage": stays,
    }


def cohorts(session: Session, journey: str) -> list[dict[str, Any]]:
    """Who entered in which month, and where they stand now (or how their run ended)."""
    where = func.coalesce(Enrollment.reason, Enrollment.stage)
    month = func.substr(_text(session, Enrollment.entered_at), 1, 7)
    query = select(month, Enrollment.status, where, func.count(col(Enrollment.id)))
    rows = session.exec(query.where(Enrollment.journey == journey).group_by(month, Enrollment.status, where)).all()
    found: dict[str, dict[str, Any]] = {}
    for name, status, place, count in sorted(rows):
        cohort = found.setdefault(name, {"month": name, "entered": 0, "stages": {}, "ended": {}})
        cohort["entered"] += count
        cohort["stages" if status == EnrollmentStatus.LIVE else "ended"][place] = count
    return list(found.values())


def _text(session: Session, column: Any) -> Any:
    """An instant as text that begins with its month."""
    if session.get_bind().dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", column), "YYYY-MM")
    return column


def messages(session: Session, journey: str | None = None, since: datetime | None = None) -> list[dict[str, Any]]:
    """Mails by journey, template, status and reason."""
    columns: tuple[Any, ...] = (Message.journey, Message.template, Message.status, Message.reason)
    query: Any = sqlalchemy.select(*columns, func.count(col(Message.id))).group_by(*columns)
    if journey is not None:
        query = query.where(Message.journey == journey)
    if since is not None:
        query = query.where(col(Message.planned_at) >= since)
    rows: Sequence[Any] = session.connection().execute(query).all()
    return [
        {"journey": key, "template": template, "status": status, "reason": reason, "count": count}
        for key, template, status, reason, count in sorted(rows, key=str)
    ]


def journey(session: Session, key: str) -> dict[str, Any]:
    """One journey: who entered, where they are, how they left, its mails and its goal."""
    if session.get(Journey, key) is None:
        raise NotFound(f"there is no journey {key!r}")
    return {
        **lifecycle(session, key),
        "entered": _entered(session, key),
        "ended": counts.runs(session, key, counts.ENDED),
        "converted": counts.runs(session, key, counts.CONVERTED),
        "messages": messages(session, key),
    }


def _entered(session: Session, key: str) -> int:
    return sum(count for way, count in counts.movements(session, key).items() if way.startswith("->"))


def reconciliation(session: Session, journey: str | None = None) -> dict[str, Any]:
    """The books: for each journey, entered = live + ended, and planned = accepted + failed + skipped + waiting + …

    Each difference has a name; without any, `balanced` is true.
    """
    keys = session.exec(select(Journey.key).order_by(col(Journey.key))).all()
    books = [_book(session, key) for key in keys if journey in (None, key)]
    return {
        "balanced": all(not one["differences"] for one in books),
        "journeys": books,
        "broadcasts": _broadcasts(session) if journey is None else [],
        "on_their_way": _on_their_way(session),
        "outbox": _outbox(session),
    }


def _broadcasts(session: Session) -> list[dict[str, Any]]:
    """The mails of each broadcast by what became of them."""
    columns: tuple[Any, ...] = (Message.broadcast, Message.status, Message.reason)
    query: Any = sqlalchemy.select(*columns, func.count(col(Message.id))).where(col(Message.broadcast).is_not(None))
    found: dict[str, list[dict[str, Any]]] = {}
    rows: Sequence[Any] = session.connection().execute(query.group_by(*columns)).all()
    for key, status, reason, count in rows:
        found.setdefault(key, []).append({"status": status, "reason": reason, "count": count})
    return [{"broadcast": key, "messages": _summed(rows)} for key, rows in sorted(found.items())]


def _book(session: Session, key: str) -> dict[str, Any]:
    entered = _entered(session, key)
    live, ended = sum(counts.stages(session, key).values()), counts.runs(session, key, counts.ENDED)
    erased, rows = counts.runs(session, key, counts.ERASED), _rows(session, key)
    mails = _mails(session, key)
    differences: dict[str, int] = {
        "entered_but_neither_live_nor_ended": entered - live - sum(ended.values()),
        "live_counted_but_not_kept": live - rows["live"],
        "ended_counted_but_not_kept": sum(ended.values()) - rows["ended"] - sum(erased.values()),
    }
    return {
        "journey": key,
        "entered": entered,
        "live": live,
        "ended": ended,
        "erased": sum(erased.values()),
        "messages": mails,
        "differences": {name: count for name, count in differences.items() if count},
    }


def _rows(session: Session, key: str) -> dict[str, int]:
    query = select(Enrollment.status, func.count(col(Enrollment.id))).where(Enrollment.journey == key)
    return {"live": 0, "ended": 0, **dict(session.exec(query.group_by(Enrollment.status)).all())}


def _mails(session: Session, key: str) -> dict[str, Any]:
    """Planned = accepted + failed + skipped + waiting + unknown + parked; erased ones among them."""
    rows = messages(session, key)
    for label, count in counts.runs(session, key, counts.ERASED_MAIL).items():
        _, status, reason = label.split("|")
        rows.append({"status": status, "reason": reason, "count": count})
    return _summed(rows)


def _summed(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {"failed": Counter(), "skipped": Counter()}
    for one in rows:
        found[one["status"]] += one["count"]
        if one["status"] in reasons:
            reasons[one["status"]][one["reason"] or ""] += one["count"]
    return {
        "planned": sum(found.values()),
        "accepted": found["accepted"],
        "failed": dict(reasons["failed"]),
        "skipped": dict(reasons["skipped"]),
        "waiting": sum(found[status] for status in ON_THE_WAY),
        "unknown": found["unknown"],
        "parked": found["parked"],
    }


def _on_their_way(session: Session) -> dict[str, int]:
    """Starts and signals that Temporal has not got yet."""
    query = select(Dispatch.kind, func.count(col(Dispatch.id))).group_by(Dispatch.kind)
    return dict(session.exec(query).all())


def _outbox(session: Session) -> dict[str, int] | None:
    """What the local outbox received, against what the ledger says it accepted; None where mail goes elsewhere."""
    received = session.exec(select(func.count(col(OutboxMail.id)))).one()
    mails = session.exec(select(func.count(func.distinct(OutboxMail.send_id)))).one()
    accepted = session.exec(
        select(func.count(col(Message.id))).where(
            Message.status == MessageStatus.ACCEPTED, Message.provider == "outbox"
        )
    ).one()
    return {"received": received, "twice": received - mails, "accepted": accepted} if received or accepted else None


def on_the_map(session: Session, key: str) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    """How many stand at each stage and step, and how many moved from stage to stage."""
    flows = {tuple(way.split("->", 1)): count for way, count in counts.movements(session, key).items()}
    return counts.steps(session, key), {(way[0], way[1]): count for way, count in flows.items() if way[0]}


def lifecycle_journeys(session: Session) -> Sequence[str]:
    """The published journeys whose stage is the customer's lifecycle stage."""
    query = select(Journey.key).where(col(Journey.lifecycle), col(Journey.live_version).is_not(None))
    return session.exec(query.order_by(col(Journey.key))).all()
