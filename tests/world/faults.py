"""Which faults happen in a schedule, where, and that they did.

A point is passed before and after each transaction of a process, each call to Temporal and each call to the provider;
it is named by what is done there. At a point the process may die, or the database may not be had. `SOMETIMES` is what
must happen in a thousand schedules: a fault that never comes, or a way out that is never gone, proves nothing.
"""

import asyncio
from collections import Counter
from sqlite3 import OperationalError as SqliteError

import detangle
from sqlalchemy.exc import OperationalError

WHERE = {
    "_claim": "claim",
    "_freeze": "freeze",
    "_write": "record",
    "take": "takeover",
    "_give_back": "give back",
    "_decide": "evidence",
    "_lease": "lease",
    "_finish": "dispatched",
    "_wake": "wake at rows",
    "_meet": "wake at deadlines",
    "_put_off": "put off",
    "_behind": "follow",
    "_nobody_follows": "nobody follows",
    "_not_tried": "leave those to follow",
    "wake": "wake",
    "_set_aside": "set aside",
    "ask": "request",
}
"""What a transaction does, by the function that asks for it. One that is not named here fails its schedule: nobody would
die at it."""

DEATHS = (
    "before claim", "after claim", "before freeze", "after freeze", "before provider", "in provider", "after provider",
    "before record", "after record", "before takeover", "after takeover", "before give back", "after give back",
    "before evidence", "after evidence", "before wake at rows", "after wake at rows", "before lease", "after lease",
    "before temporal", "after temporal", "before dispatched", "after dispatched", "before put off", "after put off",
    "before wake at deadlines", "after wake at deadlines", "before follow", "after follow", "before nobody follows",
    "after nobody follows", "before leave those to follow", "after leave those to follow", "before wake", "after wake",
    "before set aside", "after set aside", "before request", "after request",
)  # fmt: skip
"""Points at which a process dies in some schedule: both sides of each transaction of a mail's way and an enrollment's."""

SELDOM = (
    "in provider", "before give back", "after give back", "before evidence", "after evidence", "before put off",
    "after put off", "before wake at deadlines", "after wake at deadlines", "before follow", "after follow",
    "before nobody follows", "after nobody follows", "before leave those to follow", "after leave those to follow",
    "before wake", "after wake", "before set aside", "after set aside",
)  # fmt: skip
"""Points that are seldom passed: they are chosen three times as often, and whoever passes one dies."""

HARDLY = ("before nobody follows", "after nobody follows")
"""Those of them that are passed in one of thirty schedules before the calm: seven times as often."""

PROVIDER = (
    "accepted",
    "late",
    "later than a heartbeat",
    "taken, then reset",
    "reset",
    "taken, then an error",
    "busy",
    "away",
    "refused",
    "key refused",
)
"""What the provider does with a mail; what goes well comes first."""

HAPPENINGS = (
    "event", "event again", "a hundred at once", "bought", "closed", "unsubscribed", "paused", "person pauses",
    "person skips", "person moves", "published and moved", "merged", "erased", "held", "clock", "cut off",
    "poke lost", "poke twice", "temporal away", "poisoned", "minutes pass", "backup", "restored", "reports", "killed",
    "all killed",
)  # fmt: skip
"""What customers, marketers and the world do meanwhile."""

RETURNED = {
    ("takeover", "claimed", "planned"): "a claimed mail went back at a takeover",
    ("takeover", "sending", "unknown"): "a frozen mail was unknown at a takeover",
    ("give back", "claimed", "planned"): "a mail was given back",
    ("record", "sending", "planned"): "a mail that certainly did not go was planned again",
    ("evidence", "unknown", "planned"): "an absent mail was planned again",
    ("evidence", "unknown", "accepted"): "an unknown mail was found to be accepted",
    ("evidence", "unknown", "parked"): "an unknown mail was parked",
}
"""Ways out that a mail goes: by the step, and its status before and behind it."""

