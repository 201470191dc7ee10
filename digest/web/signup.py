"""The front page with the sign-up form, and the double opt-in.

Three things keep programs out: a honeypot field that people do not see, a signed timestamp of when
the form was opened, and rate limits. A person who is stopped is told why and can press again; the
form stays filled in.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import AddressError, InputError, LimitError, LinkError, NotFoundError
from digest.locales import gettext
from digest.model import Link, Purpose, Subscriber, SubscriberStatus
from digest.redaction import mask_address
from digest.web.address import MoveConfirmation
from digest.web.client_addresses import Proxies
from digest.web.connections import REFUSALS
from digest.web.form_timestamps import read_timestamp, sign_timestamp
from digest.web.pages import (
    OWN_SCRIPT,
    Form,
    FormBody,
    Pages,
    clean,
    in_minutes,
    rhythm,
)
from digest.web.reader_thumbs import FirstPapers
from digest.web.settings_form import split_field_error
from digest.web.signup_form import SignupForm, add_library, form_values, read_signup_form

log = logging.getLogger("digest.web")
refusal_log = logging.getLogger(REFUSALS)

NOTHING = Form(fields={})
NO_ERRORS: Mapping[str, str] = MappingProxyType({})
#: hidden fields: the honeypot, and when the form was opened
HONEYPOT, TIMESTAMP = "homepage", "opened"
#: fields of the form that an address may fill in, and their characters
_FIELDS_OF_SEARCH = ("keywords", "text", "categories", "authors", "papers")
_MOST_TYPED = 2000
#: remarks about what was typed, on the page that asks to look for the mail
_NOTES_MAX = 5
#: people need at least this long for the form; an older timestamp may be shared by programs
_AGE_MIN, _AGE_MAX = timedelta(seconds=2), timedelta(days=7)


class FrontPage:
    """The sign-up form, and what it says when it is not accepted."""

    def __init__(self, app: App, pages: Pages) -> None:
        self._app, self._pages = app, pages
        # the operator's own template may lack the timestamp
        self._has_timestamp = f'name="{TIMESTAMP}"'.encode() in bytes(self.show().body)

    def show(
        self,
        form: Form | SignupForm = NOTHING,
        *,
        status: int = 200,
        errors: Mapping[str, str] = NO_ERRORS,
        held_up: str = "",
        timestamp: str = "",
    ) -> HTMLResponse:
        """Return the page.

        Args:
            form: values to fill in.
            status: HTTP status.
            errors: text by field.
            held_up: why nothing happened.
            timestamp: of the form that was posted, to keep it; otherwise a new one is made.
        """
        sent = form if isinstance(form, SignupForm) else read_signup_form(form)
        sent = replace(sent, errors={**sent.errors, **errors})
        response = self._pages.render(
            "front",
            status=status,
            held_up=held_up,
            stamp=timestamp or sign_timestamp(self._app.keys()[-1], self._app.now()),
            **form_values(self._app, sent),
        )
        response.headers.update(OWN_SCRIPT)
        return response

    def check_for_program(self, form: Form) -> HTMLResponse | None:
        """Return the form again if a program seems to have sent it, else None."""
        if form.one(HONEYPOT).strip():
            reason = gettext(
                "A field of this form that is not shown was filled in, as programs do. It is "
                "empty again now."
            )
            return self._ask_again(form, reason)
        if not self._has_timestamp:
            return None
        age = self._age(form.one(TIMESTAMP))
        if age >= _AGE_MAX:
            reason = gettext("This form was open for very long, or came without its date.")
            return self._ask_again(form, reason)
        if age < _AGE_MIN:
            reason = gettext("That was as fast as a program.")
            return self._ask_again(form, reason, timestamp=form.one(TIMESTAMP))
        return None

    def show_limit(self, form: SignupForm, error: LimitError) -> HTMLResponse:
        """Return the form again, and say when it may be sent."""
        text = gettext(
            "Too many have subscribed within the last hour, from your network or in total, so no "
            "mail was sent. Please press “Subscribe” again %(when)s.",
            when=in_minutes(error.retry_after),
        )
        response = self.show(form, status=429, held_up=text)
        response.headers["Retry-After"] = str(error.retry_after)
        return response

    def _ask_again(self, form: Form, reason: str, *, timestamp: str = "") -> HTMLResponse:
        advice = gettext("Please press “Subscribe” once more.")
        return self.show(form, status=422, held_up=f"{reason} {advice}", timestamp=timestamp)

    def _age(self, timestamp: str) -> timedelta:
        """Return how long the form was open; the maximum if the timestamp is not ours."""
        try:
            opened = self._app.with_keys(lambda keys: read_timestamp(timestamp, keys))
        except LinkError:
            return _AGE_MAX
        return self._app.now() - opened


def routes(app: App, pages: Pages, proxies: Proxies, first_papers: FirstPapers) -> APIRouter:
    """Build the routes of the front page and the confirmation page."""
    router = APIRouter(include_in_schema=False)
    front = FrontPage(app, pages)
    speaks = [Depends(pages.speak)]

    # without lists of papers, the form is the home page
    @router.api_route("/", methods=["GET", "HEAD"], dependencies=speaks)
    @router.api_route("/subscribe", methods=["GET", "HEAD"], dependencies=speaks)
    def show_page(request: Request) -> HTMLResponse:
        # a search leads here with what it looked for, a paper's page with the paper
        typed = {name: request.query_params.get(name, "") for name in _FIELDS_OF_SEARCH}
        return front.show(
            Form(fields={name: (clean(text[:_MOST_TYPED]),) for name, text in typed.items()})
        )

    @router.post("/", dependencies=speaks)
    @router.post("/subscribe", dependencies=speaks)
    def ask(request: Request, form: FormBody) -> HTMLResponse:
        """Answer the same for known and unknown addresses.

        So nobody can find out who reads.
        """
        if not app.config.web.signup:
            return front.show(status=403)
        held_up = front.check_for_program(form)
        if held_up is not None:
            return held_up
        sent = add_library(app, read_signup_form(form), form)
        if sent.errors:
            return front.show(sent, status=422)
        language = pages.browser_language(request)
        try:
            subscriptions.sign_up(
                app,
                replace(sent.request, language=language or None),
                origin="page",
                client=proxies.client(request.scope),
            )
        except AddressError:
            return front.show(sent, status=422, errors={"email": _address_problem(sent.email)})
        except InputError as error:
            name, text = split_field_error(error)
            return front.show(sent, status=422, errors={name: text})
        except LimitError as error:
            refusal_log.info("subscribe refused=limit via=page")
            return front.show_limit(sent, error)
        log.info("subscribe via=page")
        with app.store.reading() as tx:
            (warnings,) = services.check_typed(tx, [[sent.interest]])
        notes = [found.sentence for found in warnings[:_NOTES_MAX]]
        return pages.render("asked", email=sent.email, notes=notes)

    _add_confirmation(router, app, pages, first_papers)
    return router


def _address_problem(email: str) -> str:
    if not email:
        return gettext("Write the address that the digest should go to.")
    if "." not in email.rpartition("@")[2] or not email.rpartition("@")[0]:
        return gettext("Something is missing, such as @example.org.")
    return gettext("This is not an address that mail can go to. Look for a typing mistake.")


def _add_confirmation(router: APIRouter, app: App, pages: Pages, first_papers: FirstPapers) -> None:
    moves = MoveConfirmation(app, pages)
    speaks = [Depends(pages.speak)]

    @router.api_route("/c/{token}", methods=["GET", "HEAD"], dependencies=speaks)
    def show_page(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.CONFIRM)
        if link.paper_id:
            return moves.ask(link)
        try:
            return page(subscriptions.get(app, link.subscriber_id), pressed=False)
        except NotFoundError:
            return render_expired()

    @router.post("/c/{token}", dependencies=speaks)
    async def confirm(token: str) -> HTMLResponse:
        answer, subscriber = await run_in_threadpool(press, token)
        if subscriber is None:
            return answer
        own = Link(Purpose.MANAGE, subscriber.id)
        return await first_papers.show(own, subscriber, confirmed=True)

    def press(token: str) -> tuple[HTMLResponse, Subscriber | None]:
        """Confirm, and return the page and the reader who has confirmed just now."""
        link = pipeline.read_link(app, token, Purpose.CONFIRM)
        if link.paper_id:
            return moves.confirm(link), None
        try:
            before = subscriptions.get(app, link.subscriber_id)
            # the words that are kept are those that the page showed
            pages.speak_to(before)
            subscriber = subscriptions.confirm(app, link.subscriber_id)
        except NotFoundError:
            return render_expired(), None
        pipeline.confirm_delivery(app, link)
        log.info("confirm subscriber=%d status=%s via=page", subscriber.id, subscriber.status.value)
        is_new = (before.status, subscriber.status) == (
            SubscriberStatus.PENDING,
            SubscriberStatus.ACTIVE,
        )
        return page(subscriber, pressed=True), subscriber if is_new else None

    def render_expired() -> HTMLResponse:
        text = gettext(
            "It was not used for long, or the reader was deleted, so nothing is stored any more. "
            "To get the digest, subscribe again on the front page."
        )
        return pages.problem(404, gettext("This confirmation has expired"), text)

    def page(subscriber: Subscriber, *, pressed: bool) -> HTMLResponse:
        pages.speak_to(subscriber)
        return pages.render(
            "confirm",
            address=mask_address(subscriber.email),
            pending=subscriber.status is SubscriberStatus.PENDING,
            left=subscriber.status is SubscriberStatus.LEFT,
            suppressed=subscriber.status is SubscriberStatus.SUPPRESSED,
            pressed=pressed,
            rhythm=rhythm(subscriber),
            size=subscriber.size,
        )
