"""What the last fit of the value of customers found: kept with the settings, since every guard may ask for it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from store.queries.access import setting_rows
from value.value_model import NO_FIT, ValueModel


def load(session: Session) -> ValueModel:
    """The model of the last fit; of an installation without one it is empty."""
    kept = setting_rows.value(session)
    return ValueModel.from_json(kept["model"]) if "model" in kept else NO_FIT


def kept_fit(session: Session) -> Mapping[str, Any]:
    """All that is kept of the last fit: `model`, `report`, `refusal`, `fitted_at`, `asked_at`; empty before one."""
    return setting_rows.value(session)


def keep(session: Session, found: Mapping[str, Any], now: datetime) -> None:
    """Keep what a fit found, or that one was asked for, beside what is kept already."""
    setting_rows.put_value(session, {**setting_rows.value(session), **found}, now)
