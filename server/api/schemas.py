"""Schemas of structs, by name, and examples that fit them. Knows no operation."""

from __future__ import annotations

import re
from typing import Any, get_args, get_origin

import msgspec

from server.api.examples import BY_FIELD, PREFIXES, WHOLE

REF = "#/components/schemas/{name}"


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    return dict(kinds[0]) if len(kinds) == 1 else dict(schema)


def schema_ref(kind: Any) -> dict[str, Any]:
    return {"$ref": REF.format(name=schema_name(kind))}


def schema_name(kind: Any) -> str:
    """What msgspec calls the schema of a struct."""
    parts = get_args(kind)
    name = getattr(get_origin(kind) or kind, "__name__", str(kind))
    return f"{name}_{'_'.join(schema_name(part) for part in parts)}_" if parts else name


def reachable(schemas: dict[str, Any], names: list[str]) -> set[str]:
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            names += re.findall(r"#/components/schemas/(\w+)", msgspec.json.encode(schemas[name]).decode())
    return found


def example(name: str, schemas: dict[str, Any]) -> Any:
    """A document of the schema of that name."""
    if name in WHOLE:
        return WHOLE[name]
    schema = schemas[name]
    document = {field: _value(field, part, schemas) for field, part in schema["properties"].items()}
    if name in PREFIXES:
        document["id"] = f"{PREFIXES[name]}4h0p2s8d6k1v9x3m7q5z"
    return document


def _value(field: str, schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    if "examples" in schema:
        return schema["examples"][0]
    if field in BY_FIELD and "$ref" not in schema:
        choices = without_null(schema).get("enum")
        return choices[0] if choices and BY_FIELD[field] not in choices else BY_FIELD[field]
    schema = without_null(schema)
    if "$ref" in schema:
        return example(schema["$ref"].rpartition("/")[2], schemas)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("type") == "array":
        return [_value(field, schema["items"], schemas)] if schema.get("items") else []
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return {"narrator": _value("model", schema["additionalProperties"], schemas)}
    return None
