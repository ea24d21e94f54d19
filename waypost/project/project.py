"""A project as files: what an installation shall have, in git, compared with what it has.

    waypost.yaml             settings, topics and segments, each as the API takes it (may be absent)
    templates/KEY.html       a mail with a block `subject`; KEY.txt its text part, KEY.de.html the same in German
    *.yaml, journeys/*.yaml  journeys

What is not in the files is left alone. Things are applied in the order in which they need each other.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from journeys.checks import source
from mail.rendering.templates import block
from services.errors import InvalidInput
from waypost.errors import ApiProblem

if TYPE_CHECKING:
    from waypost.client import Waypost

MANIFEST = "waypost.yaml"
"""The file that makes a folder a project."""

PARTS = ("settings", "topics", "segments")
"""What the manifest may hold."""

TOPIC: Mapping[str, Any] = {"name": None, "names": {}, "consent": "opt_out", "transactional": False, "cap": None}
"""What a topic has where nothing is said."""

SEGMENT: Mapping[str, Any] = {"name": None}
"""What a segment has where nothing is said."""

Change = Literal["new", "changed", "same"]
"""What applying an item would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectItem:
    """One thing of a project: `wanted` is what it shall be, `found` reads what is there, `put` stores it."""

    kind: str
    key: str
    file: Path
    wanted: Any
    found: "Callable[[Waypost], Any]"
    put: "Callable[[Waypost], Any]"

    def change(self, waypost: "Waypost") -> Change:
        """What applying it would do."""
        try:
            present = self.found(waypost)
        except ApiProblem as problem:
            if problem.status != 404:
                raise
            return "new"
        return "same" if present == self.wanted else "changed"


def items(folder: Path) -> Iterator[ProjectItem]:
    """Everything in a folder, in the order in which to apply it; raise InvalidInput with the file that is wrong."""
    yield from _manifest(folder / MANIFEST)
    yield from _templates(folder / "templates")
    for file in sorted({*folder.glob("*.yaml"), *(folder / "journeys").glob("*.yaml")} - {folder / MANIFEST}):
        yield journey(file)


# -- settings, topics, segments ----------------------------------------------------------------------------------------


def _manifest(file: Path) -> Iterator[ProjectItem]:
    if not file.exists():
        return
    try:
        body: Any = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")) or {}
    except (YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} is no YAML: {str(error).splitlines()[0]}") from None
    unknown = sorted(set(body) - set(PARTS)) if isinstance(body, dict) else ["a list"]
    if unknown:
        raise InvalidInput(f"{file} names {', '.join(unknown)}; it may name {', '.join(PARTS)}")
    if body.get("settings") is not None:
        yield _settings(file, body["settings"])
    for key, terms in sorted((body.get("topics") or {}).items()):
        yield _call("topic", key, file, {**TOPIC, **(terms or {})}, "/v1/topics/{}")
    for key, terms in sorted((body.get("segments") or {}).items()):
        yield _call("segment", key, file, {**SEGMENT, **(terms or {})}, "/v1/segments/{}")


def _settings(file: Path, wanted: Mapping[str, Any]) -> ProjectItem:
    """The installation's settings: what the file does not name stays as it is."""

    def merged(waypost: "Waypost") -> dict[str, Any]:
        return _with(waypost.call("GET", "/v1/settings"), wanted)

    return ProjectItem(
        kind="settings",
        key="installation",
        file=file,
        wanted=dict(wanted),
        found=lambda waypost: _part(waypost.call("GET", "/v1/settings"), wanted),
        put=lambda waypost: waypost.call("PUT", "/v1/settings", json=merged(waypost)),
    )


