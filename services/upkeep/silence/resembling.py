"""Names of events that look like one that is waited for: another case, other separators, a letter too many."""

from collections.abc import Iterable

LONG, SHORT = 12, 6
"""Letters from which on two slips are still the same name, and one is; `Signed In` is not `Signed Up`."""


def nearest(name: str, awaited: Iterable[str]) -> str | None:
    """The name that this one resembles without being it, the nearest of several; None where there is none."""
    near = [(_distance_within(name, other), other) for other in awaited if other != name]
    return min(((far, other) for far, other in near if far is not None), default=(0, None))[1]


def _distance_within(one: str, other: str) -> int | None:
    """How many slips lie between two names, case and separators apart; None where too many for their length."""
    left, right = _plain(one), _plain(other)
    shorter = min(len(left), len(right))
    most = 2 if shorter >= LONG else 1 if shorter >= SHORT else 0
    if abs(len(left) - len(right)) > most:
        return None
    slips = _slips(left, right)
    return slips if slips <= most else None


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def _slips(left: str, right: str) -> int:
    """Letters to add, leave out, change or swap with the next one (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        before, above, row = row, before, [i]
        for j, b in enumerate(right, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]
