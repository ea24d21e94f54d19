"""The example journeys keep their promises: each is valid, and each story ends as told, simulated and for real."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from sqlmodel import col, select

from journeys.checks import source
from journeys.checks.lint import ValidationContext, events_named
from journeys.program.compiler import compile_journey
from journeys.program.program import EventTrigger, Program
from journeys.rules.policy import Allowed
from journeys.simulation import backtest, consequences
from journeys.simulation.backtest import CustomerHistory
from journeys.simulation.mail_policies import by_policy
from journeys.simulation.simulator import IDENTIFY, RecordedEvent
from mail import linting
from mail.brand import context
from mail.rendering import templates as built_in
from mail.rendering.renderer import Renderer
from services.customers.audiences import segments
from services.definitions import topics
from services.feedback.answers import consents
from services.installation.installation_settings import CapIn
from services.messages.deciding import eligibility
from services.reports.customer import customer_view
from store.queries.audiences import segments as segment_rows
from store.queries.enrollment import enrollments as enrollment_rows
from store.tables.customers import Customer, DateDue
from store.tables.enrollments import Enrollment
from store.tables.messages import Message, OutboxMail
from tests.examples.scenarios import MONDAY_NOON, STORIES, Story
from waypost.processes.scheduler import Scheduler
from waypost.project import new_project, project
from waypost.wiring import Parts

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
NAMES = new_project.examples()
WHO = "cus_story"
"""The internal id, chosen so that no holdout has it."""

BEGIN = datetime.fromisoformat(MONDAY_NOON)


def text_of(name: str) -> str:
    return (EXAMPLES / name / "journeys" / f"{name}.yaml").read_text()


def manifest(name: str) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load((EXAMPLES / name / "waypost.yaml").read_text())


def terms(parts: Parts, name: str) -> None:
    """What stands beside the journey: topics with their caps, and segments."""
    told = manifest(name)
    with parts.database.writing() as session:
        for key, topic in told.get("topics", {}).items():
            cap = CapIn(**topic["cap"]) if "cap" in topic else None
            consent = topic.get("consent", "opt_out")
            topics.put(session, key, name=topic["name"], consent=consent, transactional=False, cap=cap, now=BEGIN)
        for key, segment in told.get("segments", {}).items():
            segments.put(session, key, segment["guard"], None, BEGIN)


def test_there_is_a_story_of_each_example_but_the_scheduled_one() -> None:
    assert {story.example for story in STORIES} | {"weekly_digest"} == set(NAMES)


# -- valid -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_valid_without_a_warning(name: str) -> None:
    heard = {
        *re.findall(r'"event": "([^"]+)"', (EXAMPLES / name / "events.ndjson").read_text()),
        *re.findall(r"^\| `([^`]+)`", (EXAMPLES.parent / "docs" / "journeys" / f"{name}.md").read_text(), re.MULTILINE),
    }
    around = ValidationContext(
        templates=built_in.keys([]),
        events=frozenset(heard),
        segments=frozenset(manifest(name).get("segments", {})),
    )
    journey, problems = source.read(text_of(name), around)
    assert list(problems) == []
    assert journey.journey == name


@pytest.mark.parametrize("name", NAMES)
def test_its_page_tells_every_event_it_needs(name: str) -> None:
    page = (EXAMPLES.parent / "docs" / "journeys" / f"{name}.md").read_text()
    for _, event in events_named(source.read(text_of(name))[0]):
        assert f"`{event}`" in page, event
    assert f"pictures/journeys/{name}.svg" in page


@pytest.mark.parametrize("name", NAMES)
def test_its_project_can_be_applied(name: str) -> None:
    kinds = [one.kind for one in project.items(EXAMPLES / name)]
    assert kinds[-1] == "journey"
    assert "topic" in kinds


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_event_is_one(name: str) -> None:
    lines = new_project.dated((EXAMPLES / name / "events.ndjson").read_text(), BEGIN.date()).splitlines()
    assert lines
    for line in lines:
        assert json.loads(line)["type"] in ("identify", "track", "consent")
        assert "<" not in line, "no placeholder is left"


# -- their mails -------------------------------------------------------------------------------------------------------


def used() -> list[tuple[str, str]]:
    """Each template that an example sends, in each language it has."""
    keys = sorted({node.template for name in NAMES for node in _sends(name)})
    variants = [(key, path.name.split(".")[1]) for key in keys for path in built_in.BUILT_IN.glob(f"{key}.*.html")]
    return [(key, "en") for key in keys] + sorted(variants)


def _sends(name: str) -> Sequence[Any]:
    program = compile_journey(source.read(text_of(name))[0])
    return [node for node in program.nodes.values() if getattr(node, "template", None)]


PRODUCTS = [{"name": "Board", "price": 48, "url": "https://shop.example/board"}, {"name": "Towel"}]
FULL = {
    "first_name": "Ann",
    "recommended": PRODUCTS,
    "digest": PRODUCTS,
    "last_products": PRODUCTS,
    "trial_ends_at": "2026-03-16",
    "seats_used": 4,
    "events": {"Order Completed": {"count": 1, "last_at": MONDAY_NOON}},
}
BARE = {name: FULL[name] for name in ("trial_ends_at", "events", "digest")}
"""The least that the journeys see to: somebody without a name and without recommendations."""


@pytest.mark.parametrize(("key", "locale"), used())
@pytest.mark.parametrize("customer", [FULL, BARE], ids=["everything known", "hardly anything known"])
def test_a_mail_is_whole(parts: Parts, key: str, locale: str, customer: dict[str, Any]) -> None:
    url = "https://shop.example/u/token"
    known = context(
        parts.brand, {"customer": customer, "enrollment": {"key": "c1"}}, url, "send-id", now=BEGIN,
        topic="letters", preferences_url="https://shop.example/p/t", confirm_url="https://shop.example/confirm/t",
    )  # fmt: skip
    made = Renderer().render(key, known, locales=[locale, "en"])
    assert linting.warnings(made.subject, made.html, url, parts.brand.address) == []
    assert len(made.subject) <= 60, "what a phone shows"
    assert made.html.count("<h1") == 1
    assert ("Abbestellen" in made.html) == (locale == "de")
    for part in (made.html, made.text):
        assert url in part
        assert "lorem" not in part.lower()
    assert "<" not in re.sub(r"<https?://[^>]+>", "", made.text), "the text part is text"
    assert "\n\n\n\n" not in made.text
    assert ", " + "Ann" not in made.text or "first_name" in customer
    assert all(" ," not in line and "  " not in line.strip() for line in made.text.splitlines())


def test_every_mail_of_the_lifecycle_is_written_in_german_too() -> None:
    for node in _sends("lifecycle"):
        assert (built_in.BUILT_IN / f"{node.template}.de.html").exists(), node.template


# -- simulated ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.id)
def test_a_story_simulated(parts: Parts, story: Story) -> None:
    terms(parts, story.example)
    program = compile_journey(source.read(text_of(story.example))[0])
    mails, ends = simulated(parts, program, story)
    assert mails == list(story.mails)
    assert ends == story.ends


def simulated(parts: Parts, program: Program, story: Story) -> tuple[list[str], str]:
    script = [(0.0, IDENTIFY, story.traits), *story.script]
    events = [
        RecordedEvent(
            seq=seq, name=IDENTIFY if name == "identify" else name, at=BEGIN + timedelta(days=days), properties=given
        )
        for seq, (days, name, given) in enumerate(script, start=1)
    ]
    zone = story.traits.get("timezone")
    history = CustomerHistory(id=WHO, events=events, attributes=dict(story.traits), timezone=zone)
    until = BEGIN + timedelta(days=story.days)
    with parts.database.reading() as session:
        there = {one.key: one.guard for one in segment_rows.listed(session)}
        terms = eligibility.load_policy_terms(session)
    enrollments = backtest.enrollments(
        program,
        consequences.complete(program, history, until, there),
        until,
        by_policy(assume_address=True, installation=terms),
    )
    mails = [
        one.template for enrollment in enrollments for one in enrollment.trace.mails if isinstance(one.verdict, Allowed)
    ]
    state = enrollments[-1].trace.state
    return mails, (state.reason or "") if state.ended else state.stage


# -- run ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def lag() -> timedelta:
    """A server that hears a poke while a workflow's own timer ends may stand still for ever, where time is skipped."""
    return timedelta(minutes=1)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.id)
