"""What customers answered: each survey as a whole, then by the journey, version and stage of the mails that asked."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from sqlmodel import Session

from services.statistics.net_scores import net_score
from store.queries.feedback import survey_answers
from store.queries.feedback.survey_answers import AnswersCounted

NPS = "nps"
"""The survey that has a net score."""

NOBODY = "Nobody has answered."
"""The sentence about no answer at all."""


def answers(session: Session, survey: str | None = None, journey: str | None = None) -> dict[str, Any]:
    """What is told of a survey (None: of each), of the mails of a journey (None: of all), and a sentence."""
    told = list[dict[str, Any]]()
    for name, found in groupby(survey_answers.counted(session, survey, journey), key=lambda one: one.survey):
        counted = list(found)
        told.append({"survey": name, "journey": None, "version": None, "stage": None, **_told(name, counted)})
        for where, here in groupby(counted, key=lambda one: (one.journey, one.version, one.stage)):
            place = dict(zip(("journey", "version", "stage"), where, strict=True))
            told.append({"survey": name, **place, **_told(name, list(here))})
    return {"surveys": told, "told": " ".join(_sentence(one) for one in told if one["journey"] is None) or NOBODY}


def _sentence(whole: Mapping[str, Any]) -> str:
    net, answers = whole["net"], whole["answers"]
    said = f"{answers:,} answer{'s' * (answers > 1)} to {whole['survey']}"
    if net is None:
        return f"{said}: {whole['mean']:.1f} on average."
    return f"{said}: a net score of {net['score']:+.0f} points (95%: {net['low']:+.0f} to {net['high']:+.0f})."


def _told(survey: str, counted: Sequence[AnswersCounted]) -> dict[str, Any]:
    classes, total = _classes(counted), sum(one.answers for one in counted)
    net = net_score(classes["promoter"], classes["detractor"], total) if survey == NPS else None
    return {
        "answers": total,
        "mean": sum(one.total for one in counted) / total,
        "classes": dict(classes),
        "net": asdict(net) if net is not None else None,
    }


def _classes(counted: Iterable[AnswersCounted]) -> Counter[str]:
    found = Counter[str]()
    for one in counted:
        found[one.label] += one.answers
    return found
