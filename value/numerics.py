"""numpy and scipy, where they are installed (`waypost[value]`): a fit needs them, and nothing else loads them.

They are loaded by name: the product is checked, built and run without them.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


class CannotFit(Exception):
    """The orders tell too little for a fit, or nothing is installed that could do one; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerics:
    """The two libraries: arrays (`numpy`), special functions and the search for a maximum (`scipy`)."""

    numpy: Any
    special: Any
    optimize: Any


def load() -> Numerics:
    """The libraries; raise CannotFit where they are not installed."""
    try:
        numpy, special, optimize = map(import_module, ("numpy", "scipy.special", "scipy.optimize"))
    except ModuleNotFoundError as missing:
        raise CannotFit(f"{missing.name} is not installed; pip install 'waypost[value]'") from None
    return Numerics(numpy=numpy, special=special, optimize=optimize)


def maximised(
    numerics: Numerics, minus_log_likelihood: Any, start: tuple[float, ...]
) -> tuple[tuple[float, ...], float]:
    """The positive parameters at which a log-likelihood is largest, and its value there; raise CannotFit.

    It is searched over the parameters' logarithms. One that runs off to a border (e^±12) is not told by the orders.
    """
    numpy = numerics.numpy
    bounds = [(-BORDER, BORDER)] * len(start)
    found = numerics.optimize.minimize(
        lambda logs: float(minus_log_likelihood(*numpy.exp(logs))), numpy.log(start), method="L-BFGS-B", bounds=bounds,
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7},
    )  # fmt: skip
    logs = [float(one) for one in found.x]
    if not numpy.isfinite(found.fun) or any(abs(one) > BORDER - 0.01 for one in logs):
        raise CannotFit("the orders do not tell how customers differ; more of them, over a longer time, may")
    return tuple(float(one) for one in numpy.exp(found.x)), -float(found.fun)


BORDER = 12.0
"""Of a parameter's logarithm: what lies beyond is nothing that a shop has."""
