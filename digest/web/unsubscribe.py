"""Unsubscribe by page and by the button of mailbox providers (RFC 8058).

One POST, no login, no redirect, always 200.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from digest import pipeline, subscriptions
from digest.app import App
from digest.errors import NotFoundError, RevokedKeyError
from digest.model import Link, Purpose, RevokedLink, Subscriber, SubscriberStatus
from digest.redaction import mask_address
from digest.web.form_tokens import is_expired, new_form_token, normalise_form_token
from digest.web.pages import Form, FormBody, Pages

log = logging.getLogger("digest.web")


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of the unsubscribe page."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])
    page = _UnsubscribePage(app, pages)

    @router.api_route("/u/{token}", methods=["GET", "HEAD"])
    def show_page(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.UNSUBSCRIBE)
        return page.show(link, page.find_subscriber(link))

    @router.post("/u/{token}")
    def leave(token: str, form: FormBody) -> HTMLResponse:
        """Unsubscribe on any POST, except one that asks to come back."""
        link = pipeline.read_link(app, token, Purpose.UNSUBSCRIBE)
        comes_back = form.one("undo") and not form.one("List-Unsubscribe")
        try:
            return page.come_back(link, form) if comes_back else page.unsubscribe(link, form)
        except NotFoundError:  # deleted at this moment
            return page.show(link, None)

    return router


@dataclass(frozen=True)
class _UnsubscribePage:
    """The page that unsubscribes, and undoes it."""

    app: App
    pages: Pages

    def find_subscriber(self, link: Link) -> Subscriber | None:
        """Return None for a deleted reader, who is shown the same as one who has left."""
        try:
            return subscriptions.get(self.app, link.subscriber_id)
        except NotFoundError:
            return None

    def unsubscribe(self, link: Link, form: Form) -> HTMLResponse:
        """Unsubscribe the reader."""
        token = normalise_form_token(form.one("form"), self.app.now())
        # a forged link must not unsubscribe a reader unnoticed
        forgeable = isinstance(link, RevokedLink)
        left = subscriptions.leave_by_link(self.app, link, token, farewell=forgeable)
        pipeline.confirm_delivery(self.app, link)
        one_click = bool(form.one("List-Unsubscribe")) and not form.one("form")
        via = "one-click" if one_click else "page"
        log.info("unsubscribe subscriber=%d via=%s", link.subscriber_id, via)
        return self.show(link, left.subscriber, repeated=left.repeated)

    def come_back(self, link: Link, form: Form) -> HTMLResponse:
        """Subscribe the reader again, if the form is recent."""
        if isinstance(link, RevokedLink):
            raise RevokedKeyError("the key of this link was revoked")
        now = self.app.now()
        if is_expired(form.one("form"), now):
            return self.show(link, subscriptions.get(self.app, link.subscriber_id))
        token, confirms = normalise_form_token(form.one("form"), now), bool(form.one("confirm"))
        returned = subscriptions.return_by_link(self.app, link, token, confirms=confirms)
        pipeline.confirm_delivery(self.app, link)
        log.info("return subscriber=%d held=%s via=page", link.subscriber_id, returned.held)
        done = not returned.held and not returned.repeated
        return self.show(
            link,
            returned.subscriber,
            back=done and returned.subscriber.status is SubscriberStatus.ACTIVE,
            held=returned.held,
            repeated=returned.repeated and not returned.held,
        )

    def show(
        self,
        link: Link,
        subscriber: Subscriber | None,
        *,
        back: bool = False,
        held: bool = False,
        repeated: bool = False,
    ) -> HTMLResponse:
        """Return the page, with what has just happened."""
        self.pages.speak_to(subscriber)
        status = None if subscriber is None else subscriber.status
        # whoever knows a revoked key can make this link for any reader, so the page shows no
        # address and offers no return
        trusted = not isinstance(link, RevokedLink)
        return self.pages.render(
            "unsubscribe",
            address="" if subscriber is None or not trusted else mask_address(subscriber.email),
            gone=status is None,
            left=status is SubscriberStatus.LEFT,
            suppressed=status is SubscriberStatus.SUPPRESSED,
            back=back,
            may_return=trusted,
            held=held,
            repeated=repeated,
            mark=new_form_token(self.app.now()),
        )
