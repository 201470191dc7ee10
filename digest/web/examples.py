"""The page of what an interest knows beside its lists: own words, example papers, a library."""

from __future__ import annotations

import logging

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import InputError
from digest.locales import gettext, ngettext
from digest.model import Interest, Link, Purpose, Subscriber
from digest.subscriptions import SubscriptionRequest
from digest.web.field_values import lines
from digest.web.own_pages import own_places
from digest.web.pages import Form, FormBody, Pages, reader_label
from digest.web.settings_form import split_field_error

log = logging.getLogger("digest.web")


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of the page."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])

    def look_up(token: str) -> tuple[Link, Subscriber]:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        subscriber = subscriptions.get(app, link.subscriber_id)
        pages.speak_to(subscriber)
        return link, subscriber

    def page(
        link: Link,
        subscriber: Subscriber,
        *,
        done: str = "",
        typed: Form | None = None,
        error: tuple[str, str] = ("", ""),
    ) -> HTMLResponse:
        own = pages.path(Purpose.MANAGE, link)
        interests = subscriber.interests or (Interest(),)
        errors = {error[0] or "library": error[1]} if error[1] else {}
        return pages.render(
            "examples",
            status=422 if errors else 200,
            whose=reader_label(subscriber),
            places=own_places(pages, link),
            done=done,
            errors=errors,
            failed=typed.one("interest") if typed else "",
            interests=[
                {
                    "number": number,
                    "name": interest.name,
                    "text": typed.one("text")
                    if typed and typed.one("interest") == interest.name
                    else interest.text,
                    "papers": typed.one("papers")
                    if typed and typed.one("interest") == interest.name
                    else "\n".join(interest.papers),
                }
                for number, interest in enumerate(interests)
            ],
            here=f"{own}/library",
            settings=own,
        )

    @router.api_route("/m/{token}/library", methods=["GET", "HEAD"])
    def show_page(token: str) -> HTMLResponse:
        return page(*look_up(token))

    @router.post("/m/{token}/library")
    def save(token: str, form: FormBody) -> HTMLResponse:
        link, subscriber = look_up(token)
        names = [interest.name for interest in subscriber.interests]
        name = form.one("interest")
        if form.one("do") != "save" or (names and name not in names):
            return page(link, subscriber)
        try:
            library = (
                services.read_library_names(app, form.files["library"]).names
                if (form.files.get("library"))
                else ()
            )
        except InputError as error:
            return page(link, subscriber, typed=form, error=("library", str(error)))
        request = SubscriptionRequest(
            email=subscriber.email,
            interest=name if names else None,
            text=form.one("text"),
            papers=tuple(dict.fromkeys((*lines(form.one("papers")), *library))),
        )
        try:
            changed = subscriptions.change(app, subscriber.id, request)
        except InputError as error:
            return page(link, subscriber, typed=form, error=split_field_error(error))
        log.info("examples subscriber=%d library=%d via=page", subscriber.id, len(library))
        done = gettext("Saved. The next digest follows.")
        if library:
            done = ngettext(
                "Saved. Read: %(num)s paper of your library. The next digest follows.",
                "Saved. Read: %(num)s papers of your library. The next digest follows.",
                len(library),
            )
        return page(link, changed, done=done)

    return router
