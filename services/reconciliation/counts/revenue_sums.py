"""What variants brought, as it is kept in sums, against the rows of their customers.

What erased customers brought stays as that of nobody, and of two who become one the sums let go of what is dropped: so
both say the same always, and any difference is one.
"""

from sqlmodel import Session

from services.reconciliation.counts.kept_counts import WrongCount, missing_counts
from services.reconciliation.differences import DifferenceKind
from store.queries.recounting import run_recounts
from store.tables.splits import RevenueSum

_COLUMNS = (
    (DifferenceKind.VARIANT_BUYER_COUNT, "customers", "units"),
    (DifferenceKind.VARIANT_REVENUE, "units", "customers"),
)
"""Each column of the sums, and the other that stands beside it."""


def wrong_counts(session: Session, journey: str) -> list[WrongCount]:
    """Every sum of a journey's variants that differs."""
    told, kept = run_recounts.revenue(session, journey), run_recounts.kept_revenue(session, journey)
    found = [
        WrongCount(
            kind=kind,
            place=journey,
            table=RevenueSum,
            names=run_recounts.REVENUE,
            missing=missing_counts(rows, there, at_least=False),
            fixed={"journey": journey},
            beside=(beside,),
            column=column,
        )
        for (kind, column, beside), rows, there in zip(_COLUMNS, told, kept, strict=True)
    ]
    return [one for one in found if one.missing]
