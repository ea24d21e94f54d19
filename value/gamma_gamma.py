"""Gamma-gamma: what a customer's next order is worth.

After Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (2013). Orders of a customer scatter about a mean of
their own (shape p), and these means about everybody's (q, gamma). A single dear order is so drawn towards what all
others spend.
"""

from dataclasses import dataclass

from value.histories import Buyer


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaGamma:
    """The three parameters; gamma is in the currency of the orders."""

    p: float
    q: float
    gamma: float


def expected_value(model: GammaGamma, who: Buyer) -> float | None:
    """What an order of the customer is expected to be worth; None where everybody's mean is infinite (q <= 1)."""
    if model.q <= 1:
        return None
    count = who.repeat_orders if who.mean is not None else 0
    return model.p * (model.gamma + count * (who.mean or 0.0)) / (model.p * count + model.q - 1)
