"""Two versions of a journey as texts, line by line, as `git diff` would show them."""

import difflib
import io

from journeys.language.definition import Definition


def text_diff(old: Definition, new: Definition, names: tuple[str, str]) -> str:
    """A unified diff of both as YAML, under these names; empty where they are written alike."""
    return lines_diff(as_yaml(old), as_yaml(new), names)


def lines_diff(old: str, new: str, names: tuple[str, str]) -> str:
    """The same for two texts."""
    return "\n".join(difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm=""))


def as_yaml(one: Definition) -> str:
    """A definition as a person would write it, without comments."""
    from ruamel.yaml import YAML  # 2 MB, for a process that may never need it

    writer = YAML(pure=True)
    writer.width = 120
    written = io.StringIO()
    writer.dump(one.model_dump(mode="json", by_alias=True, exclude_unset=True), written)
    return written.getvalue()
