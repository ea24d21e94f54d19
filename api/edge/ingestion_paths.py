"""The paths of ingestion, as clients call them: by their names, and by the letters that browsers and apps use."""

from collections.abc import Mapping

from services.ingestion.segment_api import TYPES

LETTERS: Mapping[str, str] = {"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias"}
"""As analytics.js has them, and the Kotlin and Swift libraries."""

SINGLE: Mapping[str, str] = {
    **{f"/v1/{kind}": kind for kind in TYPES},
    **{f"/v1/{letter}": kind for letter, kind in LETTERS.items()},
}
"""Paths of one call each, with its type."""

BATCHES = ("/v1/batch", "/v1/b", "/beacon/v1/batch")
"""Paths of many calls; the last is RudderStack's for `sendBeacon`, which says the key in the address."""

PATHS = frozenset({*SINGLE, *BATCHES})