async def test_a_story_run(skipping: Any, story: Story) -> None:
    """On a real Temporal whose clock jumps: from one thing that is due to the next, as production does."""
    teller = Teller(skipping, story)
    await teller.begin()
    for days, name, given in story.script:
        await teller.until(BEGIN + timedelta(days=days))
        await teller.happens(name, given)
    await teller.until(BEGIN + timedelta(days=story.days))
    assert teller.mails() == list(story.mails), skipping.story()
    assert teller.ends() == story.ends


class Teller:
    """Lets a story happen to one customer."""

    def __init__(self, world: Any, story: Story) -> None:
        self.world, self.story = world, story
        self.began = BEGIN
        self.lanes: dict[str, Any] = {}

    async def begin(self) -> None:
        """On the next Monday at noon of the server's own clock."""
        world, story = self.world, self.story
        now = await world.tick()
        shift = (7 - now.weekday()) % 7 or 7
        monday = (now + timedelta(days=shift)).replace(hour=12, minute=0, second=0, microsecond=0)
        await world.passes(seconds=(monday - now).total_seconds())
        self.began = await world.tick()
        terms(world.parts, story.example)
        with world.parts.database.writing() as session:
            session.add(Customer(id=WHO, external_id="ann", created_at=self.began, updated_at=self.began))
        await world.publish(text_of(story.example))
        traits = {"email": "ann@example.com", "first_name": "Ann", **self._moved(story.traits)}
        await world.happens({"type": "identify", "userId": "ann", "traits": traits})

    def _moved(self, traits: Any) -> dict[str, Any]:
        """The story's dates, moved to where the server's clock stands."""
        shift = self.began.date() - BEGIN.date()

        def moved(value: Any) -> Any:
            if not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value)):
                return value
            at = datetime.fromisoformat(value if value > "2000" else f"{BEGIN.year}{value[4:]}") + shift
            return at.date().isoformat() if value > "2000" else f"{value[:4]}-{at:%m-%d}"

        return {name: moved(value) for name, value in traits.items()}

    async def happens(self, name: str, given: Any) -> None:
        world = self.world
        if name in ("Subscription Requested", "Subscribed"):
            with world.parts.database.writing() as session:
                now, ann = world.clock(), customer_view.customer(session, "ann").id
                if name == "Subscribed":
                    assert consents.confirm(session, ann, given["topic"], {}, now)
                else:
                    assert consents.record(session, ann, given["topic"], True, "form", now, now)
            await world.dispatcher.drain()
        elif name == "identify":
            await world.happens({"type": "identify", "userId": "ann", "traits": dict(given)})
        else:
            await world.event(name, "ann", **given)
        await self.settle()

    async def until(self, at: datetime) -> None:
        """Let time pass up to an instant of the story, stopping wherever something is due."""
        world, end = self.world, self.began + (at - BEGIN)
        while True:
            await self.settle()
            due = [one for one in self.due() if world.clock() < one < end]
            following = min(due, default=end)
            span = (following - await world.tick()).total_seconds()
            if span > 0:
                await world.passes(seconds=span)
            if following == end:
                return await self.settle()

    def due(self) -> list[datetime]:
        """When the workflow, the lane and the dates act by themselves."""
        with self.world.parts.database.reading() as session:
            runs = enrollment_rows.of_customer(session, WHO)
            waits = session.exec(select(Message.not_before).where(Message.status == "planned")).all()
            dates = session.exec(select(DateDue.at).where(DateDue.customer_id == WHO)).all()
        return [one for one in (*(run.wakes_at for run in runs if run.status == "live"), *waits, *dates) if one]

    async def settle(self) -> None:
        world = self.world
        await world.tick()
        await self._pump("upkeep")
        await world.settled()
        await world.until(lambda: not self.overdue(), 60)
        await world.settled()
        await self._pump("transactional", "journey")
        await world.settled()

    def overdue(self) -> list[str]:
        """Runs whose time has come and that have not stirred yet, on a machine that is busy."""
        with self.world.parts.database.reading() as session:
            runs = enrollment_rows.of_customer(session, WHO)
        return [one.id for one in runs if one.status == "live" and one.wakes_at and one.wakes_at <= self.world.clock()]

    async def _pump(self, *lanes: str) -> None:
        for name in lanes:
            if name not in self.lanes:
                self.lanes[name] = self.world.parts.pumped(name)
                self.lanes[name].take()
            while await self.lanes[name].pump():
                await self.lanes[name].drain()

    def mails(self) -> list[str]:
        query = (
            select(Message.template)
            .where(Message.status == "accepted", Message.journey == self.story.example)
            .order_by(col(Message.accepted_at))
        )
        return self.world.read(lambda s: list(s.exec(query).all()))

    def ends(self) -> str:
        run = self.world.enrollment("ann")
        return run.reason if run.status == "ended" else run.stage


