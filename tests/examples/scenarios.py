"""What the example journeys promise, as stories: who the customer is, what happens when, and which mails come of it.

Each story is told twice: by the simulator, and by real workflows on a real Temporal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MONDAY_NOON = "2026-03-02T12:00:00+00:00"

Happening = tuple[float, str, Mapping[str, Any]]
"""After how many days, which event, with which properties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`days` is how long it is followed; `ends` the stage, or the reason where the enrollment ends."""

    example: str
    title: str
    script: tuple[Happening, ...]
    days: float
    mails: tuple[str, ...]
    ends: str
    traits: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def id(self) -> str:
        return f"{self.example}: {self.title}"


def order(total: float, **more: Any) -> dict[str, Any]:
    return {"total": total, **more}


CART = {"cart_id": "c1", "products": [{"name": "Oak cutting board", "price": 48}]}

STORIES = (
    # -- lifecycle
    Story(
        example="lifecycle",
        title="a lead who never answers is left in peace",
        script=((0, "Lead Captured", {}),),
        days=70,
        mails=("welcome", "our_story"),
        ends="inactive",
    ),
    Story(
        example="lifecycle",
        title="a lead looks, is helped at the checkout, and buys",
        script=(
            (0, "Lead Captured", {}),
            (1, "Product Viewed", {}),
            (3, "Checkout Started", {}),
            (4, "Order Completed", order(30)),
        ),
        days=10,
        mails=("welcome", "bestsellers", "checkout_help", "thank_you"),
        ends="first_time_buyer",
    ),
    Story(
        example="lifecycle",
        title="an account without an order gets an offer that expires",
        script=((0, "Signed Up", {}), (1, "Profile Completed", {})),
        days=80,
        mails=("getting_started", "first_order_offer"),
        ends="inactive",
    ),
    Story(
        example="lifecycle",
        title="from the first order to core, and an invitation to tell others",
        script=tuple((20.0 * number, "Order Completed", order(20)) for number in range(5)),
        days=120,
        mails=("thank_you", "how_is_it", "cross_sell")
        + ("thank_you_again", "cross_sell") * 3
        + ("loyalty", "referral"),
        ends="core",
    ),
    Story(
        example="lifecycle",
        title="one small order is not worth a win-back",
        script=((0, "Order Completed", order(20)),),
        days=400,
        mails=("thank_you", "how_is_it", "cross_sell"),
        ends="inactive",
    ),
    Story(
        example="lifecycle",
        title="one large order is, and a purchase brings the customer round the wheel",
        script=((0, "Order Completed", order(150)), (120, "Order Completed", order(50))),
        days=130,
        mails=("thank_you", "how_is_it", "upsell", "we_miss_you", "win_back_offer", "thank_you_again"),
        ends="repeat_buyer",
    ),
    Story(
        example="lifecycle",
        title="whoever does not come back is asked once whether to stop, and then never written to again",
        script=((0, "Order Completed", order(150)),),
        days=500,
        mails=("thank_you", "how_is_it", "upsell", "we_miss_you", "win_back_offer", "last_words"),
        ends="inactive",
    ),
    # -- saas_trial
    Story(
        example="saas_trial",
        title="never activated, told before and after the end, gone",
        traits={"trial_ends_at": "2026-03-16"},
        script=((0, "Trial Started", {}),),
        days=90,
        mails=("trial_welcome", "trial_first_project", "trial_ending", "trial_ended", "trial_last_offer"),
        ends="completed",
    ),
    Story(
        example="saas_trial",
        title="activated in a large company, subscribes, outgrows the plan, cancels",
        traits={"trial_ends_at": "2026-03-16", "company_size": 120},
        script=(
            (0, "Trial Started", {}),
            (0.5, "Project Created", {}),
            (2, "Colleague Invited", {}),
            (5, "Subscription Started", {}),
            (30, "identify", {"plan": "solo", "seats_used": 4}),
            (60, "Subscription Cancelled", {}),
        ),
        days=125,
        mails=("trial_welcome", "plan_started", "plan_larger", "churn_goodbye", "churn_win_back"),
        ends="churned",
    ),
    # -- abandoned_cart
    Story(
        example="abandoned_cart",
        title="reminded after an hour, and once more a day later",
        script=((0, "Cart Updated", CART),),
        days=3,
        mails=("cart_reminder", "cart_last_call"),
        ends="completed",
    ),
    Story(
        example="abandoned_cart",
        title="a purchase stops it at once",
        script=((0, "Cart Updated", CART), (0.1, "Order Completed", order(48, cart_id="c1"))),
        days=3,
        mails=("cart_reminder",),
        ends="exited",
    ),
    Story(
        example="abandoned_cart",
        title="a basket that was emptied is not mentioned",
        script=((0, "Cart Updated", CART), (0.02, "Cart Updated", {"cart_id": "c1", "products": []})),
        days=3,
        mails=(),
        ends="exited",
    ),
    # -- newsletter_double_opt_in
    Story(
        example="newsletter_double_opt_in",
        title="confirmed after the reminder, welcomed",
        script=(
            (0, "Subscription Requested", {"topic": "newsletter"}),
            (3, "Subscribed", {"topic": "newsletter"}),
        ),
        days=20,
        mails=("newsletter_reminder", "newsletter_welcome", "newsletter_question"),
        ends="reader",
    ),
    Story(
        example="newsletter_double_opt_in",
        title="never confirmed, reminded once, forgotten",
        script=((0, "Subscription Requested", {"topic": "newsletter"}),),
        days=20,
        mails=("newsletter_reminder",),
        ends="completed",
    ),
    # -- replenishment
    Story(
        example="replenishment",
        title="an order moves the reminders",
        script=(
            (0, "Order Completed", order(24, runs_out=True)),
            (20, "Order Completed", order(24, runs_out=True)),
        ),
        days=50,
        mails=("replenish_soon", "replenish_now"),
        ends="running_low",
    ),
    Story(
        example="replenishment",
        title="what does not run out reminds of nothing, and silence ends it",
        script=((0, "Order Completed", order(24, runs_out=True)), (1, "Order Completed", order(9))),
        days=70,
        mails=("replenish_soon", "replenish_now"),
        ends="completed",
    ),
    # -- review_and_referral
    Story(
        example="review_and_referral",
        title="who is happy is asked to tell a friend",
        script=(
            (0, "Order Delivered", {"order_id": "o1"}),
            (12, "Review Submitted", {"order_id": "o1", "rating": 5}),
        ),
        days=20,
        mails=("review_request", "referral"),
        ends="completed",
    ),
    Story(
        example="review_and_referral",
        title="who is not gets an answer from a person",
        script=(
            (0, "Order Delivered", {"order_id": "o1"}),
            (12, "Review Submitted", {"order_id": "o1", "rating": 1}),
        ),
        days=20,
        mails=("review_request", "review_sorry"),
        ends="completed",
    ),
    Story(
        example="review_and_referral",
        title="another order's review changes nothing",
        script=(
            (0, "Order Delivered", {"order_id": "o1"}),
            (12, "Review Submitted", {"order_id": "o2", "rating": 5}),
        ),
        days=35,
        mails=("review_request", "review_reminder"),
        ends="completed",
    ),
    # -- nps
    Story(
        example="nps",
        title="a detractor gets an answer, and is asked again a month later",
        script=(
            (0, "Order Delivered", {}),
            (15, "Survey Answered", {"survey": "nps", "score": 2, "class": "detractor"}),
            (48, "Survey Answered", {"survey": "recovery", "score": 5, "class": "high"}),
        ),
        days=60,
        mails=("nps_survey", "survey_sorry", "recovery_survey"),
        ends="completed",
    ),
    Story(
        example="nps",
        title="a promoter is asked to tell a friend",
        script=(
            (0, "Order Delivered", {}),
            (15, "Survey Answered", {"survey": "nps", "score": 10, "class": "promoter"}),
        ),
        days=30,
        mails=("nps_survey", "referral"),
        ends="completed",
    ),
    # -- birthday
    Story(
        example="birthday",
        title="wished at eight where they live, and reminded of the present",
        traits={"birthday": "1990-03-10", "timezone": "Europe/Berlin"},
        script=(),
        days=30,
        mails=("birthday", "birthday_last_call"),
        ends="completed",
    ),
    Story(
        example="birthday",
        title="who has used the present is not reminded",
        traits={"birthday": "1990-03-10", "timezone": "Europe/Berlin"},
        script=((12, "Order Completed", order(30)),),
        days=30,
        mails=("birthday",),
        ends="completed",
    ),
)
