"""A mail server for development: takes every mail, delivers none, and shows them in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import RedirectResponse, Response

from digest.demo.catcher import Catcher
from digest.demo.inbox import inbox_pages
from digest.mail.messages.templates import render
from digest.web.listener import Listener


@contextmanager
def catching(folder: Path, *, port: int = 0, web_port: int = 0) -> Iterator[tuple[Catcher, str]]:
    """A catcher that listens, and the base address of its inbox; both on this machine alone.

    Args:
        folder: where each mail is kept as a file.
        port: for SMTP; 0 = any free one.
        web_port: for the pages; 0 = any free one.

    Raises:
        MailerError, DigestError: a port cannot be used.
    """
    with (
        Catcher(folder, port) as catcher,
        Listener(lambda: _pages(catcher), f"127.0.0.1:{web_port}", key="--web-port") as address,
    ):
        yield catcher, address


def _pages(catcher: Catcher) -> FastAPI:
    pages = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    pages.include_router(inbox_pages(catcher.caught, service="Digest catcher"))
    files = APIRouter()

    @files.get("/")
    def front() -> Response:
        return RedirectResponse("/inbox")

    @files.get("/style.css")
    def style() -> Response:
        return Response(render("web/style.css", {}), media_type="text/css")

    @files.get("/icon.svg")
    def icon() -> Response:
        return Response(render("web/icon.svg", {}), media_type="image/svg+xml")

    pages.include_router(files)
    return pages
