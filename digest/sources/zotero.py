"""A library of Zotero over its web API: the items that are new or changed since a version.

Described at https://www.zotero.org/support/dev/web_api/v3/basics. Items in the bin are not listed,
and what was removed is not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from digest.errors import InputError, SourceError
from digest.sources.base import BadAnswer, Request

if TYPE_CHECKING:
    from digest.sources.web import Web

BASE_URL: Final = "https://api.zotero.org"
#: items of a page, the most that the API gives
_PAGE_SIZE: Final = 100
_LIBRARY: Final = re.compile(r"(?:users|groups)/[1-9][0-9]{0,11}")


def check_library(library: str) -> str:
    """Return the name of a library without slashes around it.

    Raises:
        InputError: It is no name of a library.
    """
    name = library.strip().strip("/")
    if _LIBRARY.fullmatch(name) is None:
        raise InputError(
            f"{library!r} is no library of Zotero. Give users/ID or groups/ID, with the number "
            f"that https://www.zotero.org/settings/keys shows"
        )
    return name


def fetch_items(
    web: Web, library: str, *, key: str, since: int, into: Path, base_url: str
) -> Iterator[list[dict[str, Any]]]:
    """Yield the items that changed after a version, page by page, the oldest first.

    Args:
        web: The client.
        library: "users/ID" or "groups/ID".
        key: Of the API, that may read the library.
        since: A version of the library; 0 = all items.
        into: The file for a page.
        base_url: Of another server with this API.

    Raises:
        SourceError: The server refuses, or does not answer in its format.
    """
    url = f"{base_url.rstrip('/')}/{library}/items/top"
    start = 0
    while True:
        request = Request(
            url=url,
            params={
                "format": "json",
                "since": str(since),
                "sort": "dateAdded",
                "direction": "asc",
                "limit": str(_PAGE_SIZE),
                "start": str(start),
            },
            headers={"Zotero-API-Version": "3", "Zotero-API-Key": key},
        )
        answer = web.get(request, into)
        if answer.page is None or answer.status != 200:
            raise SourceError(
                f"{url}: the server answers {answer.status}. Check the library's name"
            )
        try:
            items = answer.page.json()
        except BadAnswer as error:
            raise SourceError(f"{url}: {error}") from error
        if not isinstance(items, list) or not all(map(_is_item, items)):
            raise SourceError(f"{url}: the answer is no list of items of Zotero")
        if items:
            yield items
        if len(items) < _PAGE_SIZE:
            return
        start += len(items)


def _is_item(item: object) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("key"), str)
        and isinstance(item.get("version"), int)
    )
