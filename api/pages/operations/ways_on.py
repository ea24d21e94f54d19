"""What to do where long work has failed, or was stopped: what stays of it, and where it is asked for once more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from store.statuses import OperationStatus
from store.tables.access import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOn:
    """What stays and what to do, in sentences; `name` is the link to `path`, where it is done (empty: nowhere here)."""

    told: str
    name: str = ""
    path: str = ""


def of(operation: Operation) -> WayOn | None:
    """The way on; None where it needs none: it goes on, or is done."""
    if operation.status not in (OperationStatus.FAILED, OperationStatus.CANCELLED):
        return None
    found = _WAYS.get(operation.kind)
    return found(operation.request) if found is not None else WayOn(told="What was done stays done. Ask for it again.")


def _named(request: Mapping[str, Any], name: str) -> str:
    """A key in an address."""
    return quote(str(request.get(name) or ""), safe="")


def _import(_: Mapping[str, Any]) -> WayOn:
    told = (
        "What was taken stays. Import the file again: a customer who is there is written over with the same, and an "
        "event with a messageId counts once."
    )
    return WayOn(told=told, name="Import it again", path="/operations/import")


def _journey(told: str, name: str, page: str = "") -> Callable[[Mapping[str, Any]], WayOn]:
    return lambda request: WayOn(told=told, name=name, path=f"/journeys/{_named(request, 'journey')}{page}")


def _broadcast(told: str) -> Callable[[Mapping[str, Any]], WayOn]:
    return lambda request: WayOn(told=told, name="Its broadcast", path=f"/broadcasts/{_named(request, 'broadcast')}")


def _elsewhere(told: str, name: str = "", path: str = "") -> Callable[[Mapping[str, Any]], WayOn]:
    return lambda request: WayOn(told=told, name=name, path=path)


_REPORT = _elsewhere("It changed nothing. Ask for the report again, by the same call or command.")

_WAYS: Mapping[str, Callable[[Mapping[str, Any]], WayOn]] = {
    **dict.fromkeys(("import events", "import customers", "import consents", "import enrollments"), _import),
    **dict.fromkeys(("import recipients", "import rates"), _import),
    "plan journey": _journey("Nothing was changed. Plan the draft again.", "Edit the draft", "/edit"),
    "simulate": _journey("Nothing was changed. Try it again.", "Edit the draft", "/edit"),
    "move enrollments": _journey(
        "Whoever was reached has gone over; the others keep their version, and go on in it. They are found by that.",
        "Who is under way", "/enrollments",
    ),
    "control enrollments": _journey(
        "Whoever was reached has done it. Ask it again of the others.", "Who is under way", "/enrollments"
    ),
    "enroll": _journey("Whoever was reached is in. Ask for it again: nobody enters twice by it.", "Its journey"),
    "resume": _journey("Resume the journey again: who goes on already is left alone.", "Its journey"),
    "leave": _journey("Archive the journey again: who has left already is left alone.", "Its journey"),
    "plan broadcast": _broadcast("Whoever is planned gets it once. Its page says how many are, and what can be done."),
    "preview broadcast": _broadcast("Nothing was sent. Count again."),
    "cancel broadcast": _broadcast("What was taken back stays back. Stop it again on its page."),
    "decide messages": _elsewhere(
        "What was decided stays so. Decide about the others again.", "Parked mails", "/messages?status=parked"
    ),
    "reconcile": _elsewhere("What was put right stays right. Compare again.", "Reconciliation", "/reconciliation"),
    "erase": _elsewhere("An erasure is owed, and this one is not whole. Mend what it says, and ask for it again."),
    "test mail": _elsewhere("It may have gone where its worker was lost. Ask for it again.", "Templates", "/templates"),
    "sign-in mail": _elsewhere("An admin hands over a link that signs in: waypost users link."),
    "fit value": _elsewhere("The last fit holds meanwhile. It is tried again by itself each night."),
    **dict.fromkeys(("report funnel", "report cohorts", "report lifecycle", "report lift"), _REPORT),
}  # fmt: skip
"""By the kind of the work: `activities.operations.KINDS` and the single mails."""
