"""A large installation, made in a minute or two: the database makes its rows itself, a statement for each table.

To each enrollment belong one customer with two words, two events, ten decisions (two of which say that it came to a
stage) and three mails. Ids of mails are scattered over their index, as those of the product are; instants are spread
evenly, but for 20,000 mails that wait for the same one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text
from sqlmodel import Session, SQLModel

from services.definitions.journey_versions import drafts, journeys, validation_context
from store.session import Database

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
APART = 5
"""Seconds between two mails: three million of them fill half a year."""

DECISIONS = 10
"""Of an enrollment."""

SPREAD = 15_000_000
"""Seconds over which decisions are spread, whatever the size: so a small crowd has as many days as a large one."""

WAITING = 20_000
"""Mails that are due at the same instant."""

STAGES, TEMPLATES, JOURNEYS, BROADCASTS = 5, 20, 9, 200

BOUGHT = '{"Order Completed": {"count": 2, "first_at": null, "last_at": null, "sum": 0}}'
"""What a customer keeps of their events."""

CACHE = 2_000_000
"""Kilobytes that SQLite may keep in memory meanwhile: ids in no order go everywhere in their index."""

CHUNK = 250_000
"""Rows of one statement, which is a transaction."""

LIFECYCLE = (
    "journey: lifecycle\nlifecycle: true\nenter: [{on: Signed Up}]\ndefaults: {topic: news}\nstart: s0\nstages:\n"
) + "".join(
    f"  s{one}: {{steps: [{{id: s{one}m0, send: t0}}, {{wait: 9 days}}, {{id: s{one}m1, send: t1}}], "
    f"transitions: [{{on: Order Completed, to: s{(one + 1) % STAGES}}}]}}\n"
    for one in range(STAGES)
)


def end(enrollments: int) -> datetime:
    """The instant for which the waiting mails wait."""
    return BEGIN + timedelta(seconds=APART * 3 * enrollments)


def scattered(prefix: str, number: int) -> str:
    """An id of this number; the ids of many numbers are in no order."""
    return f"{prefix}_{number * 2654435761 % 2**32:08x}"


def fill(database: Database, enrollments: int, *, one_journey: bool = False) -> None:
    """Make everything that belongs to so many enrollments, half of them in the lifecycle; with `one_journey` all.

    Indexes are made last, and counts of what is there.
    """
    with database.writing() as session:
        digest = publish(session)
    made = _Fill(database, enrollments, digest, every=1 if one_journey else 2)
    with database.engine.begin() as connection:
        indexes = _indexes(connection)
        for name in indexes:
            connection.exec_driver_sql(f"DROP INDEX {name}")
    for table, rows in made.rows().items():
        made.insert(table, rows)
    for table, query in made.counts().items():
        with database.engine.begin() as connection:
            connection.execute(text(f"INSERT INTO {table} {query}"))
    for statement in indexes.values():
        with database.engine.begin() as connection:
            connection.exec_driver_sql(statement)
    settle(database)


def _indexes(connection: Connection) -> dict[str, str]:
    """What makes each index again, by its name, as the migrations have made it: with the rows that it is of."""
    ours = {str(one.name) for table in SQLModel.metadata.tables.values() for one in table.indexes}
    query = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index'",
        "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    }[connection.dialect.name]
    found = connection.exec_driver_sql(query).all()
    return {name: statement for name, statement in sorted(found) if name in ours}


def publish(session: Session) -> str:
    """The journey of the crowd goes live; the digest of its program."""
    known = frozenset(f"t{one}" for one in range(TEMPLATES))
    around = validation_context.load(session, "lifecycle", known)
    drafts.put_draft(session, drafts.read_draft("lifecycle", LIFECYCLE, around), BEGIN)
    journeys.publish(session, "lifecycle", known, BEGIN)
    return journeys.live(session, "lifecycle")[0].digest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """So many rows of a table; each column is an expression of the row's number `i`."""

    count: int
    columns: Mapping[str, str]