RECOVERIES = (
    "a workflow task was done again", "a workflow task came too late",
    "a workflow was replayed", "a workflow continued as new", "an owner missed its heartbeats",
    "a mail was withheld", "a mail was unknown", "evidence: accepted", "evidence: absent", "evidence: unknowable",
    "a mail was parked", "a mail was planned again", "a late mail arrived", "a wake was told again",
    "somebody overdue was poked", "a poke was lost", "a poke came twice", "a report came before its record", "a mail was doubted after a restore",
    "the channel closed", "a wake was done ahead", "several wakes were followed at once", "a workflow was first", "a cap held a mail back", "a control was done", "a control was refused",
    "somebody was moved", "two customers were merged", "an enrollment was stuck", "workflows were left to be followed",
    *RETURNED.values(),
)  # fmt: skip
"""Ways out that are gone in some schedule."""

AWAY = {
    (False, False): "the database was away",
    (False, True): "a commit's answer was lost",
    (True, False): "Temporal was away",
    (True, True): "an answer of Temporal was lost",
}
"""What is lost: whether of Temporal, and whether behind the point."""

RARELY = (
    "somebody overdue was poked", "a mail was given back", "died before give back", "died after give back",
    "died before evidence", "died after evidence", "died before nobody follows", "died after nobody follows",
    "died before leave those to follow", "died after leave those to follow", "died before set aside",
    "died after set aside",
)  # fmt: skip
"""What happens a few times in a thousand schedules, and must in several thousand."""

SOMETIMES = (
    *(f"died {point}" for point in DEATHS),
    *(f"provider: {what}" for what in PROVIDER),
    *(f"happened: {what}" for what in HAPPENINGS),
    *AWAY.values(), "a process was starved",
    *RECOVERIES,
)  # fmt: skip


class ProcessKilled(asyncio.CancelledError):
    """The process is dead: nothing that it does reaches anybody."""


class Faults:
    """What may go wrong in one schedule; `calm` ends it. Each schedule has its own few kinds, and so many of them."""

    def __init__(self, seen: Counter[str]) -> None:
        self.seen = seen
        self.calm = False
        self._left = detangle.randint(1, 5)
        self._deadly = {detangle.choice(DEATHS + SELDOM * 2 + HARDLY * 4) for _ in range(detangle.randint(0, 3))}
        self._away = detangle.choice((0.0, 0.02, 0.06))
        self._provider = detangle.choice((0.2, 0.5, 0.9))

    def sometimes(self, what: str) -> None:
        """It happened."""
        self.seen[what] += 1

    def dies(self, point: str) -> bool:
        """Whether the process that passes here dies here."""
        return point in self._deadly and self._strikes(1.0 if point in SELDOM else 0.5, f"died {point}")

    def is_away(self, point: str) -> bool:
        """Whether the database, or Temporal, cannot be had here; behind a commit or a call, its answer is lost."""
        return self._strikes(self._away, AWAY[point.endswith("temporal"), point.startswith("after")])

    def provider(self) -> str:
        """What the provider does with this mail."""
        what = PROVIDER[0]
        if not self.calm and detangle.flip(self._provider):
            what = PROVIDER[detangle.randint(1, len(PROVIDER) - 1)]
        self.sometimes(f"provider: {what}")
        return what

    def _strikes(self, chance: float, what: str) -> bool:
        if self.calm or not self._left or not detangle.flip(chance):
            return False
        self._left -= 1
        self.sometimes(what)
        return True


class DatabaseAway(OperationalError):
    """Raised where a fault is that SQLite was locked for too long; so it is told from an error of the product's own."""


def database_is_away() -> DatabaseAway:
    """What is raised where SQLite is locked for too long."""
    cause = SqliteError("database is locked")
    cause.sqlite_errorname = "SQLITE_BUSY"
    return DatabaseAway("BEGIN IMMEDIATE", None, cause)
