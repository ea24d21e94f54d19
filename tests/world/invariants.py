"""What holds after every step, whatever happens: asked of the rows themselves behind each commit, and of the receiver."""

from typing import TYPE_CHECKING, Any

from mail.message import Mail
from tests.world.faults import RETURNED

if TYPE_CHECKING:
    from tests.world.world import World

CAP = 3
"""Mails of the topic that an inbox gets at most."""

PLACES = """
SELECT journey, stage, step, sum(n) FROM (
    SELECT journey, stage, step, count AS n FROM stage_count
    UNION ALL SELECT journey, stage, coalesce(step, ''), -1 FROM enrollment WHERE status = 'live')
GROUP BY 1, 2, 3 HAVING sum(n) <> 0
"""
"""Where as many are counted as do not stand there."""

ENTERED = """
SELECT journey, sum(n) FROM (
    SELECT journey, count AS n FROM movement WHERE source = ''
    UNION ALL SELECT journey, -count FROM run_count WHERE name = 'erased'
    UNION ALL SELECT journey, -1 FROM enrollment)
GROUP BY 1 HAVING sum(n) <> 0
"""
"""Entered, less the erased, is what there is."""

MAILS = """
SELECT journey, status, reason, sum(n) FROM (
    SELECT journey, status, reason, count - gone AS n FROM message_count
    UNION ALL SELECT journey, status, coalesce(reason, ''), -1 FROM message)
GROUP BY 1, 2, 3 HAVING sum(n) <> 0
"""
"""Mails that are counted and not kept."""

TWICE = """
SELECT journey, customer_id, key, count(*) FROM enrollment AS e WHERE status = 'live'
    AND NOT EXISTS (SELECT 1 FROM control WHERE enrollment_id = e.id AND verb = 'exit' AND status = 'asked')
GROUP BY 1, 2, 3 HAVING count(*) > 1
"""
"""Customers who are in one journey twice, but for a run that is on its way out."""

PUT_RIGHT = "SELECT enrollment_id FROM decision WHERE what = 'put_right'"
"""A workflow that did not follow its wakes."""

STILL_STUCK = "SELECT stuck FROM enrollment WHERE stuck IS NOT NULL"
STUCK = f"{STILL_STUCK} AND stuck NOT LIKE '%poisoned%'"
"""An enrollment whose wakes raise; the other ones are those that the database was made to refuse for a while."""

UNDECIDED = """
SELECT m.id, m.status FROM message AS m WHERE m.status IN ('skipped', 'failed') AND NOT EXISTS (
    SELECT 1 FROM decision WHERE json_extract(detail, '$.message') = m.id)
"""
"""Mails that ended with nothing on record."""

WORKFLOWS = "SELECT workflow_id FROM enrollment"
"""Each enrollment has one, whoever waked it."""

MESSAGES = "SELECT id, attempt, status FROM message"

MAY_NOT_GO = """
SELECT m.id, 'all lanes are held' FROM message AS m, hold
UNION ALL SELECT m.id, 'the journey is paused' FROM message AS m JOIN journey AS j ON j.key = m.journey
    WHERE j.paused_at IS NOT NULL
UNION ALL SELECT m.id, 'they want none' FROM message AS m JOIN consent AS c ON c.customer_id = m.customer_id
    WHERE c.topic = m.topic AND NOT c.granted
"""
"""Mails that no lane may claim as things are, and why."""

ALWAYS = (PLACES, ENTERED, MAILS, TWICE, STUCK, PUT_RIGHT)
"""After every commit."""

BROKEN = f"SELECT {' OR '.join(f'EXISTS ({query})' for query in ALWAYS)}"
"""Whether one of these does not hold: all in one statement, each up to the first row that it finds."""

AT_THE_END = (*ALWAYS, STILL_STUCK, UNDECIDED)
"""When everything has come to rest."""


class Invariants:
    """Raises AssertionError where one does not hold."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._messages: dict[str, tuple[int, str]] = {}
        self.capped = True

    def after_commit(self, point: str) -> None:
        """What must be so of the rows, and of the step that has changed them."""
        if self._rows(BROKEN) != [(0,)]:
            for query in ALWAYS:
                self._none(query, point)
            raise AssertionError(f"after {point}: something does not hold")
        before, self._messages = (
            self._messages,
            {one: (attempt, status) for one, attempt, status in self._rows(MESSAGES)},
        )
        for one, (_, status) in self._messages.items():
            if one in before and (told := RETURNED.get((point, before[one][1], status))):
                self._world.faults.sometimes(told)
        if point == "claim":
            claimed = {one for one, (attempt, _) in self._messages.items() if attempt > before.get(one, (0, ""))[0]}
            wrong = [row for row in self._rows(MAY_NOT_GO) if row[0] in claimed]
            assert not wrong, f"claimed all the same: {wrong}"

    def after_acceptance(self, mail: Mail) -> None:
        """What must be so of the receiver."""
        receiver = self._world.receiver
        assert receiver.accepted[mail.send_id] == 1, f"mail {mail.send_id} was handed over twice"
        had = [one for one in receiver.inboxes[mail.to] if one in self._messages]  # an erased customer's are forgotten
        assert not self.capped or len(had) <= CAP, f"{mail.to} has had {len(had)} mails, more than {CAP}"

    def at_the_end(self) -> None:
        """Everything has ended: nobody is lost, each mail has its fate, and what the ledger says is what arrived."""
        for query in AT_THE_END:
            self._none(query, "the end")
        executions = self._world.temporal.executions
        missing = [one for (one,) in self._rows(WORKFLOWS) if one not in executions]
        assert not missing, f"no workflow was ever started of {missing}"
        accepted, kept = self._world.receiver.accepted, dict(self._rows("SELECT id, status FROM message"))
        wrong = {one: status for one, status in kept.items() if (status == "accepted") > bool(accepted[one])}
        assert not wrong, f"the ledger says accepted, and nothing arrived: {wrong}"
        lied = {one: status for one, status in kept.items() if status in ("skipped", "failed") and accepted[one]}
        assert not lied, f"the ledger says that these did not go, and they did: {lied}"

    def _none(self, query: str, point: str) -> None:
        found = self._rows(query)
        assert not found, f"after {point}: {found} by {query}"

    def _rows(self, query: str) -> list[Any]:
        return self._world.raw.execute(query).fetchall()
