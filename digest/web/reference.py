"""The OpenAPI document -> what a page of reference shows. Pure, and knows no route.

Everything here comes from the document, so the page cannot say anything else than it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = Mapping[str, Any]
#: pieces of a line: text, and whether it is code
Line = tuple[tuple[str, bool], ...]
#: text of a type, and the anchor of the object that it names, or ""
TypeText = tuple[tuple[str, str], ...]

_METHODS = ("get", "post", "put", "patch", "delete")
_REF = "#/components/schemas/"
#: bounds beyond are those of a database column, and tell nobody anything
_BOUND_SHOWN = 10**12
#: shared by all operations, and told once at the top
_SHARED = frozenset({"Idempotency-Key"})
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "minLength": "characters at least",
    "maxLength": "characters at most",
    "minItems": "entries at least",
    "maxItems": "entries at most",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A paragraph or a list."""

    kind: Literal["p", "ul"]
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A parameter, or a value of an object."""

    name: str
    type: TypeText
    required: bool
    about: Line
    #: "path", "query", "header" or "" for a value of an object
    place: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer of an operation."""

    status: str
    about: Line
    type: TypeText


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """A method at a path."""

    anchor: str
    method: str
    path: str
    summary: str
    about: tuple[Block, ...]
    #: what it needs: "a key with the scope x", "a reader's own key", "no key"
    access: str
    parameters: tuple[Field, ...]
    body: TypeText
    body_about: Line
    replies: tuple[Reply, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The operations about one kind of thing."""

    name: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Object:
    """An object that is sent or answered."""

    name: str
    anchor: str
    about: tuple[Block, ...]
    fields: tuple[Field, ...]


def read_groups(document: Json) -> list[Group]:
    """Return all operations of a document by their first tag, in its order."""
    groups: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = methods[method]
                tag = next(iter(operation.get("tags", ())), "other")
                groups.setdefault(tag, []).append(_read_operation(path, method, operation))
    return [Group(name=name, operations=tuple(found)) for name, found in groups.items()]


def read_objects(document: Json) -> list[Object]:
    """Return all objects of a document, in its order."""
    schemas = document.get("components", {}).get("schemas", {})
    return [
        Object(
            name=name,
            anchor=f"object-{name}",
            about=read_text(schema.get("description", "")),
            fields=tuple(
                _read_field(field, value, required=field in schema.get("required", ()))
                for field, value in schema.get("properties", {}).items()
            ),
        )
        for name, schema in schemas.items()
    ]


def _read_operation(path: str, method: str, operation: Json) -> Operation:
    body = operation.get("requestBody", {})
    return Operation(
        anchor=re.sub(r"[^a-z0-9]+", "-", f"{method}{path}".lower()).strip("-"),
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        about=read_text(operation.get("description", "")),
        access=_describe_access(operation.get("security", ())),
        parameters=tuple(
            _read_field(
                parameter["name"],
                parameter.get("schema", {}) | {"description": parameter.get("description", "")},
                required=parameter.get("required", False),
                place=parameter["in"],
            )
            for parameter in operation.get("parameters", ())
            if parameter["name"] not in _SHARED
        ),
        body=_describe_content(body.get("content", {})),
        body_about=read_line(body.get("description", "")),
        replies=tuple(
            Reply(
                status=status,
                about=read_line(reply.get("description", "")),
                type=_describe_content(reply.get("content", {})),
            )
            for status, reply in operation["responses"].items()
        ),
    )


def _describe_access(security: Iterable[Json]) -> str:
    needs = []
    for entry in security:
        scopes = [scope for names in entry.values() for scope in names]
        if scopes:
            needs.append(f"a key with the scope {' and '.join(scopes)}")
        elif entry:
            needs.append("a reader's own key")
        else:
            needs.append("no key")
    return " or ".join(dict.fromkeys(needs)) or "no key"


def _read_field(name: str, schema: Json, *, required: bool, place: str = "") -> Field:
    return Field(
        name=name,
        type=describe_type(schema),
        required=required,
        about=read_line(schema.get("description", "")),
        place=place,
    )


def _describe_content(content: Json) -> TypeText:
    for media_type, value in content.items():
        schema = value.get("schema", {})
        if media_type == "application/octet-stream":
            return (("bytes", ""),)
        return describe_type(schema) if schema else ((media_type, ""),)
    return ()


def describe_type(schema: Json) -> TypeText:
    """Describe a schema in words; each named object comes with its anchor."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(_REF)
        return ((name, f"object-{name}"),)
    if "const" in schema:
        return ((_quote(schema["const"]), ""),)
    if "enum" in schema:
        return ((", ".join(_quote(value) for value in schema["enum"]), ""),)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return _join([describe_type(option) for option in schema[key]])
    kind = schema.get("type", "any value")
    if kind == "array":
        return (("list of ", ""), *describe_type(schema.get("items", {})), *_bounds(schema))
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return (("object with values: ", ""), *describe_type(schema["additionalProperties"]))
    shown = {"date-time": "time", "date": "day"}.get(schema.get("format", ""), kind)
    return ((str(shown), ""), *_bounds(schema))


def _bounds(schema: Json) -> TypeText:
    said = []
    for key, words in _BOUNDS.items():
        bound = schema.get(key, _BOUND_SHOWN)
        if abs(bound) < _BOUND_SHOWN:
            number = f"{int(bound)}" if float(bound).is_integer() else f"{bound}"
            said.append(f"{words} {number}" if key.endswith("imum") else f"{number} {words}")
    return ((f" ({', '.join(said)})", ""),) if said else ()


def _join(options: list[TypeText]) -> TypeText:
    joined: list[tuple[str, str]] = []
    for number, option in enumerate(options):
        if number:
            joined.append((" or ", ""))
        joined += option
    return tuple(joined)


def _quote(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def read_text(text: str) -> tuple[Block, ...]:
    """Read paragraphs, lists and code of Markdown; all else stays as it is written."""
    blocks = []
    for part in re.split(r"\n\s*\n", text.strip()):
        if part.lstrip().startswith("- "):
            items = re.split(r"(?m)^\s*- ", part.strip())[1:]
            blocks.append(Block(kind="ul", lines=tuple(read_line(item) for item in items)))
        elif part:
            blocks.append(Block(kind="p", lines=(read_line(part),)))
    return tuple(blocks)


def read_line(text: str) -> Line:
    """Split a line into text and code, which stands between backticks."""
    pieces = re.split(r"`([^`]+)`", " ".join(text.split()))
    return tuple((piece, number % 2 == 1) for number, piece in enumerate(pieces) if piece)
