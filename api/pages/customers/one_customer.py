"""One customer: where now, where been, what was skipped and why, what next, and what may be done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from api.deps.signed_in import SupportUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.pages.customers import bars
from api.pages.frame.frame import TheFrame
from api.pages.frame.pictures import NARROW, picture
from api.pages.frame.problems import PageRoute
from api.schemas.customers import CustomerStatus
from journeys.machine.woken import restored
from journeys.rules.policy import REASONS
from journeys.simulation.forecast import Action, unless_one_of
from pictures import map as maps
from services.customers import suppressions
from services.customers.attributes import known_facts
from services.customers.consent_in_force import ConsentInForce, ConsentsInForce
from services.definitions import topics
from services.definitions.journey_versions import journeys
from services.enrollments.forecast import waited_mails
from services.feedback.answers.preferences import is_on
from services.messages.waiting import held_by_hours
from services.reports.customer import customer_view
from store.queries.consent import topics as topic_rows
from store.queries.listing import lists
from store.queries.listing.lists import Slice
from store.queries.mails import customer_mail
from store.statuses import EnrollmentStatus, MessageStatus
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment

router = APIRouter(
    prefix="/customers", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

MAILS = 25
"""Mails that the page shows, the newest; the timeline and the API have the others."""

ENTRIES = 25
"""Entries of the timeline that the page begins with."""

WENT_NOT = (MessageStatus.SKIPPED, MessageStatus.DEFERRED, MessageStatus.FAILED, MessageStatus.PARKED)
"""What is told as not sent, with its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRun:
    """A run as the page shows it; of one that lives, what comes next, and what would lead elsewhere.

    `waits_for_mail` says that nothing but a wait stands before a mail, which can be sent now.
    """

    run: Enrollment
    journey: str
    stage: str
    ahead: Sequence[Action]
    unless: Sequence[str]
    waits_for_mail: bool

    @property
    def lives(self) -> bool:
        """Whether it is under way."""
        return self.run.status == EnrollmentStatus.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTopic:
    """A topic with its switch, and what it rests on."""

    key: str
    name: str
    on: bool
    said: ConsentInForce


@router.get("/{id}", response_class=HTMLResponse)
def one(id: str, frame: TheFrame, looks: SupportUser, session: Reading, now: Now) -> HTMLResponse:
    """Everything about one customer on one page."""
    standing = customer_view.standing(session, id)
    customer = standing.customer
    mails, more = lists.messages(session, Slice(limit=MAILS, descending=True), customer_id=customer.id)
    entries, cursor = customer_view.timeline(session, customer.id, None, ENTRIES)
    ahead = bars.ahead_of(session, standing, now)
    runs = [_shown(session, one, ahead) for one in standing.enrollments]
    return frame.page(
        "customers/customer.html",
        customer=customer,
        others=_others(session, customer),
        stage=standing.stages.get(customer.id),
        runs=[one for one in runs if one.lives],
        ended=[one for one in runs if not one.lives],
        mails=mails,
        more_mails=more is not None,
        went_not=[one for one in mails if one.status in WENT_NOT],
        meaning=REASONS,
        held_by=held_by_hours.HELD_BY,
        entries=entries,
        cursor=cursor,
        view="compact",
        visits=bars.visits(session, standing, ahead, now),
        narrow=int(NARROW),
        topics=_topics(session, customer),
        suppressed=suppressions.find(session, customer.email) if customer.email else None,
        worth=_worth(session, customer, now),
        as_json=CustomerStatus.of(standing).model_dump_json(indent=2),
    )


@router.get("/{id}/map/{enrollment_id}.svg", response_class=Response)
def on_the_map(id: str, enrollment_id: str, looks: SupportUser, session: Reading) -> Response:
    """The journey of a run, with "you are here"."""
    run = customer_view.enrollment(session, enrollment_id)
    here = maps.Here(stage=run.stage, step=run.step)
    return picture(maps.draw(journeys.definition(session, run.journey, run.version), here=here))


def _shown(session: Session, run: Enrollment, ahead: Mapping[str, Sequence[Action]]) -> StandingRun:
    definition = journeys.definition(session, run.journey, run.version)
    stage = definition.stages.get(run.stage)
    unless, waits = _from_here(session, run) if run.id in ahead else ((), False)
    return StandingRun(
        run=run, journey=definition.name or run.journey, stage=(stage.label if stage else None) or run.stage,
        ahead=ahead.get(run.id, ()), unless=unless, waits_for_mail=waits,
    )  # fmt: skip


def _from_here(session: Session, run: Enrollment) -> tuple[Sequence[str], bool]:
    """What would lead a run that lives elsewhere, and whether it waits for a mail alone."""
    state, program = restored(run.state), journeys.compiled(session, run.digest)
    unless = unless_one_of(program, state.stage or run.stage, state.position)
    return unless, waited_mails.behind(program, state) is not None


def _others(session: Session, customer: Customer) -> Sequence[Customer]:
    """Who else has this inbox."""
    if customer.email is None:
        return ()
    return [one for one in customer_view.profiles(session, customer.email) if one.id != customer.id]


def _topics(session: Session, customer: Customer) -> list[ShownTopic]:
    rows = {one.key: one for one in topic_rows.listed(session) if not one.transactional}
    said = ConsentsInForce(session, [customer.id], [customer.email] if customer.email else [])
    keys = {*rows, *said.topics(), *customer_mail.topics_had(session, customer.id)}
    return [
        ShownTopic(
            key=key, name=topics.label_of(rows.get(key), key), on=is_on(rows.get(key), known.granted), said=known
        )
        for key in sorted(keys)
        for known in [said.of(customer.id, customer.email, key)]
    ]


def _worth(session: Session, customer: Customer, now: datetime) -> Mapping[str, Any]:
    """What they bought, as guards see it, in one line each."""
    found = known_facts.worth(session, customer, now)
    return {name: value for name, value in found.items() if value not in (None, {}, 0) and not isinstance(value, dict)}
