"""Chromium, for the tests of pages and mails."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.conftest import skip_or_fail


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Chromium of this machine, if there is one."""
    program = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if program is None:
        skip_or_fail("no Chromium is installed")
    opened = playwright.chromium.launch(
        executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one module.

    While it is open its event loop runs in this thread, and no other loop can.
    """
    with sync_playwright() as playwright, chromium(playwright) as opened:
        yield opened
