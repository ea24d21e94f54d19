"""Scales of surveys: which scores an answer may have, and which class a score is of.

The three that everybody knows have their published bounds and classes: NPS (Reichheld 2003), CSAT and CES 2.0, where
the highest score is the best. Of one's own scale the lowest and the highest
third are low and high; what is between is middle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from readers.keys import KEY

ANSWERED = "Survey Answered"
"""The event of a customer that an answer is: `survey`, `score`, `class`."""

MOST_ANSWERS = 11
"""Answers of a scale: more do not fit beside each other in a mail."""

Bands = Sequence[tuple[int, str]]
"""Classes from below, each with its highest score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A survey's name, its lowest and its highest score (both included)."""

    survey: str
    lowest: int
    highest: int

    @property
    def scores(self) -> range:
        """Every score, from below."""
        return range(self.lowest, self.highest + 1)

    def class_of(self, score: int) -> str:
        """The class of a score; raise ValueError for one that is not on the scale."""
        if score not in self.scores:
            raise ValueError(f"{self.survey} is answered with {self.lowest} to {self.highest}")
        return next(name for highest, name in self._bands if score <= highest)

    @property
    def _bands(self) -> Bands:
        third = max(1, len(self.scores) // 3)
        own = ((self.lowest + third - 1, "low"), (self.highest - third, "middle"), (self.highest, "high"))
        return _CLASSES.get(self.survey, own)


KNOWN: Mapping[str, Scale] = {
    "nps": Scale(survey="nps", lowest=0, highest=10),
    "csat": Scale(survey="csat", lowest=1, highest=5),
    "ces": Scale(survey="ces", lowest=1, highest=7),
}
"""Surveys whose scale is the same everywhere."""

_CLASSES: Mapping[str, Bands] = {
    "nps": ((6, "detractor"), (8, "passive"), (10, "promoter")),
    "csat": ((2, "dissatisfied"), (3, "neutral"), (5, "satisfied")),
    "ces": ((3, "difficult"), (4, "neutral"), (7, "easy")),
}


def scale(survey: str, lowest: int | None = None, highest: int | None = None) -> Scale:
    """The scale of a survey; one's own needs both bounds. Raise ValueError where there is none, or it is too long."""
    if not KEY.fullmatch(survey):
        raise ValueError("a survey is named by a letter and letters, digits, - or _")
    known = KNOWN.get(survey)
    if known is not None:
        if (lowest, highest) not in ((None, None), (known.lowest, known.highest)):
            raise ValueError(f"{survey} is answered with {known.lowest} to {known.highest}; give your own another name")
        return known
    if lowest is None or highest is None:
        raise ValueError(f"the survey {survey} needs a lowest and a highest score; {', '.join(KNOWN)} need none")
    if not 2 <= highest - lowest + 1 <= MOST_ANSWERS:
        raise ValueError(f"a scale has 2 to {MOST_ANSWERS} answers")
    return Scale(survey=survey, lowest=lowest, highest=highest)
