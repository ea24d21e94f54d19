"""Answers to a note: what a colleague says of a customer who was handed over to them, and the event that it is."""

from collections.abc import Mapping
from enum import StrEnum

ANSWERED = "Hand-over Answered"
"""The event of a customer that an answer is: `answer`, `journey`, `stage`, `step`, and `note`, the id of its hook."""


class HandOverAnswer(StrEnum):
    """What is said; each may be changed into each other one."""

    TAKEN = "taken"
    DONE = "done"
    NOT_INTERESTED = "not_interested"


LABELS: Mapping[HandOverAnswer, str] = {
    HandOverAnswer.TAKEN: "I take it",
    HandOverAnswer.DONE: "It is done",
    HandOverAnswer.NOT_INTERESTED: "They are not interested",
}
"""As a colleague reads it, in the order in which they are offered."""
