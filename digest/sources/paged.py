"""Protocols with pages of JSON.

Hugging Face, bioRxiv, medRxiv, OpenAlex and Crossref.
"""

from __future__ import annotations

import html
from datetime import date, timedelta
from typing import Any

from digest.sources.base import (
    BadAnswer,
    Page,
    PageResult,
    Position,
    Recovery,
    Request,
    SourceSettings,
    parse_count,
)
from digest.sources.oai import reject_html


class HuggingFace:
    """The list of each day: https://huggingface.co/docs/hub/api."""

    base_url: str = "https://huggingface.co/api/daily_papers"
    interval_minutes: int = 180
    suffix: str = "json"
    _size: int = 100

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"day": since.isoformat(), "last": until.isoformat(), "page": 0}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        return Request(
            url=settings.url or self.base_url,
            params={"date": position["day"], "limit": str(self._size), "p": str(position["page"])},
        )

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        reject_html(page.head())
        rows = page.json()
        if not isinstance(rows, list):
            raise BadAnswer(f"no list of papers: {describe_answer(rows)}")
        next_position: Position | None = position | {"page": position["page"] + 1}
        if len(rows) < self._size:
            day = date.fromisoformat(position["day"]) + timedelta(days=1)
            next_position = (
                position | {"day": day.isoformat(), "page": 0}
                if day <= date.fromisoformat(position["last"])
                else None
            )
        return PageResult(next=next_position, entries=bool(rows))


class Rxiv:
    """bioRxiv and medRxiv, a hundred versions at a time: https://api.biorxiv.org"""

    interval_minutes: int = 360
    suffix: str = "json"
    base_url: str = "https://api.biorxiv.org/details"

    def __init__(self, server: str) -> None:
        self._server = server

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat(), "cursor": 0}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        base = (settings.url or self.base_url).rstrip("/")
        return Request(
            url=f"{base}/{self._server}/{position['since']}/{position['until']}/{position['cursor']}/json"
        )

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        reject_html(page.head())
        answer = page.json()
        rows = answer.get("collection") if isinstance(answer, dict) else None
        messages = answer.get("messages") if isinstance(answer, dict) else None
        message = (
            messages[0]
            if isinstance(messages, list) and messages and isinstance(messages[0], dict)
            else {}
        )
        status = str(message.get("status", ""))
        if not rows and status.lower().startswith("no posts"):
            return PageResult(entries=False)
        if not isinstance(rows, list) or (status and status.lower() != "ok"):
            raise BadAnswer(f"no list of preprints: {status or describe_answer(answer)}")
        received = position["cursor"] + len(rows)
        total = parse_count(message.get("total"))
        if rows:
            more = received < total if total is not None else True
            return PageResult(next=position | {"cursor": received} if more else None)
        if total is None or received >= total:
            return PageResult(entries=False)
        # Sometimes the total is wrong, and sometimes a page is empty by mistake.
        note = f"the list ended at {received} although {total} were announced"
        raise BadAnswer(note, fallback=PageResult(entries=False, note=note))


class CursorPages:
    """Lists with a cursor to the next page.

    OpenAlex (https://docs.openalex.org) and Crossref (https://api.crossref.org).
    """

    interval_minutes: int = 360
    suffix: str = "json"

    def __init__(
        self,
        *,
        base_url: str,
        filters: str,
        size_parameter: str,
        page_size: int,
        items_path: tuple[str, ...],
        cursor_path: tuple[str, ...],
        ends_short: bool,
    ) -> None:
        self.base_url = base_url
        self._filters = filters
        self._size_parameter = size_parameter
        self._page_size = page_size
        self._items_path = items_path
        self._cursor_path = cursor_path
        #: whether the last page is the one that is not full, since it has a cursor as well
        self._ends_short = ends_short

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat(), "cursor": "*"}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        filters = self._filters.format(since=position["since"], until=position["until"]) + (
            f",{settings.query}" if settings.query else ""
        )
        params = {
            "filter": filters,
            self._size_parameter: str(self._page_size),
            "cursor": position["cursor"],
        }
        if settings.contact:
            params["mailto"] = settings.contact
        if settings.key:
            params["api_key"] = settings.key
        return Request(url=settings.url or self.base_url, params=params)

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        reject_html(page.head())
        answer = page.json()
        items, cursor = (
            follow_path(answer, self._items_path),
            follow_path(answer, self._cursor_path),
        )
        if not isinstance(items, list):
            is_cursor_lost = (
                "cursor" in describe_answer(answer).lower() and position["cursor"] != "*"
            )
            raise BadAnswer(
                f"no list of works: {describe_answer(answer)}",
                Recovery.RESTART if is_cursor_lost else Recovery.RETRY,
            )
        is_last = (
            not items
            or not isinstance(cursor, str)
            or not cursor
            or (self._ends_short and len(items) < self._page_size)
        )
        return PageResult(
            next=None if is_last else position | {"cursor": cursor}, entries=bool(items)
        )


def follow_path(value: Any, path: tuple[str, ...]) -> Any:
    """Return the value under a path of keys; None if there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def describe_answer(answer: Any) -> str:
    """Return the message of an answer, short enough for a line."""
    message = (
        next(
            (
                answer[key]
                for key in ("error", "message", "errMsg", "status")
                if isinstance(answer.get(key), str)
            ),
            "",
        )
        if isinstance(answer, dict)
        else ""
    )
    return html.unescape(message or str(answer))[:200]
