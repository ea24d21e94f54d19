"""What the last fit found, as the installation keeps it: both models, and what divides customers into fifths."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from value.bgnbd import BgNbd
from value.gamma_gamma import GammaGamma
from value.orders import UNSTATED
from value.rfm import Borders


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueModel:
    """What is None was never found: too few orders, or no amounts. Money is in `currency`, that of most orders."""

    currency: str = UNSTATED
    borders: Borders | None = None
    orders: BgNbd | None = None
    money: GammaGamma | None = None

    def as_json(self) -> dict[str, Any]:
        """As the installation keeps it."""
        return asdict(self)

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> "ValueModel":
        """What `as_json` has written; of an installation that has none it is empty."""
        borders, found, money = (kept.get(name) for name in ("borders", "orders", "money"))
        return ValueModel(
            currency=kept.get("currency", UNSTATED),
            borders=Borders(**borders) if borders else None,
            orders=BgNbd(**found) if found else None,
            money=GammaGamma(**money) if money else None,
        )


NO_FIT = ValueModel()
"""Of an installation that has had no fit yet."""
