"""Who reads which settings: what docker-compose.yml gives to each service, and `docs/operate.md` says."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import Field


class Reader(StrEnum):
    """Who reads a setting: a service of docker-compose.yml, `waypost up`, or the command line."""

    API = "api"
    JOURNEYS = "journeys"
    DELIVERY = "delivery"
    MIGRATE = "migrate"
    PROMOTE = "promote"
    UP = "up"
    CLI = "cli"


MAIL = (Reader.API, Reader.DELIVERY)
"""Who composes mail: the lanes, and the API's previews."""

STORE = (Reader.API, Reader.JOURNEYS, Reader.DELIVERY, Reader.MIGRATE)
"""Who needs the database."""

TEMPORAL = (Reader.API, Reader.JOURNEYS, Reader.DELIVERY, Reader.PROMOTE)
"""Who needs Temporal."""

WORKERS = (Reader.JOURNEYS, Reader.DELIVERY)
"""Who works for Temporal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingFacts:
    """What stands beside a setting: who reads it, and whether it is a secret."""

    readers: tuple[Reader, ...]
    secret: bool


def field_of(*readers: Reader, secret: bool = False, default: Any = None, **rules: Any) -> Any:
    """A field of the settings that these read; `rules` are those of pydantic's Field."""
    field = Field(default=default, **rules)
    field.metadata.append(SettingFacts(readers=readers, secret=secret))
    return field