async def test_the_digest_goes_on_its_schedule_to_whoever_has_something_to_read(real: Any) -> None:
    """A Temporal Schedule, which only the real server has."""
    await real.tick()
    terms(real.parts, "weekly_digest")
    await real.publish(text_of("weekly_digest"))
    for line in (EXAMPLES / "weekly_digest" / "events.ndjson").read_text().splitlines():
        await real.happens(json.loads(line))
    await Scheduler(real.parts.database, real.gateway).round()
    async with real.delivery():
        schedule = await real.schedule()
        await real.env.client.get_schedule_handle(schedule.id).trigger()
        await real.until(lambda: real.read(lambda s: len(s.exec(select(Enrollment)).all())) == 1)
    await real.dispatcher.drain()
    await real.until(lambda: real.planned() == ["weekly_digest"])
    await real.tick()
    real.clock.forward(seconds=6)
    await real.deliver()
    (mail,) = real.read(lambda s: s.exec(select(OutboxMail)).all())
    assert (mail.to_address, mail.subject) == ("ann@example.com", "Your week: 2 things worth a look")
    assert "How we choose wood, Four minutes (https://shop.example/letters/wood" in mail.text


def test_the_digest_simulated() -> None:
    """Each time the schedule lets somebody in they get one mail, and the run is over."""
    program = compile_journey(source.read(text_of("weekly_digest"))[0])
    assert len(program.schedules) == 1
    entered = replace(program, triggers=(EventTrigger(event="Monday", guard=None),))
    mondays = [RecordedEvent(seq=week + 1, name="Monday", at=BEGIN + timedelta(weeks=week)) for week in range(3)]
    until = BEGIN + timedelta(weeks=4)
    enrollments = backtest.enrollments(
        entered, CustomerHistory(id=WHO, events=mondays), until, by_policy(assume_address=True)
    )
    assert [[one.template for one in enrollment.trace.mails] for enrollment in enrollments] == [["weekly_digest"]] * 3
    assert {enrollment.trace.state.reason for enrollment in enrollments} == {"completed"}
