"""Segments and dates of customers: who joins, who leaves, whom they let in; sweeps of schedules."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from services.customers.audiences import segments
from services.definitions.journey_versions import journeys
from services.enrollments.entering import schedules
from services.errors import InvalidInput, Refused
from store.tables.customers import Customer, DateDue, SeenEventName, SegmentMember
from tests.store.town import Publish, Town, put_segment

# -- segments ----------------------------------------------------------------------------------------------------------


def test_joining_a_segment_lets_a_customer_in(town: Town, publish: Publish) -> None:
    put_segment(town, "vip", 'customer.events["Order"].count >= 2')
    publish("j", "journey: j\nenter: [{segment: vip}]\nstart: a\nstages: {a: {}}")
    town.event("Order")
    assert town.stages("j") == []
    town.event("Order")
    assert town.stages("j") == ["a"]
    assert [one.segments for one in town.rows(Customer)] == [["vip"]]


def test_another_segment_says_nothing_to_a_journey(town: Town, publish: Publish) -> None:
    put_segment(town, "vip", "customer.vip")
    put_segment(town, "team", "customer.plan == 'team'")
    publish("j", "journey: j\nenter: [{segment: vip}]\nstart: a\nstages: {a: {}}")
    town.identify(plan="team")
    assert (town.stages("j"), town.decided("not_entered")) == ([], [])
    town.identify(vip=True)
    assert town.stages("j") == ["a"]


def test_a_customer_leaves_a_segment_when_its_guard_turns_false(town: Town, publish: Publish) -> None:
    put_segment(town, "team", "customer.plan == 'team'")
    publish(
        "j",
        "journey: j\nenter: [{on: Signed Up}]\nstart: a\nstages:\n"
        "  a: {transitions: [{when: '!(\"team\" in customer.segments)', to: b}]}\n  b: {}",
    )
    town.identify(plan="team")
    town.event("Signed Up")
    assert (town.stages("j"), len(town.rows(SegmentMember))) == (["a"], 1)
    town.identify(plan="solo")
    assert (town.stages("j"), town.rows(SegmentMember)) == (["b"], [])


def test_a_new_segment_looks_at_everybody_once(town: Town, publish: Publish) -> None:
    for number in range(3):
        town.identify(user=f"u{number}", plan="team" if number else "solo")
    put_segment(town, "team", "customer.plan == 'team'")
    assert town.rows(SegmentMember) == []
    town.upkeep()
    assert len(town.rows(SegmentMember)) == 2


def test_time_alone_changes_a_segment_that_reads_now(town: Town) -> None:
    put_segment(
        town, "quiet", 'customer.events["Order"].count > 0 && now - customer.events["Order"].last_at > duration("24h")'
    )
    town.event("Order")
    town.upkeep()
    assert town.rows(SegmentMember) == []
    town.now += timedelta(days=2)
    town.upkeep()
    assert [one.segment for one in town.rows(SegmentMember)] == ["quiet"]


def test_a_segment_that_cannot_be_is_refused(town: Town, publish: Publish) -> None:
    for guard in ("customer.plan ==", "event.name == 'x'"):
        with pytest.raises(InvalidInput):
            put_segment(town, "wrong", guard)
    put_segment(town, "vip", "customer.vip")
    publish("j", "journey: j\nenter: [{segment: vip}]\nstart: a\nstages: {a: {}}")

    def delete(session: Session) -> None:
        segments.delete(session, "vip", segments.used_by(journeys.all_live(session), "vip"), town.now)

    with pytest.raises(Refused, match="lets customers into j"), town.database.writing() as session:
        delete(session)


# -- dates -------------------------------------------------------------------------------------------------------------


def test_a_date_of_the_customer_lets_them_in(town: Town, publish: Publish) -> None:
    publish(
        "trial",
        "journey: trial\nenter: [{date: customer.ends, offset: -3 days, at: '09:00'}]\nstart: a\nstages: {a: {}}",
    )
    town.identify(ends="2026-03-20", timezone="Europe/Berlin")
    assert [one.at for one in town.rows(DateDue)] == [datetime(2026, 3, 17, 8, 0, tzinfo=UTC)]
    town.identify(ends="2026-03-10")
    assert [one.at for one in town.rows(DateDue)] == [datetime(2026, 3, 7, 8, 0, tzinfo=UTC)]
    town.now = datetime(2026, 3, 7, 8, 0, tzinfo=UTC)
    town.upkeep()
    assert (town.stages("trial"), town.rows(DateDue)) == (["a"], [])


PAIRS = "customer.tags.all(a, customer.tags.exists(b, b == a))"


@pytest.mark.parametrize(
    "enters", ["{date: customer.ends, when: '%s'}", "{segment: team, when: '%s'}"], ids=["date", "segment"]
)
def test_nobody_whose_date_has_come_or_who_joins_by_the_clock_is_refused_since_others_are_dear(
    town: Town, publish: Publish, enters: str
) -> None:
    """It comes once: whoever is not asked then would never be let in."""
    tags = [f"tag {one}" for one in range(200)]
    for number in range(40):
        town.identify(user=f"u{number}", plan="team", ends="2026-03-20", tags=tags)
    put_segment(town, "team", "customer.plan == 'team'")
    publish("j", f"journey: j\nenter: [{enters % PAIRS}]\nstart: a\nstages: {{a: {{}}}}")
    town.upkeep()
    town.now = datetime(2026, 3, 20, 8, 0, tzinfo=UTC)
    town.upkeep()
    assert (len(town.stages("j")), town.decided("not_entered")) == (40, [])


def test_a_yearly_date_comes_again(town: Town, publish: Publish) -> None:
    publish(
        "day",
        "journey: day\nenter: [{date: customer.birthday, every: year}]\nreentry: after_exit\nstart: a\nstages: {a: {final: true}}",
    )
    town.identify(birthday="1984-02-29")
    assert [one.at.date().isoformat() for one in town.rows(DateDue)] == ["2027-02-28"]
    town.now = datetime(2027, 2, 28, tzinfo=UTC)
    town.upkeep()
    assert [one.at.date().isoformat() for one in town.rows(DateDue)] == ["2028-02-29"]
    town.now = datetime(2028, 2, 29, tzinfo=UTC)
    town.upkeep()
    assert len(town.stages("day")) == 2


def test_publishing_looks_at_the_dates_of_those_who_are_there(town: Town, publish: Publish) -> None:
    town.identify(ends="2026-03-20")
    publish("trial", "journey: trial\nenter: [{date: customer.ends}]\nstart: a\nstages: {a: {}}")
    assert town.rows(DateDue) == []
    town.upkeep()
    assert len(town.rows(DateDue)) == 1


# -- sweeps ------------------------------------------------------------------------------------------------------------

DIGEST = "journey: digest\nenter: [{schedule: {at: '09:00', on: mon}, segment: team, when: customer.reads}]\nreentry: after_exit\nstart: a\nstages: {a: {final: true}}"


def test_a_sweep_lets_members_in_once_an_occasion(
    town: Town, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "PAGE", 2)
    put_segment(town, "team", "customer.plan == 'team'")
    publish("digest", DIGEST)
    for number in range(5):
        town.identify(user=f"u{number}", plan="team", reads=number != 3)

    def sweep(occasion: str) -> int:
        with town.database.reading() as session:
            digest = journeys.live(session, "digest")[0].digest
        cursor, entered = "", 0
        while True:
            with town.database.writing() as session:
                done = schedules.page(session, digest, "enter[0]", occasion, cursor, town.now)
            if done is None:
                town.settle()
                return entered
            cursor, entered = done[0], entered + done[1]

    assert (sweep("monday"), sweep("monday"), sweep("tuesday")) == (4, 0, 4)
    assert {one["reason"] for one in town.decided("not_entered")} == {"guard_false"}


def test_a_sweep_ends_its_page_where_the_guard_is_dear(town: Town, publish: Publish) -> None:
    """A page of a hundred members would hold them all for three seconds."""
    put_segment(town, "team", "customer.plan == 'team'")
    publish("digest", DIGEST.replace("customer.reads", "'customer.tags.all(a, customer.tags.exists(b, b == a))'"))
    for number in range(8):
        town.identify(user=f"u{number}", plan="team", tags=[f"tag {one}" for one in range(200)])
    with town.database.reading() as session:
        digest = journeys.live(session, "digest")[0].digest

    def page(cursor: str) -> tuple[str, int] | None:
        return town.database.write(
            lambda session: schedules.page(session, digest, "enter[0]", "monday", cursor, town.now)
        )

    first = page("") or ("", 0)
    second = page(first[0])
    assert second is not None
    assert (first[1], second[1], page(second[0])) == (6, 2, None)
    assert len(town.stages("digest")) == 8


def test_event_names_are_remembered(town: Town) -> None:
    town.event("Signed Up")
    town.event("Signed Up")
    town.event("Order")
    assert {one.name for one in town.rows(SeenEventName)} == {"Signed Up", "Order"}


# -- computed attributes -----------------------------------------------------------------------------------------------


def test_a_lead_score_is_built_and_a_segment_hears_of_it(town: Town, publish: Publish) -> None:
    put_segment(town, "hot", "customer.score >= 20")
    publish(
        "scoring",
        "journey: scoring\nenter: [{on: Visit}]\nreentry: always\nstart: a\nstages:\n"
        "  a: {steps: [{set: {score: {cel: 'customer.score + 10'}, label: {cel: customer.nobody + 1}}}], final: true}",
    )
    town.identify(score=5)
    town.event("Visit")
    town.event("Visit")
    (customer,) = town.rows(Customer)
    assert (customer.attributes, customer.segments) == ({"score": 25}, ["hot"])
    told = town.decided("attributes_set")[0]
    assert (told["attributes"], told["seen"]["customer.score"], [*told["failed"]]) == ({"score": 15}, 5, ["label"])
