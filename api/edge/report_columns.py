"""The columns of a report's table that has no lines: as its model tells them, so that an empty file has its header.

What has a column for each of its keys, as amounts have for their currencies, has none where there are no lines.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import TypeAdapter

Schema = Mapping[str, Any]
"""A JSON Schema."""


def columns_of(model: Any, table: str) -> list[str]:
    """The columns of `table`, named by the way to it, in the answers of `model`; none where it has no such table."""
    whole = TypeAdapter[Any](model).json_schema(mode="serialization")
    node, outer, in_list = _resolved(whole, whole), list[str](), False
    for name in table.split("."):
        outer = [*outer, *_plain(whole, node)] if in_list else []
        part: Schema | None = node.get("properties", {}).get(name)
        if part is None:
            return []
        node = _resolved(whole, part)
        in_list = "items" in node
        node = _resolved(whole, node["items"]) if in_list else node
    return list(dict.fromkeys([*outer, *_columns(whole, node, "")]))


def _resolved(whole: Schema, node: Schema) -> Schema:
    """What a node refers to, and what it is beside null."""
    if "$ref" in node:
        return _resolved(whole, whole["$defs"][node["$ref"].rpartition("/")[2]])
    beside = [one for one in cast(list[Schema], node.get("anyOf", [])) if one.get("type") != "null"]
    return _resolved(whole, beside[0]) if len(beside) == 1 else node


def _columns(whole: Schema, node: Schema, way: str) -> Iterator[str]:
    for name, part in node.get("properties", {}).items():
        inner = _resolved(whole, part)
        if "properties" in inner:
            yield from _columns(whole, inner, f"{way}{name}.")
        elif not _by_key(whole, inner):
            yield f"{way}{name}"


def _plain(whole: Schema, node: Schema) -> Iterator[str]:
    """What a line with a list within says of itself."""
    for name, part in node.get("properties", {}).items():
        if not {"properties", "additionalProperties", "items"} & _resolved(whole, part).keys():
            yield name


def _by_key(whole: Schema, node: Schema) -> bool:
    """Whether it is a column for each key that there is, or a table of its own."""
    return "additionalProperties" in node or "properties" in _resolved(whole, node.get("items", {}))