class _Fill:
    def __init__(self, database: Database, enrollments: int, digest: str, every: int) -> None:
        self._every = every
        self._engine = database.engine
        self._postgresql = self._engine.dialect.name == "postgresql"
        self._size = enrollments
        self._digest = digest

    # -- expressions that the two databases write differently ----------------------------------------------------------

    def _at(self, seconds: str) -> str:
        since = f"{int(BEGIN.timestamp())} + ({seconds})"
        if self._postgresql:
            return f"to_timestamp({since})"
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', {since}, 'unixepoch')"

    def _padded(self, prefix: str, number: str) -> str:
        padded = f"lpad(({number})::text, 10, '0')" if self._postgresql else f"printf('%010d', {number})"
        return f"'{prefix}_' || {padded}"

    def _scattered(self, prefix: str, number: str) -> str:
        """`scattered`, as an expression."""
        if self._postgresql:
            return f"'{prefix}_' || lpad(to_hex(({number})::bigint * 2654435761 % 4294967296), 8, '0')"
        return f"'{prefix}_' || printf('%08x', ({number}) * 2654435761 % 4294967296)"

    # -- what there is -------------------------------------------------------------------------------------------------

    def rows(self) -> Mapping[str, _Rows]:
        """What each table gets; integer division gives each enrollment its three mails."""
        size, every, yes, no = self._size, self._every, "(1 = 1)", "(1 = 0)"
        customer, at = self._padded("cus", "i"), self._at(f"i * {3 * APART}")
        journey = f"CASE WHEN i % {every} = 0 THEN 'lifecycle' ELSE 'j' || (i % {JOURNEYS}) END"
        own, mail = self._padded("cus", "i / 3"), f"i * {APART}"
        run, came = f"(i / {DECISIONS})", f"i % {DECISIONS} IN (0, 4)"
        decided = f"{run} * {SPREAD // size} + i % {DECISIONS}"
        waits, many = f"i >= {3 * size - min(WAITING, size)}", "i % 50 = 7"
        mail_journey = (
            f"CASE WHEN {waits} THEN 'lifecycle' WHEN {many} THEN '' WHEN (i / 3) % {every} = 0 THEN 'lifecycle' "
            f"ELSE 'j' || ((i / 3) % {JOURNEYS}) END"
        )
        status = (
            f"CASE WHEN {waits} THEN 'planned' WHEN i % 100 = 0 THEN 'failed' WHEN i % 25 = 1 THEN 'skipped' "
            f"WHEN i % 10000 = 4 THEN 'unknown' ELSE 'accepted' END"
        )
        accepted = f"{status} = 'accepted'"
        return {
            "customer": _Rows(
                count=size,
                columns={
                    "id": customer, "external_id": "'u' || i",
                    "email": f"{self._scattered('c', 'i')} || '@shop.example'",
                    "attributes": """'{"plan": "team"}'""", "segments": """'["all"]'""", "seq": "2",
                    "events": f"'{BOUGHT}'", "created_at": at, "updated_at": at,
                },
            ),
            "customer_word": _Rows(
                count=2 * size,
                columns={
                    "word": f"CASE i % 2 WHEN 0 THEN 'shop.example' ELSE {self._scattered('c', 'i / 2')} END",
                    "email": f"{self._scattered('c', 'i / 2')} || '@shop.example'",
                    "customer_id": self._padded("cus", "i / 2"),
                },
            ),
            "event": _Rows(
                count=2 * size,
                columns={
                    "id": self._padded("evt", "i"), "message_id": self._scattered("m", "i"),
                    "customer_id": self._padded("cus", "i / 2"), "seq": "i % 2 + 1", "type": "'track'",
                    "name": "'Order Completed'", "properties": "'{}'", "fires": yes,
                    "at": self._at(f"i * {APART}"), "received_at": self._at(f"i * {APART}"),
                },
            ),
            "enrollment": _Rows(
                count=size,
                columns={
                    "id": self._padded("enr", "i"), "journey": journey, "version": "1", "digest": f"'{self._digest}'",
                    "customer_id": customer, "key": "''", "run": "1", "workflow_id": self._scattered("w", "i"),
                    "source": "'event Signed Up'", "data": "'{}'", "wakes": "1", "state": "'{}'", "visit": "1",
                    "status": "CASE WHEN i % 4 = 3 THEN 'ended' ELSE 'live' END",
                    "reason": "CASE WHEN i % 4 = 3 THEN 'completed' END", "stage": f"'s' || (i % {STAGES})",
                    "step": f"'s' || (i % {STAGES}) || 'm1'", "cursor": "2", "paused": no, "entered_at": at,
                    "stage_since": at,
                },
            ),
            "decision": _Rows(
                count=DECISIONS * size,
                columns={
                    "id": self._padded("dec", "i"), "customer_id": self._padded("cus", run),
                    "journey": f"CASE WHEN {run} % {every} = 0 THEN 'lifecycle' ELSE 'j' || ({run} % {JOURNEYS}) END",
                    "enrollment_id": self._padded("enr", run), "number": f"i % {DECISIONS}", "at": self._at(decided),
                    "what": f"CASE i % {DECISIONS} WHEN 0 THEN 'entered' WHEN 4 THEN 'moved' ELSE 'asked' END",
                    "stage": "'s0'", "detail": """'{"why": "the branch", "guards": []}'""",
                    "entered_stage": f"CASE WHEN {came} THEN 's' || (i % {DECISIONS} / 4 * ({run} % {STAGES})) END",
                },
            ),
            "message": _Rows(
                count=3 * size,
                columns={
                    "id": self._scattered("msg", "i"), "customer_id": own, "journey": mail_journey,
                    "enrollment_id": f"CASE WHEN {waits} OR NOT {many} THEN {self._padded('enr', 'i / 3')} END",
                    "digest": f"'{self._digest}'", "stage": "'s0'", "step": "'s0m' || (i % 2)", "visit": "1",
                    "broadcast": f"CASE WHEN NOT ({waits}) AND {many} THEN 'b' || (i % {BROADCASTS * 50} / 50) END",
                    "template": f"'t' || (i % {TEMPLATES})", "topic": "'news'", "lane": "'journey'", "status": status,
                    "reason": f"CASE {status} WHEN 'failed' THEN 'rejected' WHEN 'skipped' THEN 'no_consent' END",
                    "due": self._at(mail), "planned_at": self._at(mail), "updated_at": self._at(mail), "attempt": "1",
                    "not_before": f"CASE WHEN {waits} THEN {self._at(str(3 * size * APART))} END",
                    "provider": f"CASE WHEN {accepted} THEN 'sendgrid' END",
                    "accepted_at": f"CASE WHEN {accepted} THEN {self._at(mail)} END",
                },
            ),
            "message_body": _Rows(
                count=size,
                columns={
                    "message_id": self._scattered("msg", "i"), "customer_id": own, "frozen_at": self._at(mail),
                    "subject": "'Hello'", "html": f"'{'<p>Hello</p>' * 100}'", "text": f"'{'Hello ' * 100}'",
                    "urls": """'["https://shop.example/"]'""",
                },
            ),
            "delivery_event": _Rows(
                count=size,
                columns={
                    "id": self._scattered("rep", "i"), "message_id": self._scattered("msg", "i"), "customer_id": own,
                    "provider": "'sendgrid'", "kind": "'delivered'", "at": self._at(mail),
                    "received_at": self._at(mail), "machine": no,
                },
            ),
            "suppression": _Rows(
                count=size // 10,
                columns={
                    "email": "'gone' || i || '@shop.example'", "source": "'sendgrid'", "created_at": at,
                    "reason": "CASE WHEN i % 10 = 0 THEN 'complaint' ELSE 'bounce' END",
                },
            ),
            "audit": _Rows(
                count=size // 5,
                columns={
                    "id": self._padded("aud", "i"), "at": at, "actor": "'key_' || (i % 10)", "action": "'changed'",
                    "kind": "CASE WHEN i % 10 = 0 THEN 'journey' ELSE 'customer' END",
                    "target": f"CASE WHEN i % 10 = 0 THEN 'lifecycle' ELSE {customer} END",
                },
            ),
            "rejection": _Rows(
                count=size // 5,
                columns={
                    "id": self._padded("rej", "i"), "received_at": at, "path": "'timestamp'", "reason": "'unreadable'",
                    "type": "CASE WHEN i % 10 = 0 THEN 'identify' ELSE 'track' END",
                },
            ),
            "hook": _Rows(
                count=size // 5,
                columns={
                    "id": self._padded("hok", "i"), "kind": "'webhook'", "enrollment_id": self._padded("enr", "i"),
                    "customer_id": customer, "journey": journey, "digest": f"'{self._digest}'", "stage": "'s0'",
                    "step": "'s0m0'", "visit": "1", "attempts": "1", "once": no, "not_before": at, "created_at": at,
                    "updated_at": at, "status": "CASE WHEN i % 1000 = 0 THEN 'stuck' ELSE 'delivered' END",
                },
            ),
            "dispatch": _Rows(
                count=size // 50,
                columns={
                    "id": "i + 1", "enrollment_id": self._padded("enr", "i"), "workflow_id": self._scattered("w", "i"),
                    "kind": "'event'", "payload": "'{}'", "priority": "1 + i % 3", "attempts": "0", "created_at": at,
                    "status": "CASE WHEN i % 100 = 0 THEN 'stuck' ELSE 'ready' END",
                },
            ),
            "operation": _Rows(
                count=size // 20,
                columns={
                    "id": self._padded("op", "i"), "kind": "CASE WHEN i % 10 = 0 THEN 'simulate' ELSE 'erase' END",
                    "status": "CASE WHEN i % 100 = 0 THEN 'failed' ELSE 'done' END", "request": "'{}'", "done": "1",
                    "cancel": no, "error_count": "0", "cursor": "''", "created_at": at, "started_at": at,
                    "finished_at": at,
                },
            ),
            "segment": _Rows(
                count=1,
                columns={
                    "key": "'all'", "guard": """'customer.plan == "team"'""", "created_at": at, "updated_at": at,
                    "evaluated_at": at,
                },
            ),
            "segment_member": _Rows(
                count=size, columns={"segment": "'all'", "customer_id": customer, "since": at}
            ),
            "journey": _Rows(
                count=JOURNEYS,
                columns={
                    "key": "'j' || i", "live_version": "NULL", "lifecycle": no, "created_at": at, "updated_at": at,
                },
            ),
            "broadcast": _Rows(
                count=BROADCASTS,
                columns={
                    "key": "'b' || i", "status": "'sent'", "created_at": at, "updated_at": at,
                    "body": """'{"template": "t0", "segment": "all"}'""",
                },
            ),
        }  # fmt: skip

    def counts(self) -> Mapping[str, str]:
        """The counts that the product keeps, of what was made."""
        text_of_day = "to_char(planned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
        day = text_of_day if self._postgresql else "substr(planned_at, 1, 10)"
        live, step = "FROM enrollment WHERE status = 'live'", "coalesce(step, '')"
        blank = ("broadcast", "variant", "reason", "provider")
        kind = ", ".join(
            f"coalesce({one}, '')" if one in blank else one
            for one in ("journey", "broadcast", "template", "variant", "lane", "status", "reason", "provider")
        )
        date = "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD')" if self._postgresql else "substr(at, 1, 10)"
        source = "CASE what WHEN 'entered' THEN '' ELSE stage END"
        way = f"{source} || '->' || entered_stage"
        stay = "stage || '|' || (50 + CAST(substr(id, 5) AS INTEGER) % 24)"
        moved = "FROM decision WHERE entered_stage IS NOT NULL"
        stayed = "FROM decision WHERE what = 'moved'"
        one_day = f"{day}, journey, template, status, coalesce(reason, '')"
        return {
            "stage_count": f"SELECT journey, stage, {step}, 0, count(*) {live} GROUP BY journey, stage, {step}",
            "movement": (
                "(journey, source, target, shard, count, seconds) "
                f"SELECT journey, {source}, entered_stage, 0, count(*), 0 {moved} "
                f"GROUP BY journey, {source}, entered_stage"
            ),
            "day_count": (
                "(journey, name, day, label, shard, count) "
                f"SELECT journey, 'moved', {date}, {way}, 0, count(*) {moved} GROUP BY journey, {date}, {way} "
                f"UNION ALL SELECT journey, 'stayed', {date}, {stay}, 0, count(*) {stayed} "
                f"GROUP BY journey, {date}, {stay} "
                f"UNION ALL SELECT journey, 'stayed', '', {stay}, 0, count(*) {stayed} GROUP BY journey, {stay}"
            ),
            "run_count": (
                "SELECT journey, 'ended', reason, 0, count(*) FROM enrollment WHERE status = 'ended' "
                "GROUP BY journey, reason"
            ),
            "message_count": (
                "(journey, broadcast, template, variant, lane, status, reason, provider, shard, count, gone) "
                f"SELECT {kind}, 0, count(*), 0 FROM message GROUP BY {kind}"
            ),
            "message_day_count": (
                "(day, journey, template, status, reason, shard, count) "
                f"SELECT {one_day}, 0, count(*) FROM message GROUP BY {one_day}"
            ),
        }

    # -- the statements ------------------------------------------------------------------------------------------------

    def insert(self, table: str, rows: _Rows) -> None:
        """Make a table's rows, a chunk at a time."""
        names, values = ", ".join(rows.columns), ", ".join(rows.columns.values())
        for begin in range(0, rows.count, CHUNK):
            until = min(begin + CHUNK, rows.count)
            with self._engine.connect() as connection:
                if not self._postgresql:
                    connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE}")
                connection.exec_driver_sql(self._statement(table, names, values, begin, until))
                connection.commit()

    def _statement(self, table: str, names: str, values: str, begin: int, until: int) -> str:
        if self._postgresql:
            return (
                f"INSERT INTO {table} ({names}) SELECT {values.replace('%', '%%')} "
                f"FROM generate_series({begin}, {until - 1}) AS n(i)"
            )
        return (
            f"INSERT INTO {table} ({names}) WITH RECURSIVE n(i) AS "
            f"(SELECT {begin} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {until}) SELECT {values} FROM n"
        )


def settle(database: Database) -> None:
    """What PostgreSQL does by itself in time, with its numbers behind those made; SQLite writes its log back."""
    name = database.engine.dialect.name
    counted_on = "SELECT setval(pg_get_serial_sequence('dispatch', 'id'), max(id)) FROM dispatch"
    of_postgresql = (counted_on, "VACUUM ANALYZE", "CHECKPOINT")
    statements = of_postgresql if name == "postgresql" else ("PRAGMA wal_checkpoint(TRUNCATE)",)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            _run(connection, statement)


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)
