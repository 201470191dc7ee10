"""The front page with its form, and the confirmation that an address is its owner's.

Programs are kept from the form by a field that people do not see, by a stamp that is made when the
form is opened, and by limits. Whoever is held up is told so, and nothing has to be typed twice.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from digest import pipeline, subscriptions
from digest.app import App
from digest.errors import AddressError, InputError, LimitError, LinkError, NotFoundError
from digest.model import Purpose, Subscriber, SubscriberStatus
from digest.subscriptions import SubscriptionRequest
from digest.web import stamps
from digest.web.clients import Proxies
from digest.web.connections import REFUSALS
from digest.web.forms import blame
from digest.web.pages import Form, FormBody, Pages, masked, rhythm
from digest.web.texts import words

log = logging.getLogger("digest.web")
refusals = logging.getLogger(REFUSALS)

NOTHING = Form(fields={})
NO_ERRORS: Mapping[str, str] = MappingProxyType({})
#: fields of the form that nobody fills in: what people do not see, and when it was opened
TRAP, STAMP = "homepage", "opened"
#: nobody reads and fills in the form faster; a stamp that is older may be one that is passed around
_LEAST, _MOST = timedelta(seconds=2), timedelta(days=7)


class FrontPage:
    """The form to subscribe by, and what is said when it is not taken."""

    def __init__(self, app: App, pages: Pages) -> None:
        self._app, self._pages = app, pages
        # A template of the operator's own may be older than the stamp.
        self._stamped = f'name="{STAMP}"'.encode() in bytes(self.show().body)

    def show(
        self,
        form: Form = NOTHING,
        *,
        status: int = 200,
        errors: Mapping[str, str] = NO_ERRORS,
        held_up: str = "",
        stamp: str = "",
    ) -> HTMLResponse:
        """The page; `held_up` says why nothing happened, `stamp` is the form's where it stays."""
        filled = {name: form.one(name) for name in ("email", "keywords", "categories")}
        return self._pages.render(
            "front",
            status=status,
            form=filled | {"errors": errors},
            held_up=held_up,
            stamp=stamp or stamps.write(self._app.keys()[-1], self._app.now()),
        )

    def hold_up(self, form: Form) -> HTMLResponse | None:
        """The form again, for what a program sent; people press once more."""
        if form.one(TRAP).strip():
            why = "A field of this form that is not shown was filled in, as programs do."
            return self._once_more(form, f"{why} It is empty again now")
        if not self._stamped:
            return None
        age = self._age(form.one(STAMP))
        if age >= _MOST:
            return self._once_more(
                form, "This form was open for very long, or came without its date"
            )
        if age < _LEAST:
            why = "That was as fast as a program"
            return self._once_more(form, why, stamp=form.one(STAMP))
        return None

    def too_many(self, form: Form, error: LimitError) -> HTMLResponse:
        """The form again, and when it may be sent."""
        text = (
            "Too many have subscribed within the last hour, from where you are or in all, so no "
            f"mail was sent. Please press “Subscribe” again {in_minutes(error.retry_after)}."
        )
        response = self.show(form, status=429, held_up=text)
        response.headers["Retry-After"] = str(error.retry_after)
        return response

    def _once_more(self, form: Form, why: str, *, stamp: str = "") -> HTMLResponse:
        text = f"{why}. Please press “Subscribe” once more."
        return self.show(form, status=422, held_up=text, stamp=stamp)

    def _age(self, stamp: str) -> timedelta:
        """How long the form was open; very long where it bears no stamp of ours."""
        try:
            opened = self._app.with_keys(lambda keys: stamps.read(stamp, keys))
        except LinkError:
            return _MOST
        return self._app.now() - opened


def routes(app: App, pages: Pages, proxies: Proxies) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    front = FrontPage(app, pages)

    @router.api_route("/", methods=["GET", "HEAD"])
    def look() -> HTMLResponse:
        return front.show()

    @router.post("/")
    def ask(request: Request, form: FormBody) -> HTMLResponse:
        """The same answer to an address that is known and to one that is not: nobody can find out
        who reads.
        """
        if not app.config.web.signup:
            return front.show(status=403)
        held_up = front.hold_up(form)
        if held_up is not None:
            return held_up
        # What was left empty is no part of the request: it must not wipe what was asked for before.
        keywords, categories = (
            words(form.one("keywords")) or None,
            words(form.one("categories")) or None,
        )
        email = form.one("email").strip()
        subscription_request = SubscriptionRequest(
            email=email, keywords=keywords, categories=categories
        )
        try:
            subscriptions.sign_up(
                app, subscription_request, origin="page", client=proxies.client(request.scope)
            )
        except AddressError:
            return front.show(form, status=422, errors={"email": _address_problem(email)})
        except InputError as error:
            name, text = blame(error)
            return front.show(form, status=422, errors={name: text})
        except LimitError as error:
            refusals.info("subscribe refused=limit via=page")
            return front.too_many(form, error)
        log.info("subscribe via=page")
        return pages.render("asked", email=email)

    _add_confirmation(router, app, pages)
    return router


def _address_problem(email: str) -> str:
    if not email:
        return "Write the address that the digest should go to."
    if "." not in email.rpartition("@")[2] or not email.rpartition("@")[0]:
        return "Something is missing, such as @example.org."
    return "This is not an address that mail can go to. Look for a typing mistake."


def _add_confirmation(router: APIRouter, app: App, pages: Pages) -> None:
    @router.api_route("/c/{token}", methods=["GET", "HEAD"])
    def look(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.CONFIRM)
        try:
            return page(subscriptions.get(app, link.subscriber_id), pressed=False)
        except NotFoundError:
            return expired()

    @router.post("/c/{token}")
    def confirm(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.CONFIRM)
        try:
            subscriber = subscriptions.confirm(app, link.subscriber_id)
        except NotFoundError:
            return expired()
        pipeline.arrived(app, link)
        log.info("confirm subscriber=%d status=%s via=page", subscriber.id, subscriber.status.value)
        return page(subscriber, pressed=True)

    def expired() -> HTMLResponse:
        text = (
            "It was not used for long, or the reader was deleted, so nothing is stored any more. "
            "To get the digest, subscribe again on the front page."
        )
        return pages.problem(404, "This confirmation has expired", text)

    def page(subscriber: Subscriber, *, pressed: bool) -> HTMLResponse:
        return pages.render(
            "confirm",
            address=masked(subscriber.email),
            pending=subscriber.status is SubscriberStatus.PENDING,
            left=subscriber.status is SubscriberStatus.LEFT,
            suppressed=subscriber.status is SubscriberStatus.SUPPRESSED,
            pressed=pressed,
            rhythm=rhythm(subscriber),
            size=subscriber.size,
        )


def in_minutes(seconds: int) -> str:
    """When to come back, in the words of a page."""
    minutes = max(1, -(-seconds // 60))
    return "in a minute" if minutes == 1 else f"in {minutes} minutes"
