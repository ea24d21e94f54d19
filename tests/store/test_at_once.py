"""Many at once, on both databases: one trigger lets a customer in once, and two journeys keep to one cap."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

from sqlmodel import col, select

from services.ingestion import ingest
from services.installation import installation_settings
from services.installation.installation_settings import CapIn, InstallationSettings
from store.session import Database
from store.tables.customers import Event
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from tests.shells import Shell
from tests.store.conftest import WELCOME, Ingest
from tests.store.one_enrollment import rows

JOURNEYS = 4


def test_a_hundred_triggers_at_once_let_a_customer_in_once(
    database: Database, publish: Callable[[str, str], None], noon: datetime
) -> None:
    """Each is an event of its own, with its own messageId: all are kept, and one of them lets in."""
    publish("welcome", WELCOME)

    def trigger(number: int) -> None:
        event = {"type": "track", "userId": "ann", "event": "Signed Up", "messageId": f"m{number}"}
        database.write(lambda session: ingest.ingest(session, [event], noon))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(trigger, range(100)))
    assert sorted(one.seq for one in rows(database, Event)) == list(range(1, 101))
    assert [(one.journey, one.run) for one in rows(database, Enrollment)] == [("welcome", 1)]


def test_journeys_that_write_to_one_customer_at_once_keep_the_cap(
    database: Database, publish: Callable[[str, str], None], take: Ingest, noon: datetime
) -> None:
    keys = [f"j{number}" for number in range(JOURNEYS)]
    for key in keys:
        publish(key, WELCOME.replace("journey: welcome\nlifecycle: true", f"journey: {key}"))
    cap = InstallationSettings(cap=CapIn(max=1, per="1 day"))
    database.write(lambda session: installation_settings.save(session, cap, noon))
    take({"type": "identify", "userId": "ann", "traits": {"email": "ann@example.com"}})
    take({"type": "track", "userId": "ann", "event": "Signed Up"})
    with database.reading() as session:
        found = session.exec(select(Enrollment).order_by(col(Enrollment.id))).all()
    shells, together = [Shell(database, one) for one in found], Barrier(JOURNEYS)

    def wake(shell: Shell) -> None:
        together.wait(30)
        shell.wake(noon)

    with ThreadPoolExecutor(JOURNEYS) as pool:
        list(pool.map(wake, shells))
    assert Counter(one.status for one in rows(database, Message)) == {"planned": 1, "deferred": JOURNEYS - 1}
