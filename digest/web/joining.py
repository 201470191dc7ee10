"""The front page with its form, and the confirmation that an address is its owner's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest import pipeline, subscriptions
from digest.app import App
from digest.errors import AddressError, InputError
from digest.model import Purpose, Standing, Subscriber
from digest.subscriptions import Wish
from digest.web.forms import blame
from digest.web.pages import Form, FormBody, Pages, masked, rhythm
from digest.web.texts import words

log = logging.getLogger("digest.web")

NOTHING = Form(fields={})
NO_ERRORS: Mapping[str, str] = MappingProxyType({})


def routes(app: App, pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    def front(form: Form = NOTHING, *, status: int = 200, errors: Mapping[str, str] = NO_ERRORS) -> HTMLResponse:
        filled = {name: form.one(name) for name in ("email", "keywords", "categories")}
        return pages.render("front", status=status, form=filled | {"errors": errors})

    @router.api_route("/", methods=["GET", "HEAD"])
    def look() -> HTMLResponse:
        return front()

    @router.post("/")
    def ask(form: FormBody) -> HTMLResponse:
        """The same answer to an address that is known and to one that is not: nobody can find out who reads."""
        if not app.config.web.signup:
            return front(status=403)
        # What was left empty is not wished: it must not wipe what was asked for before.
        keywords, categories = words(form.one("keywords")) or None, words(form.one("categories")) or None
        email = form.one("email").strip()
        try:
            subscriptions.ask(app, Wish(email=email, keywords=keywords, categories=categories), origin="page")
        except AddressError:
            problem = "This is no complete e-mail address." if email else "Write the address that the digest should go to."
            return front(form, status=422, errors={"email": problem})
        except InputError as error:
            name, text = blame(error)
            return front(form, status=422, errors={name: text})
        log.info("subscribe via=page")
        return pages.render("asked", email=email)

    @router.api_route("/c/{token}", methods=["GET", "HEAD"])
    def look_at_confirmation(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.CONFIRM)
        return confirmation(subscriptions.by_id(app, link.subscriber_id), pressed=False)

    @router.post("/c/{token}")
    def confirm(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.CONFIRM)
        subscriber = subscriptions.confirm(app, link.subscriber_id)
        pipeline.arrived(app, link)
        log.info("confirm subscriber=%d standing=%s via=page", subscriber.id, subscriber.standing.value)
        return confirmation(subscriber, pressed=True)

    def confirmation(subscriber: Subscriber, *, pressed: bool) -> HTMLResponse:
        return pages.render(
            "confirm",
            address=masked(subscriber.email),
            pending=subscriber.standing is Standing.PENDING,
            left=subscriber.standing is Standing.LEFT,
            suppressed=subscriber.standing is Standing.SUPPRESSED,
            pressed=pressed,
            rhythm=rhythm(subscriber),
            size=subscriber.size,
        )

    return router
