"""A mail server for development: shows mails in the browser and delivers none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import RedirectResponse, Response

from digest.demo.inbox import inbox_pages
from digest.demo.mail_sink import MailSink
from digest.mail.messages.templates import render
from digest.web.listener import Listener


@contextmanager
def run_dev_mail(
    folder: Path, *, port: int = 0, web_port: int = 0
) -> Iterator[tuple[MailSink, str]]:
    """A running mail server, and the base address of its inbox; both local.

    Args:
        folder: keeps each mail as a file.
        port: for SMTP; 0 = any free one.
        web_port: for the pages; 0 = any free one.

    Raises:
        MailerError, DigestError: a port cannot be used.
    """
    with (
        MailSink(folder, port) as mail_sink,
        Listener(lambda: _pages(mail_sink), f"127.0.0.1:{web_port}", key="--web-port") as address,
    ):
        yield mail_sink, address


def _pages(mail_sink: MailSink) -> FastAPI:
    pages = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    pages.include_router(inbox_pages(mail_sink.mails, service="Digest dev mail"))
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
