"""The path of one enrollment: everything that happened in it, in order, for machines and for tables."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from journeys.rules.policy import Deferred, Skipped
from journeys.simulation.backtest import SimulatedEnrollment


def as_json(enrollment: SimulatedEnrollment) -> dict[str, Any]:
    """One run: how it ended or where it stands, and its path."""
    state = enrollment.trace.state
    return {
        "entered_at": enrollment.event.at.isoformat(),
        "entered_by": enrollment.event.name,
        "key": enrollment.key,
        "status": "ended" if state.ended else "live",
        "reason": state.reason,
        "stage": state.stage,
        "step": state.position,
        "wakes_at": state.wakes_at.isoformat() if state.wakes_at else None,
        "path": [
            {"at": at.isoformat(), "what": what, "stage": stage, "step": step, "detail": dict(detail)}
            for at, what, stage, step, detail in path(enrollment)
        ],
    }


def path(enrollment: SimulatedEnrollment) -> list[tuple[datetime, str, str, str | None, Mapping[str, Any]]]:
    """Everything that happened in one run, in order: decisions, verdicts, mails."""
    trace = enrollment.trace
    told: list[tuple[int, datetime, str, str, str | None, Mapping[str, Any]]] = []
    for one in trace.decisions:
        told.append((one.number, one.at, one.what, one.stage, one.step, one.detail))
    for ask, asked in trace.asked:
        if asked:
            detail = {"why": ask.why, "guards": [guard.as_json() for guard in asked]}
            told.append((ask.number, ask.at, "asked", ask.stage, ask.step, detail))
    for mail in trace.mails:
        told.append((mail.plan.number, mail.plan.at, *_mail(mail)))
    return [one[1:] for one in sorted(told, key=lambda one: one[0])]


def _mail(mail: Any) -> tuple[str, str, str, Mapping[str, Any]]:
    detail: dict[str, Any] = {"template": mail.template}
    what = "sent"
    if isinstance(mail.verdict, Skipped):
        what, detail["reason"] = "skipped", mail.verdict.reason
    elif isinstance(mail.verdict, Deferred):
        what, detail["reason"] = "deferred", mail.verdict.reason
        detail["until"] = mail.verdict.until.isoformat()
    return what, mail.plan.stage, mail.plan.step, detail
