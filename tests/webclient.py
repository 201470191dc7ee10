"""Helpers of the tests of pages and API.

A client without cookies, and the day's papers in an app's store.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from digest import pipeline, services, web
from digest.app import App
from digest.model import Purpose, Subscriber
from digest.web.form_timestamps import sign_timestamp
from tests.conftest import NOON, TODAY

Write = Callable[..., Path]


class Client:
    """A client for the pages of an app that opens no socket.

    It keeps nothing from one request to the next.
    """

    def __init__(self, app: App, pages: FastAPI | None = None) -> None:
        self.app, self.pages = app, pages or web.create(app)

    def request(self, method: str, path: str, **sent: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.pages, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://digest.test"
            ) as client:
                return await client.request(method, path, **sent)

        return asyncio.run(ask())

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, **sent: Any) -> httpx.Response:
        return self.request("POST", path, **sent)

    def get_with_key(self, path: str, scope: str = "papers:read") -> httpx.Response:
        """Ask the API with a new key of the operator that has one scope."""
        _, key = services.create_api_key(self.app, "test", [scope])
        return self.request("GET", path, headers={"Authorization": f"Bearer {key}"})

    def sign_up(self, **fields: str) -> httpx.Response:
        """Fill in the form of the front page as a person does.

        A minute after it was opened.
        """
        opened = sign_timestamp(self.app.keys()[-1], self.app.now() - timedelta(minutes=1))
        return self.post("/", data={"opened": opened, "homepage": "", **fields})

    def path(self, purpose: Purpose, subscriber: Subscriber, paper_id: int = 0) -> str:
        return self.app.url(purpose, subscriber.id, paper_id=paper_id).removeprefix(
            self.app.config.web.base_url
        )


class Clock:
    """The time of a story; tests move it."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Person(Client):
    """A client that waits two minutes before each request, unlike a robot."""

    def __init__(self, app: App, clock: Clock) -> None:
        self.clock = clock
        super().__init__(replace(app, now=clock))

    def request(self, method: str, path: str, **sent: Any) -> httpx.Response:
        self.clock.wait(120)
        return super().request(method, path, **sent)


def forms(text: str) -> list[tuple[str, dict[str, str]]]:
    """Find the forms of a page.

    Returns:
        Of each the path it is posted to ("" = this page), its hidden fields and only button.
    """
    found = []
    for attributes, inside in re.findall(r"<form([^>]*)>(.*?)</form>", text, re.DOTALL):
        action = re.search(r'action="([^"]*)"', attributes)
        fields = dict(re.findall(r'type="hidden" name="([\w-]+)" value="([^"]*)"', inside))
        buttons = re.findall(r'<button type="submit"[^>]*? name="(\w+)" value="([^"]*)"', inside)
        fields |= dict(buttons) if len(buttons) == 1 else {}
        found.append((action[1] if action else "", fields))
    return found


def fill(
    app: App, dump: Write, day: date = TODAY, rows: list[dict[str, Any]] | None = None
) -> None:
    """Store the papers of one day; ids count from 1."""
    pipeline.ingest(
        app, [dump(day, rows, per_topic=1) if rows is None else dump(day, rows)], seen="name"
    )


def contents(app: App) -> list[str]:
    """Read everything in the database, without the code under test."""
    connection = sqlite3.connect(str(app.store.url.database))
    try:
        return list(connection.iterdump())
    finally:
        connection.close()