def _with(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What is there, with what is wanted in its place, at any depth."""
    changed = {
        name: _with(present[name], value) if isinstance(value, dict) and isinstance(present.get(name), dict) else value
        for name, value in wanted.items()
    }
    return {**present, **changed}


def _part(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What is there of what is wanted, at any depth."""
    return {
        name: _part(present[name], value)
        if isinstance(value, dict) and isinstance(present.get(name), dict)
        else present.get(name)
        for name, value in wanted.items()
    }


def _call(kind: str, key: str, file: Path, wanted: Mapping[str, Any], path: str) -> ProjectItem:
    """A topic or a segment, which a PUT stores whole: what the file does not name has its usual value."""
    return ProjectItem(
        kind=kind,
        key=key,
        file=file,
        wanted=dict(wanted),
        found=lambda waypost: _same_names(waypost.call("GET", path, key), wanted),
        put=lambda waypost: waypost.call("PUT", path, key, json=dict(wanted)),
    )


def _same_names(shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What is there of what is wanted; a topic's cap is shown as two numbers, and compared by what was asked for."""
    found = {name: shown.get(name) for name in wanted}
    if "cap" in wanted:
        same = _cap(shown) == (_seconds(wanted["cap"]) if wanted["cap"] else (None, None))
        found["cap"] = wanted["cap"] if same else _cap(shown)
    return found


def _cap(shown: Mapping[str, Any]) -> tuple[Any, Any]:
    return shown["cap_max"], shown["cap_seconds"]


def _seconds(cap: Mapping[str, Any]) -> tuple[Any, Any]:
    from journeys.facts import calendar

    return cap.get("max"), int(calendar.parse_span(str(cap.get("per"))).elapsed.total_seconds())


# -- templates ---------------------------------------------------------------------------------------------------------


def _templates(folder: Path) -> Iterator[ProjectItem]:
    for file in sorted(folder.glob("*.html")):
        key, _, locale = file.stem.partition(".")
        if not locale and not key.startswith("_"):
            yield _template(key, file)


def _template(key: str, file: Path) -> ProjectItem:
    variants = sorted(file.parent.glob(f"{key}.*.html"))
    wanted = {**_texts(file), "locales": {one.stem.partition(".")[2]: _texts(one) for one in variants}}
    return ProjectItem(
        kind="template",
        key=key,
        file=file,
        wanted=wanted,
        found=lambda waypost: _kept(waypost.call("GET", "/v1/templates/{}", key), wanted),
        put=lambda waypost: waypost.call("PUT", "/v1/templates/{}", key, json=wanted),
    )


def _texts(file: Path) -> dict[str, str]:
    html = file.read_text(encoding="utf-8-sig")
    subject = block(html, "subject")
    if not subject:
        raise InvalidInput(f"{file} has no subject: write {{% block subject %}}…{{% endblock %}}")
    text = file.with_suffix(".txt")
    return {
        "subject": subject,
        "html": html,
        "text": text.read_text(encoding="utf-8-sig") if text.exists() else "",
    }


def _kept(shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored, without the text parts that were made of the HTML."""

    def texts(there: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, Any]:
        made = {} if here.get("text") else {"text": ""}
        return {**{name: there[name] for name in ("subject", "html", "text")}, **made}

    here = wanted["locales"]
    locales = {tag: texts(one, here.get(tag, {})) for tag, one in shown["locales"].items()}
    if shown["kept"] == "file":
        return {"kept": "a file"}
    return {**texts(shown, wanted), "locales": locales}


# -- journeys ----------------------------------------------------------------------------------------------------------


def journey(file: Path, based_on: int | None = None) -> ProjectItem:
    """A journey file, made of the draft's revision `based_on`; raise InvalidJourney where it is wrong."""
    text = file.read_text(encoding="utf-8-sig")
    definition, _ = source.read(text)
    return ProjectItem(
        kind="journey",
        key=definition.journey,
        file=file,
        wanted=definition.model_dump(mode="json", by_alias=True, exclude_unset=True),
        found=lambda waypost: waypost.journey(definition.journey)["draft"],
        put=lambda waypost: waypost.put_journey(definition.journey, text, based_on=based_on),
    )
