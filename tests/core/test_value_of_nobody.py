"""What is told of somebody who bought nothing is worked out once, and is what would be worked out anew."""

from datetime import UTC, datetime

from value import customer_value
from value.bgnbd import BgNbd
from value.gamma_gamma import GammaGamma
from value.rfm import Borders
from value.value_model import ValueModel

FITTED = ValueModel(
    currency="EUR",
    borders=Borders(recency=[1.0, 2.0, 3.0, 4.0], frequency=[1.0, 2.0, 3.0, 4.0], monetary=[1.0, 2.0, 3.0, 4.0]),
    orders=BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426),
    money=GammaGamma(p=6.25, q=3.74, gamma=15.44),
)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_it_is_the_same_by_any_model_at_any_instant() -> None:
    for model in (ValueModel(), FITTED):
        anew = {name: customer_value.as_json(one) for name, one in customer_value.seen({}, model, NOON).items()}
        assert customer_value.told({}, model, NOON) == anew


def test_whoever_writes_into_what_was_told_changes_it_for_nobody_else() -> None:
    told = customer_value.told({}, FITTED, NOON)
    told["value"]["orders"], told["bought"]["Tea"] = 7, {}
    assert customer_value.told({}, FITTED, NOON)["value"]["orders"] == 0
    assert customer_value.told({}, FITTED, NOON)["bought"] == {}
