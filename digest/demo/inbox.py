"""Pages of the demonstration: the caught mails as a reader sees them, as text, and with their
headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from digest.demo.catcher import Caught
from digest.mail.messages.templates import render

#: these pages carry their own style and frame the mail
_PAGE = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; frame-src 'self'; "
        "frame-ancestors 'none'"
    )
}
#: the mail may style itself and nothing else
_MAIL = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One reader's second digest: without their thumbs, and as sent."""

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
    caught: Sequence[Caught],
    changes: Sequence[Change] | None = None,
    *,
    service: str = "Digest demonstration",
) -> APIRouter:
    """Routes under /inbox over the mails caught, and the changes seen, so far; None where nothing
    is compared.
    """
    routes = APIRouter(prefix="/inbox", include_in_schema=False)

    def find(number: int) -> Caught:
        if not 1 <= number <= len(caught):
            raise HTTPException(404, "no such mail")
        return caught[number - 1]

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
        return page("inbox", mails=list(reversed(caught)), mail=None)

    if changes is not None:

        @routes.get("/changes")
        def changed() -> HTMLResponse:
            return page("changes", changes=changes)

    @routes.get("/{number}")
    def show(number: int) -> HTMLResponse:
        return page("inbox", mails=[], mail=find(number))

    @routes.get("/{number}/html")
    def html(number: int) -> HTMLResponse:
        # The links open beside the mail: the pages behind them refuse to be framed.
        return HTMLResponse(
            find(number).part("html").replace("<head>", '<head><base target="_blank">', 1),
            headers=_MAIL,
        )

    return routes
