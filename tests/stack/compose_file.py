"""What docker-compose.yml says, read for the tests of it."""

import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent.parent
ENV_FILE = Path(__file__).parent / "compose.env"


BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "api", "journeys", "delivery", "promote")


IN_THE_IMAGE = {"WAYPOST_HOME", "WAYPOST_HOST", "WAYPOST_PORT"}
