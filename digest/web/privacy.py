"""The privacy page, made from the config: what it says is what this install does."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from digest import presses, subscriptions
from digest.app import App
from digest.mail.messages import texts
from digest.web.pages import Pages


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the route of the privacy page."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])

    @router.api_route("/privacy", methods=["GET", "HEAD"])
    def show_page() -> HTMLResponse:
        web, mail = app.config.web, app.config.mail
        return pages.render(
            "privacy",
            operator=web.operator or mail.name,
            contact=web.contact or mail.reply_to or mail.sender,
            postal=texts.clean_lines(mail.postal_address),
            pending=web.pending_days,
            presses=presses.KEPT_FOR.days,
            address_changes=subscriptions.KEPT_FOR.days,
            backups=web.backups_days,
            reads_mail=bool(app.config.mailbox.host),
        )

    return router
