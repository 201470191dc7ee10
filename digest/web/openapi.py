"""The OpenAPI document, with what all operations of the API have in common.

FastAPI describes parameters, bodies and successes. This adds errors as problem details, headers of
limits, and Idempotency-Key, each to the operations that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI

from digest.web.problems import CODES, MEDIA_TYPE, ProblemDetails

Operation = dict[str, Any]
_REF = "#/components/schemas/"
_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": f"{_REF}ProblemDetails"}}}
_WRITES = ("post", "put", "patch", "delete")
_LIMITS = {
    "RateLimit-Policy": {
        "description": 'requests that the key has in a window of seconds: `"key";q=600;w=60`',
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": 'requests left, and seconds until all are there again: `"key";r=599;t=1`',
        "schema": {"type": "string"},
    },
}
_RETRY_AFTER = {
    "Retry-After": {
        "description": "seconds after which to come again",
        "schema": {"type": "integer", "minimum": 1},
    }
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A random text of your own for this request, such as a UUID. Sent again within "
    "24 hours with the same body, the request changes nothing and gets its first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
_CONDITIONS = {
    name: {
        "name": name,
        "in": "header",
        "required": False,
        "description": text,
        "schema": {"type": "string", "maxLength": 1000},
    }
    for name, text in {
        "If-None-Match": "An ETag that you have: if it is the newest, the answer is an empty 304.",
        "If-Match": "The ETag that your change is based on: if it is not the newest, nothing "
        "changes, and the answer is 412.",
    }.items()
}
_COMMON = {
    "304": "It has not changed since the version that If-None-Match names",
    "401": "There is no key, or it is mistyped, expired or revoked",
    "403": "The key does not allow this",
    "404": "There is no such thing",
    "409": "The same Idempotency-Key is in use just now, or the state does not allow this",
    "412": "It was changed since the version that If-Match names",
    "413": "The body is too large",
    "422": "A value is missing, unknown or out of range",
    "429": "Too many requests",
    "503": "Busy, or the database does not answer",
    "default": "Any other error, such as an address that is too long",
}
_DROPPED = ("HTTPValidationError", "ValidationError")


def describe_api(web: FastAPI, about: str) -> None:
    """Let the application serve the whole description at /openapi.json.

    Args:
        about: text of the first page, in Markdown.
    """
    make: Callable[[], dict[str, Any]] = web.openapi

    def openapi() -> dict[str, Any]:
        if web.openapi_schema is None:
            document = make()
            document["info"]["description"] = f"{about}\n\n{_list_codes()}"
            _complete(document)
            web.openapi_schema = document
        return web.openapi_schema

    web.openapi = openapi  # type: ignore[method-assign]


def _list_codes() -> str:
    lines = "\n".join(f"- `{code}`: {meaning}" for code, (_, meaning) in CODES.items())
    return (
        "Every error is a problem detail (RFC 9457, `application/problem+json`), whose `remedy` "
        f"says what to do. Its `code` is one of:\n\n{lines}"
    )


def _complete(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    own = ProblemDetails.model_json_schema(ref_template=_REF + "{model}")
    schemas |= own.pop("$defs", {})
    schemas["ProblemDetails"] = own
    for path, method, operation in _operations(document):
        if path.startswith("/api/"):
            _complete_operation(path, method, operation)
    for name in _DROPPED:
        schemas.pop(name, None)
    document["components"]["schemas"] = dict(sorted(schemas.items()))


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _complete_operation(path: str, method: str, operation: Operation) -> None:
    has_key, responses = bool(operation.get("security")), operation["responses"]
    expected = {"503", "default"}
    added: list[dict[str, Any]] = []
    if has_key:
        expected |= {"401", "403", "429"}
    if has_key and method in _WRITES:
        expected |= {"409", "422"}
        added.append(_IDEMPOTENCY_KEY)
    if "ETag" in responses.get("200", {}).get("headers", {}) or "412" in responses:
        expected |= {"304"} if method == "get" else {"412"}
        added.append(_CONDITIONS["If-None-Match" if method == "get" else "If-Match"])
    if "requestBody" in operation:
        expected |= {"413", "422"}
    if "{" in path:
        expected |= {"404"}
    if added:
        operation["parameters"] = operation.get("parameters", []) + added
    if "parameters" in operation:
        expected |= {"422"}
    for status in expected:
        if _is_fastapis_own(responses.get(status)):
            responses[status] = {"description": _COMMON[status]}
    operation["responses"] = {
        status: _complete_response(status, responses[status], has_key)
        for status in sorted(responses)
    }


def _complete_response(status: str, response: dict[str, Any], has_key: bool) -> dict[str, Any]:
    headers = dict(response.get("headers", {}))
    if status in ("429", "503"):
        headers |= _RETRY_AFTER
    if has_key and status not in ("401", "503", "default"):
        headers |= _LIMITS
    content = {"content": _PROBLEM} if status == "default" or status >= "400" else {}
    return response | content | ({"headers": headers} if headers else {})


def _is_fastapis_own(response: object) -> bool:
    """Tell whether no route has described a response."""
    return response is None or "HTTPValidationError" in str(response)
