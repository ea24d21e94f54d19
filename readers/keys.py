"""How a key is written, by which a person calls something: a journey, a stage, a topic, a template, a survey, a secret.

It stands in YAML, in paths and in reports, so it is made of what needs no quoting anywhere.
"""

import re

CHARACTERS = r"[A-Za-z][A-Za-z0-9_-]{0,62}"
"""A letter, then letters, digits, `_` and `-`: 63 in all at most, as the names of hosts and labels have."""

PATTERN = f"^{CHARACTERS}$"
"""The whole of a text, as schemas want it."""

KEY = re.compile(CHARACTERS)
"""For `fullmatch`."""
