"""What follows from an event in the store: guards that turn true, keys, goals, journeys that start others."""

from store.tables.enrollments import Enrollment
from tests.store.town import Publish, Town

# -- guards that turn true ---------------------------------------------------------------------------------------------


def test_a_change_of_the_profile_reaches_who_waits_for_a_guard(town: Town, publish: Publish) -> None:
    publish(
        "j",
        "journey: j\nenter: [{on: Signed Up}]\nstart: a\nstages:\n"
        "  a: {transitions: [{when: customer.plan == 'pro', to: b}]}\n  b: {}",
    )
    town.event("Signed Up")
    town.identify(first_name="Ann")
    assert town.stages("j") == ["a"]
    town.identify(plan="pro")
    assert town.stages("j") == ["b"]


def test_what_one_journey_sets_another_hears(town: Town, publish: Publish) -> None:
    publish(
        "listens",
        "journey: listens\nenter: [{on: Signed Up}]\nstart: a\nstages:\n"
        "  a: {transitions: [{when: customer.plan == 'pro', to: b}]}\n  b: {}",
    )
    publish("sets", "journey: sets\nenter: [{on: Paid}]\nstart: a\nstages: {a: {steps: [{set: {plan: pro}}]}}")
    town.event("Signed Up")
    town.event("Paid")
    assert town.stages("listens") == ["b"]


def test_a_guard_over_all_events_is_woken_by_any(town: Town, publish: Publish) -> None:
    publish(
        "j",
        "journey: j\nenter: [{on: Signed Up}]\nstart: a\nstages:\n"
        "  a: {transitions: [{when: size(customer.events) >= 3, to: b}]}\n  b: {}",
    )
    town.event("Signed Up")
    town.event("E")
    assert town.stages("j") == ["a"]
    town.event("F")
    assert town.stages("j") == ["b"]


# -- keys --------------------------------------------------------------------------------------------------------------

CART = """
journey: cart
enter: [{on: Cart Updated}]
key: event.cart_id
exit: [{on: Order Completed, when: event.properties.cart_id == enrollment.key}]
start: open
stages: {open: {steps: [{wait: 1 day}]}}
"""


def test_runs_stand_side_by_side_by_key(town: Town, publish: Publish) -> None:
    publish("cart", CART)
    town.event("Cart Updated", cart_id="c1")
    town.event("Cart Updated", cart_id=2)
    town.event("Cart Updated", cart_id="c1")
    town.event("Cart Updated")
    assert town.stages("cart") == ["open 2", "open c1"]
    assert [one["reason"] for one in town.decided("not_entered")] == ["already_enrolled", "no_key"]
    town.event("Order Completed", cart_id="c1")
    ended = [one.key for one in town.rows(Enrollment) if one.status == "ended"]
    assert ended == ["c1"]
    ids = {one.workflow_id for one in town.rows(Enrollment)}
    assert len(ids) == 2
    assert not any("c1" in one.rpartition("cus_")[2][26:] for one in ids), "a key may be personal, so only its hash"
