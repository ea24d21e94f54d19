"""`waypost doctor`: what is missing or wrong in this installation, each with what to do."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from mail.message import parse_sender
from services.customers.attributes.unreadable import GUARD, LATER
from store import migrate
from store.dialects.interface import WrongEncoding
from waypost import providers
from waypost.client.installation import asking_once as client
from waypost.client.models import UnreadableFieldOut
from waypost.doctor.findings import CheckFailed, Finding, finding_of
from waypost.doctor.held_lanes import told
from waypost.doctor.standing_still import standing_still
from waypost.errors import ApiProblem, CannotStart, Unreachable
from waypost.settings import Settings
from waypost.stack import temporal_server
from waypost.wiring import Parts
from workflows.gateway import TemporalUnavailable

RECENT = timedelta(days=7)
"""What was not understood before is history: whoever mended it wants to see that it is well."""

MOST_TOLD = 5
"""Fields that are named."""


def examine(settings: Settings) -> list[Finding]:
    """Every check, in the order in which to mend what fails."""
    checks: list[tuple[str, Callable[[Settings], str]]] = [
        ("home", _home),
        ("database", _database),
        ("temporal", _temporal),
        ("API", _api),
        ("sender", _sender),
        ("channel", _channel),
        ("lanes", _lanes),
        ("set aside", _set_aside),
        ("values", _values),
        ("guards", _guards),
        ("silences", _silences),
    ]
    return [finding_of(name, check, settings) for name, check in checks]


def _home(settings: Settings) -> str:
    if not settings.home.is_dir():
        raise CheckFailed(f"{settings.home} does not exist yet; `waypost up` makes it")
    return str(settings.home.absolute())


def _database(settings: Settings) -> str:
    if settings.database_url is None and not settings.database_file.exists():
        raise CheckFailed("there is no database yet; run `waypost up` or `waypost db upgrade`")
    parts = Parts(settings)
    try:
        if migrate.pending(parts.database.engine):
            raise CheckFailed("migrations are missing; run `waypost db upgrade`")
    except WrongEncoding as wrong:
        raise CheckFailed(str(wrong)) from None
    except SQLAlchemyError as error:
        raise CheckFailed(
            f"the database does not answer ({type(error).__name__}); check WAYPOST_DATABASE_URL"
        ) from None
    finally:
        parts.close()
    return "answers, and has every migration"


def _temporal(settings: Settings) -> str:
    """The server that came with the installation, or the one outside, asked for the namespace."""
    try:
        return temporal_server.binary() if settings.temporal_address is None else asyncio.run(_reached(settings))
    except (CannotStart, TemporalUnavailable) as ill:
        raise CheckFailed(str(ill)) from None


async def _reached(settings: Settings) -> str:
    parts = Parts(settings)
    try:
        await (await parts.gateway()).examine()
    finally:
        parts.close()
    return f"answers at {settings.temporal}, and has the namespace {settings.temporal_namespace}"


def _api(settings: Settings) -> str:
    try:
        ready = client(settings).call("GET", "/readyz")
    except Unreachable as gone:
        raise CheckFailed(str(gone)) from None
    except ApiProblem:
        raise CheckFailed(
            "the API answers, and a part is missing; GET /readyz names it, HOME/logs tells more"
        ) from None
    return f"answers at {settings.url}, status {ready['status']}"


@contextmanager
def _somebody_answers() -> Generator[None, None, None]:
    """Where the API cannot be asked, nobody can say whether all is well: the check fails with why."""
    try:
        yield
    except (Unreachable, ApiProblem) as gone:
        raise CheckFailed(f"nobody can say: {gone}") from None


def _lanes(settings: Settings) -> str:
    """Whether somebody holds everything in the house."""
    with _somebody_answers():
        held = client(settings).channels()["held"]
    if held is not None:
        raise CheckFailed(told(held))
    return "nobody holds them"


def _set_aside(settings: Settings) -> str:
    """What failed again and again, and waits for a person."""
    with _somebody_answers():
        found = standing_still(client(settings).call("GET", "/v1/reports/reconciliation"))
    if found:
        raise CheckFailed("; ".join(found))
    return "nothing is stuck"


def _values(settings: Settings) -> str:
    """Values of the last days that nobody could read: they count as nothing until somebody mends what sends them."""
    with _somebody_answers():
        found = [one for one in _unreadable(settings) if one["field"] not in (GUARD, LATER)]
    if not found:
        return "all could be read"
    told = [f"{one['field']} of {one['source']} ({one['count']}, such as {_example(one)})" for one in found[:MOST_TOLD]]
    more = f" and {len(found) - MOST_TOLD} more fields" if len(found) > MOST_TOLD else ""
    raise CheckFailed(
        f"not understood: {'; '.join(told)}{more}; send ISO 8601 dates, numbers with a decimal point and IANA zones "
        "(GET /v1/unreadable-values)"
    )


def _guards(settings: Settings) -> str:
    """Guards of the last days that were not asked, since they, or those before them, would have taken too long."""
    with _somebody_answers():
        found = [one for one in _unreadable(settings) if one["field"] in (GUARD, LATER)]
    if not found:
        return "all were asked"
    told = [f"{one['source']}, {one['count']} times{_later(one)}" for one in found[:MOST_TOLD]]
    more = f" and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    raise CheckFailed(
        f"not asked, they would have taken too long: {'; '.join(told)}{more}; "
        "make them cheaper: fewer macros within one another, shorter lists (GET /v1/unreadable-values)"
    )


def _later(one: UnreadableFieldOut) -> str:
    return " put off until everybody was gone through" if one["field"] == LATER else ""


def _unreadable(settings: Settings) -> list[UnreadableFieldOut]:
    return client(settings).unreadable_values(since=(datetime.now(UTC) - RECENT).date().isoformat())


def _silences(settings: Settings) -> str:
    """What has stopped happening, or is misspelt."""
    with _somebody_answers():
        found = client(settings).silences()["silences"]
    if found:
        more = f"; and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
        raise CheckFailed("; ".join(one["told"] for one in found[:MOST_TOLD]) + more)
    return "everything comes as usual"


def _example(one: UnreadableFieldOut) -> str:
    return repr(one["examples"][0]) if one["examples"] else "none that is kept"


def _sender(settings: Settings) -> str:
    try:
        sender = parse_sender(settings.sender)
    except ValueError as error:
        raise CheckFailed(f"WAYPOST_SENDER: {error}") from None
    return f"{sender.name} <{sender.email}>"


def _channel(settings: Settings) -> str:
    return providers.chosen(settings).title
