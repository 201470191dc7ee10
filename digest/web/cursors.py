"""Cursors of lists: opaque texts that say after which entry the next page begins. Pure.

A cursor names the last entry of a page, so entries that come or go meanwhile shift nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote, urlencode

import msgspec
from fastapi import Query, Request, Response

from digest.web.problems import ApiError

#: entries on a page unless asked otherwise, and at most
LIMIT, LIMIT_MAX = 50, 200

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="entries on a page at most")]
Cursor = Annotated[
    str,
    Query(
        max_length=200,
        description='`next` of the page before; "" = the first page. Opaque: take it as it is.',
    ),
]


def write_cursor(*key: int | str) -> str:
    """Write the sort key of a page's last entry as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type[int] | type[str]) -> tuple[int | str, ...] | None:
    """Read the sort key that a cursor stands for; None for "".

    Args:
        kinds: types of the values of the key.

    Raises:
        ApiError: it is none of this list.
    """
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        key = msgspec.json.decode(raw)
    except (ValueError, binascii.Error, msgspec.DecodeError, UnicodeError):
        key = None
    if (
        not isinstance(key, list)
        or len(key) != len(kinds)
        or any(type(value) is not kind for value, kind in zip(key, kinds, strict=True))
        or any(isinstance(value, int) and abs(value) >= 2**63 for value in key)
        or write_cursor(*key) != cursor
    ):
        raise refuse_cursor()
    return tuple(key)


def refuse_cursor() -> ApiError:
    return ApiError(
        422,
        "invalid",
        "cursor: this is none of this list",
        "leave it out for the first page, then give `next` of each page as it is",
        field="cursor",
    )


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Name the next page in the header Link; there is none after the last page.

    Its path begins where readers reach the service, also behind a proxy that removes a prefix.
    """
    if cursor is None:
        return
    query = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
    response.headers["Link"] = write_next_link(request, [*query, ("cursor", cursor)])


def write_next_link(request: Request, query: Sequence[tuple[str, str]]) -> str:
    """Write the header Link that names the next page by its query."""
    # the root may stand in the path already
    root, path = str(request.scope.get("root_path", "")), str(request.scope["path"])
    return f'<{quote(root + path.removeprefix(root))}?{urlencode(query)}>; rel="next"'
