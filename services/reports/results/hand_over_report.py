"""How customers were handed over to colleagues: by step, how many notes were sent, how they were answered, how soon.

Read from counts that are kept with the notes (`store.queries.feedback.hand_overs`). The time to answer is from when the
note went to its first answer; it is skewed, so it is told as quartiles.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlmodel import Session

from readers.hand_over_answers import HandOverAnswer
from services.reports.measures import shown_rates
from services.statistics import quartiles
from services.statistics.proportions import Proportion
from store.queries.feedback import hand_overs
from store.queries.feedback.hand_overs import UNANSWERED, NotesCounted


def hand_overs_by_step(session: Session, journey: str | None = None) -> dict[str, Any]:
    """The steps of a journey (None: of all) whose notes were sent, each with its answers, and what there is to say."""
    counted = hand_overs.counted(session, journey)
    by_step = groupby(counted, key=lambda one: (one.journey, one.stage, one.step))
    lines = [
        {**dict(zip(("journey", "stage", "step"), place, strict=True)), **_told(list(here))} for place, here in by_step
    ]
    return {"hand_overs": lines, "told": _sentence(counted)}


def _told(counted: Sequence[NotesCounted]) -> dict[str, Any]:
    answers = Counter[str]()
    for one in counted:
        answers[one.answer] += one.notes
    sent = answers.total()
    took = _took(counted)
    return {
        "sent": sent,
        **{answer: answers[answer] for answer in HandOverAnswer},
        "unanswered": answers[UNANSWERED],
        "answered": shown_rates.rate(Proportion(count=sent - answers[UNANSWERED], n=sent)),
        "time_to_answer": took.in_hours() if took is not None else None,
    }


def _took(counted: Iterable[NotesCounted]) -> quartiles.Quartiles | None:
    histogram = Counter[int]()
    for one in counted:
        if one.answer != UNANSWERED:
            histogram[one.bucket] += one.notes
    return quartiles.of(histogram)


def _sentence(counted: Sequence[NotesCounted]) -> str:
    sent, took = sum(one.notes for one in counted), _took(counted)
    if not sent:
        return "No note was sent to a colleague."
    if took is None:
        return f"{sent:,} note{'s were' if sent != 1 else ' was'} sent, and none was answered."
    return (
        f"{sent:,} notes were sent, {took.n:,} of them answered; half of the answers came within {_span(took.median)}."
    )


def _span(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 3_600:
        return f"{seconds / 60:,.0f} minutes"
    return f"{seconds / 3_600:,.1f} hours" if seconds < 2 * 86_400 else f"{seconds / 86_400:,.1f} days"
