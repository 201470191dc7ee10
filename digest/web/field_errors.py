"""What is wrong with a request, as a problem with field and remedy. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from digest.errors import AddressError, InputError
from digest.web.api_models import Problem
from digest.web.settings_form import split_field_error

#: parts of a request besides its body
_PLACES = {"query": "the query", "path": "the address", "header": "the headers"}


def describe_invalid_request(route: object, first: Mapping[str, Any]) -> Problem:
    """Describe the first error of a request.

    Args:
        route: the route that it is for, whose model describes the fields.
        first: an error as pydantic describes it.
    """
    location: list[Any] = list(first.get("loc", ())) or ["body"]
    place, path = location[0], location[1:]
    if place in _PLACES:
        name = str(path[0]) if path else str(place)
        reason = _lower(str(first.get("msg", "cannot be used")))
        remedy = f"see what /openapi.json says of {name} in {_PLACES[str(place)]}"
        return _problem(name, f"{name}: {reason}", remedy)
    model = _model_of(route)
    # the parts of a union or of invalid JSON are no fields of the model
    name = path[0] if path and isinstance(path[0], str) and first["type"] != "json_invalid" else ""
    if first.get("type") == "extra_forbidden":
        known = _fields_at(model, path[:-1])
        remedy = f"leave it out; known are {', '.join(known)}"
        if len(path) == 1:
            remedy += f"; {_describe_body(known)}"
        return _problem(name, f"{path[-1]} is unknown", remedy)
    fields = _fields_at(model, [])
    if name not in fields:
        return _problem("", "the body is no JSON object", _describe_body(fields))
    if first.get("type") == "missing" and len(path) == 1:
        message = f"{name} is missing"
    else:
        message = f"{name}: {_lower(str(first.get('msg', 'cannot be used')))}"
    return _problem(name, message, _describe_field(name, fields[name]))


def describe_unreadable_body() -> Problem:
    """Describe a body that is no text at all."""
    return _problem("", "the body is no JSON in UTF-8", "send a JSON object as application/json")


def describe_input_error(route: object, error: InputError | AddressError) -> Problem:
    """Describe a value that the service refused, whose message begins with its name."""
    if isinstance(error, AddressError):
        return _problem("email", str(error), "give an address that mail can be sent to")
    name, text = split_field_error(error)
    fields = _fields_at(_model_of(route), [])
    remedy = _describe_field(name, fields[name]) if name in fields else text
    return _problem(name, str(error), remedy)


def _problem(name: str, message: str, remedy: str) -> Problem:
    return Problem(code="invalid", field=name or None, message=message, remedy=remedy)


def _describe_body(fields: Mapping[str, FieldInfo]) -> str:
    required = [
        f'"{name}", {field.description or "see /openapi.json"}'
        for name, field in fields.items()
        if field.is_required()
    ]
    given = f" with {'; '.join(required)}" if required else ""
    return f"send a JSON object as application/json{given}"


def _describe_field(name: str, field: FieldInfo) -> str:
    return f"give {field.description}" if field.description else f"see /openapi.json for {name}"


def _model_of(route: object) -> type[BaseModel] | None:
    body = getattr(route, "body_field", None)
    model = body.field_info.annotation if body is not None else None
    return _find_model(model)


def _find_model(annotation: object) -> type[BaseModel] | None:
    """Find the model in an annotation such as `list[Model] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_find_model, get_args(annotation))), None)


def _fields_at(model: type[BaseModel] | None, path: list[Any]) -> Mapping[str, FieldInfo]:
    """Return the fields of the model at a path of names and positions."""
    for part in path:
        field = None if model is None else model.model_fields.get(str(part))
        if field is not None:
            model = _find_model(field.annotation)
    return {} if model is None else model.model_fields


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
