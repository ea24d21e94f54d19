"""What the last nightly fit found, as a report: both models, the borders of the fifths, and how well it foretold."""

from typing import Any

from sqlmodel import Session

from services.installation import value_fit

NONE_YET = "there was no fit yet; the first comes at night, or when it is asked for (`waypost report value --now`)"
"""What an installation says that has had none."""


def last_fit(session: Session) -> dict[str, Any]:
    """What is kept of the last fit; of an installation that has had none, a sentence that says so."""
    kept = value_fit.kept_fit(session)
    report, model = kept.get("report") or {}, kept.get("model") or {}
    refusal = kept.get("refusal") if kept.get("fitted_at") else NONE_YET
    return {
        "fitted_at": kept.get("fitted_at"),
        "refusal": refusal,
        "currency": model.get("currency"),
        "fifths": model.get("borders"),
        "grid": kept.get("grid"),
        **{name: report.get(name) for name in ("customers", "repeat_orders", "fit", "money", "calibration")},
    }
