"""The editor that is served is the one of its sources, and its lock names no registry."""

import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SOURCES = ("editor.js", "schema_words.js", "yaml_place.js", "build.mjs", "package-lock.json")


def test_the_bundle_was_made_of_the_sources_that_are_there() -> None:
    made = hashlib.sha256(b"".join((ROOT / "scripts" / "editor" / name).read_bytes() for name in SOURCES)).hexdigest()
    head = (ROOT / "templates" / "pages" / "static" / "editor.js").read_text().partition("\n")[0]
    assert head.endswith(f"bundled: {made}"), "run `make editor`"


def test_the_lock_names_what_is_fetched_by_its_digest_and_no_registry() -> None:
    lock = json.loads((ROOT / "scripts" / "editor" / "package-lock.json").read_text())
    packages = [one for name, one in lock["packages"].items() if name]
    assert [one for one in packages if "resolved" in one or "integrity" not in one] == []
