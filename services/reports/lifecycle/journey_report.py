"""One journey in numbers, and the mails that went, did not, and why; from counts that are kept."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.program import compiler
from services.definitions.journey_versions import journeys as definitions
from services.errors import NotFound
from services.experiments import results
from services.reports.lifecycle.lifecycle_report import lifecycle
from store.queries.figures import counts, message_counts
from store.queries.sending import hooks
from store.tables.definitions import Journey


def journey(session: Session, key: str) -> dict[str, Any]:
    """One journey: who entered, where they are, how they left, its mails, its goal, and what no receiver has taken.

    Raises NotFound.
    """
    row = session.get(Journey, key)
    if row is None:
        raise NotFound(f"there is no journey {key!r}")
    report = lifecycle(session, key)
    entered = sum(count for way, count in report["movements"].items() if way.startswith("->"))
    return {
        **report,
        "entered": entered,
        "ended": counts.runs(session, key, counts.ENDED),
        "converted": counts.runs(session, key, counts.CONVERTED),
        "messages": messages(session, key),
        "hooks": [
            {"step": step, "status": status, "answer": answer, "count": count}
            for step, status, answer, count in hooks.not_delivered(session, key)
        ],
        "experiments": _experiments(session, row),
    }


def _experiments(session: Session, row: Journey) -> list[dict[str, Any]]:
    """The splits of the version that was published last."""
    if row.live_version is None:
        return []
    published = definitions.version(session, row.key, row.live_version)
    return results.of_program(session, compiler.load(published.canonical))


def messages(session: Session, journey: str | None = None, since: datetime | None = None) -> list[dict[str, Any]]:
    """Mails by journey, template, status and reason; `since`: those planned on the UTC day of this instant and later.

    Those of erased customers are among them; a broadcast's have the empty journey.
    """
    return [
        {"journey": key, "template": template, "status": status, "reason": reason or None, "count": count}
        for key, template, status, reason, count in message_counts.outcomes(session, journey, since)
    ]
