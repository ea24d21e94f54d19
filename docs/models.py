"""The shapes of the API as TypedDicts, made of its OpenAPI document: `waypost/client/models.py`."""

import keyword
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from waypost.settings import Settings
from waypost.wiring import Parts

PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

HEAD = '''"""Shapes of requests and answers, generated from the OpenAPI document by `make docs`: change nothing here."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict
'''


def openapi() -> dict[str, Any]:
    """The document of the API as it stands."""
    from waypost.processes.api import build

    with TemporaryDirectory() as home:
        parts = Parts(Settings(_env_file=None, home=Path(home)))  # type: ignore[call-arg]
        try:
            return build(parts).openapi()
        finally:
            parts.close()


def models() -> str:
    """A TypedDict for each object, a Literal for each enumeration."""
    found = openapi()["components"]["schemas"]
    parts = [_model(name, schema) for name, schema in sorted(found.items()) if not name.startswith("Page_")]
    return HEAD + "\n\n" + "\n\n".join(parts)


def _model(name: str, schema: dict[str, Any]) -> str:
    if "enum" in schema:
        values = ", ".join(f'"{one}"' for one in schema["enum"])
        return f"{name} = Literal[{values}]\n"
    required = set(schema.get("required", ()))
    fields = {
        field: (_type(kind) if field in required else f"NotRequired[{_type(kind)}]")
        for field, kind in schema.get("properties", {}).items()
    }
    if any(keyword.iskeyword(field) for field in fields):
        body = ", ".join(f'"{field}": "{kind}"' for field, kind in fields.items())
        return f'{name} = TypedDict("{name}", {{{body}}})\n'
    told = " ".join(schema.get("description", "").split("\n\n")[0].split())
    doc = f'    """{told}"""\n\n' if told and len(told) < 108 else ""
    lines = "".join(f"    {field}: {kind}\n" for field, kind in fields.items()) or "    pass\n"
    return f"class {name}(TypedDict):\n{doc}{lines}"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    match schema.get("type"):
        case "array":
            return f"list[{_type(schema.get('items', {}))}]"
        case "object":
            inner = schema.get("additionalProperties")
            return f"dict[str, {_type(inner)}]" if isinstance(inner, dict) else "dict[str, Any]"
        case kind:
            return PLAIN.get(str(kind), "Any")
