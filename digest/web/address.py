"""Pages that move a digest to another address: ask, confirm, object."""

from __future__ import annotations

import logging
from typing import Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from digest import pipeline, subscriptions
from digest.app import App
from digest.errors import AddressError, InputError, LimitError
from digest.locales import gettext, gettext_later
from digest.model import Link, Purpose, Subscriber
from digest.redaction import mask_address
from digest.web.client_addresses import Proxies
from digest.web.own_pages import own_places
from digest.web.pages import FormBody, Pages, in_minutes, reader_label

log = logging.getLogger("digest.web")

_IN_CONFIG: Final = gettext_later(
    "The operator of this service has named you in its configuration. Ask them to change the "
    "address there."
)


def routes(app: App, pages: Pages, proxies: Proxies) -> APIRouter:
    """Build the routes of the page that asks for another address, and of the objection."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])

    def look_up(token: str) -> tuple[Link, Subscriber]:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        subscriber = subscriptions.get(app, link.subscriber_id)
        pages.speak_to(subscriber)
        return link, subscriber

    def page(
        link: Link, subscriber: Subscriber, *, typed: str = "", error: str = "", status: int = 422
    ) -> HTMLResponse:
        own = pages.path(Purpose.MANAGE, link)
        return pages.render(
            "address",
            status=status if error else 200,
            whose=reader_label(subscriber),
            places=own_places(pages, link),
            typed=typed,
            error=error,
            asked="",
            here=f"{own}/address",
            settings=own,
        )

    @router.api_route("/m/{token}/address", methods=["GET", "HEAD"])
    def show_page(token: str) -> HTMLResponse:
        return page(*look_up(token))

    @router.post("/m/{token}/address")
    def ask(request: Request, token: str, form: FormBody) -> HTMLResponse:
        """Answer the same for known and unknown addresses."""
        link, subscriber = look_up(token)
        typed = form.one("address").strip()[:320]
        try:
            subscriptions.ask_for_move(
                app, subscriber.id, typed, client=proxies.client(request.scope)
            )
        except AddressError:
            error = gettext(
                "This is not an address that mail can go to. Look for a typing mistake."
            )
            return page(link, subscriber, typed=typed, error=error)
        except InputError as error:
            name, _, reason = str(error).partition(": ")
            text = (
                f"{reason[:1].upper()}{reason[1:]}." if name == "address" else gettext(_IN_CONFIG)
            )
            return page(link, subscriber, typed=typed, error=text)
        except LimitError as error:
            text = gettext(
                "Too many were asked for lately. Try again %(when)s.",
                when=in_minutes(error.retry_after),
            )
            answer = page(link, subscriber, typed=typed, error=text, status=429)
            answer.headers["Retry-After"] = str(error.retry_after)
            return answer
        log.info("ask for move subscriber=%d via=page", subscriber.id)
        return pages.render(
            "address",
            whose=reader_label(subscriber),
            places=own_places(pages, link),
            asked=typed,
            settings=pages.path(Purpose.MANAGE, link),
        )

    @router.api_route("/o/{token}", methods=["GET", "HEAD"])
    def show_objection(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.OBJECT)
        pages.speak_to_reader(link)
        change = subscriptions.find_objection(app, link)
        return pages.render(
            "object",
            outcome="asks" if change else "over",
            new_address=mask_address(change.new_email) if change else "",
            moved=change is not None and change.state == "done",
        )

    @router.post("/o/{token}")
    def object_to_move(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.OBJECT)
        pages.speak_to_reader(link)
        outcome = subscriptions.object_to_move(app, link)
        log.info("object to move subscriber=%d outcome=%s", link.subscriber_id, outcome)
        return pages.render("object", outcome=outcome)

    return router


class MoveConfirmation:
    """The page on which the new address confirms, behind a link to confirm."""

    def __init__(self, app: App, pages: Pages) -> None:
        self._app, self._pages = app, pages

    def ask(self, link: Link) -> HTMLResponse:
        """Return the page before any press."""
        self._pages.speak_to_reader(link)
        change = subscriptions.find_move(self._app, link)
        return self._pages.render(
            "move",
            outcome="asks" if change else "ended",
            old_address=mask_address(change.old_email) if change else "",
            new_address=mask_address(change.new_email) if change else "",
        )

    def confirm(self, link: Link) -> HTMLResponse:
        """Move the digest, and return the page about it."""
        self._pages.speak_to_reader(link)
        moved = subscriptions.confirm_move(self._app, link)
        log.info("move subscriber=%d outcome=%s via=page", link.subscriber_id, moved.outcome)
        reader = moved.subscriber
        return self._pages.render(
            "move",
            outcome=moved.outcome,
            new_address=mask_address(reader.email) if reader else "",
            settings=self._pages.path(Purpose.MANAGE, Link(Purpose.MANAGE, reader.id))
            if reader
            else "",
        )
