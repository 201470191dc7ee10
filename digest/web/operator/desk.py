"""What all pages of the operator share: the frame, questions before an act, times and pages."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from digest.app import App
from digest.logs import Fields
from digest.mail.messages import texts
from digest.services.operator_login import PATH
from digest.web.operator.access import visit_of
from digest.web.pages import Form, Pages

log = logging.getLogger("digest.web.operator")
#: rows of a list on one page
ROWS = 50
#: largest id that every database can look for
_ID_MAX = 2**63 - 1
#: what was done, by the word that the address of the page after it has
DONE: Mapping[str, str] = {
    "paused": "Paused. No digest comes until somebody resumes it.",
    "resumed": "Resumed. The next digest comes on their next day.",
    "sent": "A new confirmation mail is on its way.",
    "waiting": "A confirmation mail was sent today already; the next one can go out tomorrow.",
    "forgotten": "Deleted, with everything that was stored about them.",
    "released": "Released. Mail may go there again, and earlier bounces no longer count.",
    "settled": "Settled.",
    "ended": "Ended.",
    "accepted": "Accepted. It is public as soon as its paper is stored.",
    "refused": "Refused. It stays out of the public pages.",
    "removed": "Removed.",
}


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Renders the operator's pages."""

    app: App
    pages: Pages

    def path(self, below: str = "", **query: object) -> str:
        """Return the path of a page of the operator; empty values are left out."""
        values = {name: value for name, value in query.items() if value not in (None, "")}
        return f"{self.pages.root}{PATH}{below}" + (f"?{urlencode(values)}" if values else "")

    def show(
        self, request: Request, template: str, *, status: int = 200, **values: object
    ) -> HTMLResponse:
        """Fill `templates/web/operator/<template>.html`."""
        frame = {
            "csrf": visit_of(request).csrf,
            "operator": self.path(),
            "path": self.path,
            "when": self.format_instant,
            "name": self.name_message,
            "done": DONE.get(request.query_params.get("done", ""), ""),
        }
        return self.pages.render(f"operator/{template}", status=status, **(frame | values))

    def ask(
        self,
        request: Request,
        form: Form,
        *,
        question: str,
        detail: str,
        button: str,
        back: str,
    ) -> HTMLResponse | None:
        """Return the page that asks before an act; None once it was answered with yes.

        The page posts the same form to the same address.
        """
        if form.one("sure") == "yes":
            return None
        kept = {name: form.one(name) for name in form.fields if name not in ("csrf", "sure")}
        return self.show(
            request,
            "ask",
            question=question,
            detail=detail,
            button=button,
            back=back,
            fields=kept,
        )

    def go(self, below: str, **query: object) -> RedirectResponse:
        """Lead to a page after an act, so that reloading does not repeat it."""
        return RedirectResponse(self.path(below, **query), status_code=303)

    def record(self, request: Request, act: str, **about: object) -> None:
        """Write to the log what the operator did."""
        log.info("operator act=%s session=%d %s", act, visit_of(request).session.id, Fields(about))

    def format_instant(self, at: datetime | date | None) -> str:
        """Format as `9 June, 12:00`, in UTC, with the year unless it is this one; "" for None."""
        if at is None:
            return ""
        this_year = self.app.now().year
        if not isinstance(at, datetime):
            return texts.format_date(at, year=at.year != this_year)
        at = at.astimezone(UTC)
        return f"{texts.format_date(at.date(), year=at.year != this_year)}, {at:%H:%M}"

    def name_message(self, kind: str, key: str) -> str:
        """Name a message by its kind and key: `Digest of 9 June`."""
        with suppress(ValueError):  # the key of an alarm has more than a day
            key = self.format_instant(date.fromisoformat(key))
        return f"{kind.capitalize()} of {key}"


def parse_id(text: str | None) -> int | None:
    """Parse the id in an address or form; None if it is none."""
    if not text or not (text.isascii() and text.isdecimal()) or len(text) > 19:
        return None
    ident = int(text)
    return ident if ident <= _ID_MAX else None
