"""A split of which a tenth of a crowd has converted, as the product itself keeps it: variants, counts and sums."""

from collections.abc import Iterator
from random import Random

from sqlmodel import Session

from bench import crowd
from services.definitions.journey_versions import drafts, journeys, validation_context
from store import bulk
from store.queries.enrollment import assignments
from store.queries.figures import counts, variant_revenue
from store.session import Database
from value.goal_revenue import GoalRevenue, by_day

JOURNEY, SPLIT, VARIANTS = "tips", "tip", ("a", "b", "none")
WEIGHTS = dict.fromkeys(VARIANTS, 1)

DEFINITION = f"""
journey: {JOURNEY}
enter: [{{on: Signed Up}}]
goal: {{on: Order Completed, within: 14 days}}
defaults: {{topic: news}}
start: new
stages:
  new:
    steps:
      - split:
          id: {SPLIT}
          variants:
            a: {{weight: 1, steps: [{{send: t0}}]}}
            b: {{weight: 1, steps: [{{send: t1}}]}}
            none: {{weight: 1, holdout: true}}
      - wait: 90 days
"""


def fill(database: Database, customers: int) -> None:
    """Give the first three tenths of a crowd of so many a variant; each third one of them has converted."""
    with database.writing() as session:
        known = frozenset(f"t{one}" for one in range(crowd.TEMPLATES))
        around = validation_context.load(session, JOURNEY, known)
        drafts.put_draft(session, drafts.read_draft(JOURNEY, DEFINITION, around), crowd.BEGIN)
        journeys.publish(session, JOURNEY, known, crowd.BEGIN)
    random = Random(1)
    for part in bulk.parts(range(3 * customers // 10)):
        with database.writing() as session:
            assignments.add(session, list(_given(session, part, random)))


def _given(session: Session, numbers: tuple[int, ...], random: Random) -> Iterator[bulk.ColumnValues]:
    tally, brought = counts.tally(session), variant_revenue.tally(session)
    for number in numbers:
        variant = VARIANTS[number // 3 % len(VARIANTS)]
        row = assignments.row(f"cus_{number:010d}", JOURNEY, SPLIT, variant, crowd.BEGIN)
        tally.count(row["customer_id"], JOURNEY, counts.ASSIGNED, counts.of_variant(SPLIT, variant, WEIGHTS))
        if number % 3 == 0:
            revenue = _spent(random).as_json()
            row |= {"revenue": revenue, "converted_at": crowd.BEGIN}
            tally.count(row["customer_id"], JOURNEY, counts.VARIANT_CONVERTED, counts.of_variant(SPLIT, variant))
            brought.change(JOURNEY, (SPLIT, variant), {}, by_day(revenue))
        yield row


def _spent(random: Random) -> GoalRevenue:
    """One to four orders on some days of a year, a fifth of them in another currency."""
    found = GoalRevenue()
    for number in range(random.choice((1, 1, 2, 4))):
        day = f"2026-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"
        units = round(100 * random.lognormvariate(3.5, 0.8))
        found = found.with_order(str(number), (random.choice(("EUR", "EUR", "EUR", "EUR", "USD")), day), units)
    return found
