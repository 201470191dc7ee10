"""The settings of one reader: how much, when and about what; the pause; and the way to the way out."""

from __future__ import annotations

import logging
from dataclasses import replace

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest import pipeline, subscriptions
from digest.app import App
from digest.errors import InputError
from digest.messages.texts import WEEKDAYS
from digest.model import Link, Purpose, Standing, Subscriber
from digest.web.forms import SIZE_MAX, Settings, blame, offered_zones, read_settings, settings_of
from digest.web.pages import Form, FormBody, Pages, rhythm, whose

log = logging.getLogger("digest.web")


def routes(app: App, pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    def page(link: Link, subscriber: Subscriber, settings: Settings | None = None, *, done: str = "", status: int = 200) -> HTMLResponse:
        return pages.render(
            "settings",
            status=status,
            whose=whose(subscriber),
            standing=subscriber.standing.value,
            rhythm=rhythm(subscriber),
            form=settings or settings_of(subscriber),
            done=done,
            days=list(enumerate(WEEKDAYS, start=1)),
            hours=range(24),
            size_max=SIZE_MAX,
            zones=offered_zones(),
            leave=pages.path(Purpose.UNSUBSCRIBE, link),
            learned=f"{pages.path(Purpose.MANAGE, link)}/learned",
            delete=f"{pages.path(Purpose.MANAGE, link)}/delete",
        )

    @router.api_route("/m/{token}", methods=["GET", "HEAD"])
    def look(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        return page(link, subscriptions.by_id(app, link.subscriber_id))

    @router.post("/m/{token}")
    def change(token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        pipeline.arrived(app, link)
        verb = form.one("do")
        if verb in ("pause", "resume"):
            subscriber = subscriptions.pause(app, link.subscriber_id, paused=verb == "pause")
        elif verb == "return":
            subscriber = subscriptions.return_after(app, link.subscriber_id)
        elif verb in ("save", "add"):
            return save(link, form, more=verb == "add")
        else:
            return page(link, subscriptions.by_id(app, link.subscriber_id))
        log.info("%s subscriber=%d standing=%s via=page", verb, subscriber.id, subscriber.standing.value)
        active = subscriber.standing is Standing.ACTIVE
        return page(link, subscriber, done=f"The digest comes again: {rhythm(subscriber)}." if active else "")

    def save(link: Link, form: Form, *, more: bool) -> HTMLResponse:
        known = subscriptions.by_id(app, link.subscriber_id)
        sent, wish = read_settings(form, known)
        if not sent.errors:
            try:
                saved = subscriptions.change(app, link.subscriber_id, wish)
            except InputError as error:
                name, text = blame(error)
                sent = replace(sent, errors={name: text})
            else:
                log.info("change subscriber=%d via=page", saved.id)
                done = "Saved. Here is room for one more interest." if more else "Saved. The next digest follows these settings."
                return page(link, saved, settings_of(saved, more=more), done=done)
        return page(link, known, sent, status=422)

    return router
