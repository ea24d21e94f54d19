"""Decisions that a migration tells something of: where an enrollment stood, and which variant it was given."""

from datetime import UTC, datetime, timedelta
from typing import Any

_AT = datetime(2026, 3, 2, 12, 0, 15, 123456, tzinfo=UTC)
_LATER = _AT + timedelta(days=2)
_GIVEN: dict[str, Any] = {"customer_id": "cus_1", "journey": "welcome", "stage": "new", "step": "s", "visit": 1}
_PLACES = {"from": {"stage": "old", "step": None}, "to": {"stage": "buyer", "step": None}}
MOVES: list[dict[str, Any]] = [
    {**_GIVEN, "id": "dec_c", "what": "entered", "at": _AT, "detail": {}},
    {**_GIVEN, "id": "dec_d", "what": "moved", "at": _LATER, "detail": {"to": "old", "since": _AT.isoformat()}},
    {**_GIVEN, "id": "dec_e", "what": "moved", "at": _LATER, "detail": {"to": "old"}},
    {**_GIVEN, "id": "dec_f", "what": "migrated", "at": _LATER, "stage": "buyer", "detail": _PLACES},
    {**_GIVEN, "id": "dec_g", "what": "ended", "at": _LATER, "stage": "buyer", "detail": {"reason": "exited"}},
]


def _given(name: str, what: str, variant: str, at: datetime) -> dict[str, Any]:
    return {**_GIVEN, "id": name, "what": what, "at": at, "detail": {"split": "tip", "variant": variant}}


VARIANTS = [_given("dec_a", "assigned", "long", _LATER), _given("dec_b", "held_out", "none", _AT)]

EXPERIMENT: dict[str, Any] = {
    "journey": "welcome", "split": "tip", "began_at": _AT, "looks": 1, "next_look_at": None, "winner": "long",
    "decided_at": _LATER, "by": "key_1", "why": {"by": "conversion"},
}  # fmt: skip
