"""The plans of a project's journeys against what is live: for a pull request, whose drafts stand in its files alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waypost.errors import ApiProblem
from waypost.project import project
from waypost.project.project import ProjectItem

if TYPE_CHECKING:
    from waypost.client import Waypost

BESIDE = ("template", "segment", "topic", "journey")
"""Kinds of things that a journey may name, and that the same project may bring along."""

PlanOne = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Plans a journey by its key, and waits for the result."""


def of_folder(waypost: "Waypost", folder: Path, asked: Mapping[str, Any], plan: PlanOne) -> Iterator[dict[str, Any]]:
    """What each journey of the folder would do: `state` is `new`, `same`, `planned` or `failed`, each with `journey`.

    A planned one has what its plan tells; a failed one the `error` as a sentence, and the others are planned all the
    same. Raises InvalidInput or InvalidJourney where a file cannot be read.
    """
    items = list(project.items(folder))
    beside = {f"{kind}s": sorted(one.key for one in items if one.kind == kind) for kind in BESIDE}
    for item in items:
        if item.kind == "journey":
            yield {"journey": item.key, **_of(waypost, item, {**asked, "beside": beside}, plan)}


def _of(waypost: "Waypost", item: ProjectItem, asked: dict[str, Any], plan: PlanOne) -> dict[str, Any]:
    live = _live(waypost, item.key)
    if live is None or live == item.wanted:
        return {"state": "new" if live is None else "same"}
    try:
        text = item.file.read_text(encoding="utf-8-sig")
        return {"state": "planned", **plan(item.key, {**asked, "definition": text})}
    except ApiProblem as problem:
        return {"state": "failed", "error": str(problem)}


def _live(waypost: "Waypost", key: str) -> Any:
    """The definition that is live; None where none is."""
    try:
        number = waypost.journey(key)["live_version"]
    except ApiProblem as problem:
        if problem.status != 404:
            raise
        return None
    return waypost.version(key, number)["definition"] if number is not None else None


def failed(plans: Sequence[Mapping[str, Any]]) -> list[str]:
    """The journeys that could not be planned."""
    return [one["journey"] for one in plans if one["state"] == "failed"]
