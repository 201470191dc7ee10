"""Versions of answers: ETag, If-None-Match and If-Match (RFC 9110, 8.8 and 13.1). Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from digest.web.problems import ApiError

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')


#: responses of routes whose answer has an ETag
VERSIONED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {"ETag": {"description": "version of the answer", "schema": {"type": "string"}}}
    }
}

#: responses of routes that change an answer with an ETag and do not return it
CHANGED: dict[int | str, dict[str, Any]] = {
    412: {"description": "It was changed since the version that If-Match names"}
}


def make_etag(answer: BaseModel) -> str:
    """Return the strong ETag of an answer."""
    body = answer.model_dump_json().encode()
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def answer_with_etag(request: Request, answer: BaseModel, *, status: int = 200) -> Response:
    """Return an answer with its ETag; 304 where a GET says that the client has it already."""
    etag = make_etag(answer)
    if request.method in ("GET", "HEAD") and _names(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers={"ETag": etag})
    return JSONResponse(answer.model_dump(mode="json"), status_code=status, headers={"ETag": etag})


def check_if_match(request: Request, stored: BaseModel) -> None:
    """Refuse a change of a version that is not the stored one; without If-Match allow any.

    Raises:
        ApiError: 412.
    """
    condition = request.headers.get("if-match")
    if condition is None or _names(condition, make_etag(stored), strong=True):
        return
    raise ApiError(
        412,
        "changed",
        "it was changed since the version that If-Match names; nothing was changed now",
        "read it again, apply the change to what it says, and send its new ETag",
    )


def _names(condition: str | None, etag: str, *, strong: bool = False) -> bool:
    """Tell whether a list of ETags names one, or any by `*`."""
    if condition is None:
        return False
    if condition.strip() == "*":
        return True
    return any(
        f'"{value}"' == etag and not (strong and weak) for weak, value in _TAG.findall(condition)
    )
