"""Inbox pages: mails as a reader sees them, as text, and with headers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from digest.demo.mail_sink import ReceivedMail
from digest.mail.messages.templates import render

#: these pages have inline styles and show the mail in a frame
_PAGE = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; frame-src 'self'; "
        "frame-ancestors 'none'"
    )
}
#: a mail may only style itself
_MAIL = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestComparison:
    """One reader's second digest, without their thumbs and as sent."""

    name: str
    about: str
    up: int
    down: int
    before: tuple[str, ...]
    #: (title, reason)
    after: tuple[tuple[str, str], ...]

    @property
    def titles(self) -> set[str]:
        return {title for title, _ in self.after}


def inbox_pages(
    mails: Sequence[ReceivedMail],
    changes: Sequence[DigestComparison] | None = None,
    *,
    service: str = "Digest demonstration",
) -> APIRouter:
    """Routes under /inbox over the mails so far.

    Args:
        changes: comparisons so far; None if nothing is compared.
        service: the name on the pages.
    """
    routes = APIRouter(prefix="/inbox", include_in_schema=False)

    def find(number: int) -> ReceivedMail:
        if not 1 <= number <= len(mails):
            raise HTTPException(404, "no such mail")
        return mails[number - 1]

    def page(template: str, **values: object) -> HTMLResponse:
        common: dict[str, object] = {
            "root": "",
            "service": service,
            "signup": False,
            "compared": changes is not None,
        }
        return HTMLResponse(render(f"web/{template}.html", common | values), headers=_PAGE)

    @routes.get("")
    def index() -> HTMLResponse:
        return page("inbox", mails=list(reversed(mails)), mail=None)

    if changes is not None:

        @routes.get("/changes")
        def show_changes() -> HTMLResponse:
            return page("changes", changes=changes)

    @routes.get("/{number}")
    def show(number: int) -> HTMLResponse:
        return page("inbox", mails=[], mail=find(number))

    @routes.get("/{number}/html")
    def html(number: int) -> HTMLResponse:
        # Links open in a new tab: the pages behind them refuse to be framed.
        return HTMLResponse(
            find(number).part("html").replace("<head>", '<head><base target="_blank">', 1),
            headers=_MAIL,
        )

    return routes
