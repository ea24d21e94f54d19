"""A mail that a customer waits for, sent now: the wait before it is passed over, as a person's skip does.

Every policy is asked of the mail as ever; what they would say now is foreseen by the interpreter of production. What is
held by hours, or by a cap, goes past them only where a person lets this one mail: never past a no.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from journeys.machine.inputs import Skip
from journeys.machine.state import State
from journeys.machine.woken import restored
from journeys.program.nodes import NodeId, SendNode, WaitNode
from journeys.program.program import Program
from journeys.simulation.forecast import Action
from services.definitions.journey_versions import journeys
from services.enrollments.forecast import enrollment_forecast
from services.errors import Refused
from store.ids import message_of_step
from store.queries.enrollment import controls
from store.tables.enrollments import Enrollment


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitedMail:
    """The mail behind the wait at `step`; `now` is what would become of it, None where that cannot be foreseen."""

    step: str
    template: str
    now: Action | None


def behind(program: Program, state: State) -> SendNode | None:
    """The mail that stands directly behind the wait in which somebody is; None where they wait for something else."""
    if state.mode != "wait" or state.paused or state.ended or state.position is None:
        return None
    node = program.nodes.get(NodeId(state.position))
    following = program.nodes.get(node.next) if isinstance(node, WaitNode) and node.next is not None else None
    return following if isinstance(following, SendNode) else None


def of(session: Session, run: Enrollment, now: datetime) -> WaitedMail:
    """The mail, and what would become of it now; raise Refused where nothing but a wait stands before no mail."""
    state = restored(run.state)
    mail = behind(journeys.compiled(session, run.digest), state)
    if mail is None or state.position is None:
        raise Refused("they do not wait for a mail now; look at the page of the customer once more")
    ahead = enrollment_forecast.next_actions(session, run, state, now, (Skip(at=now, seq=state.cursor),))
    own = (one for one in ahead if one.step == mail.id and one.what in ("send", "skip", "defer"))
    return WaitedMail(step=state.position, template=mail.template, now=next(own, None))


def let_past(session: Session, run: Enrollment) -> None:
    """This one mail goes past hours and caps when it is planned and claimed; its customer's lock is held.

    Raise Refused where none is waited for.
    """
    state = restored(run.state)
    mail = behind(journeys.compiled(session, run.digest), state)
    if mail is None:
        raise Refused("they do not wait for a mail now; look at the page of the customer once more")
    run.sent_past = message_of_step(run.id, mail.id, state.visit)
    session.add(run)


def check_waits(session: Session, run: Enrollment, step: str, now: datetime) -> None:
    """Raise Refused where an enrollment does not wait in this step any more, or is about to go on.

    What was asked of it before comes first, and may pass the wait over: a second skip would pass the next one.
    """
    if controls.asked(session, run.id):
        raise Refused("somebody has asked something of it just now; look at the page of the customer once more")
    if run.step != step or run.paused:
        raise Refused("they have moved on since you looked; look at the page of the customer once more")
    if run.wakes_at is not None and run.wakes_at <= now:
        raise Refused("the wait is over, and the mail is on its way by itself")
