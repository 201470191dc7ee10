"""The privacy page, made from the config: what it says is what this install does."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest import presses, subscriptions
from digest.app import App
from digest.mail.messages import texts
from digest.web.pages import Pages


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the route of the privacy page."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/privacy", methods=["GET", "HEAD"])
    def show_page() -> HTMLResponse:
        web, mail = app.config.web, app.config.mail
        pending = timedelta(days=web.pending_days)
        return pages.render(
            "privacy",
            operator=web.operator or mail.name,
            contact=web.contact or mail.reply_to or mail.sender,
            postal=texts.clean_lines(mail.postal_address),
            pending=_days(pending) if web.pending_days else "",
            presses=_days(presses.KEPT_FOR),
            address_changes=_days(subscriptions.KEPT_FOR),
            backups=_days(timedelta(days=web.backups_days)) if web.backups_days else "",
            reads_mail=bool(app.config.mailbox.host),
        )

    return router


def _days(period: timedelta) -> str:
    return texts.plural(period.days, "day")
