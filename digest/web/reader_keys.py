"""The page on which a reader makes and revokes keys of the API for their own data.

It needs the link to their settings. Opening it changes nothing. A key is shown once, in the answer
to the form, and a form that was posted too fast for a person makes none: a scanner that presses
every button must not hold a key.
"""

from __future__ import annotations

import logging

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import InputError
from digest.locales import gettext
from digest.mail.messages import texts
from digest.model import ApiKey, Link, Purpose
from digest.web.form_tokens import is_expired, is_too_fast, new_form_token
from digest.web.own_pages import own_places
from digest.web.pages import FormBody, Pages, reader_label

log = logging.getLogger("digest.web")


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of the page."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])

    def page(
        token: str, link: Link, *, made: str = "", done: str = "", error: str = "", name: str = ""
    ) -> HTMLResponse:
        reader = subscriptions.get(app, link.subscriber_id)
        pages.speak_to(reader)
        keys = services.list_api_keys(app, link.subscriber_id)
        return pages.render(
            "reader_keys",
            status=422 if error else 200,
            whose=reader_label(reader),
            places=own_places(pages, link),
            keys=[_template_values(key) for key in keys if key.is_valid(app.now())],
            made=made,
            done=done,
            error=error,
            name=name,
            mark=new_form_token(app.now()),
            here=f"{pages.root}/m/{token}/keys",
            settings=pages.path(Purpose.MANAGE, link),
            command=f'curl -H "Authorization: Bearer KEY" {app.config.web.base_url}/api/v1/me',
        )

    @router.api_route("/m/{token}/keys", methods=["GET", "HEAD"])
    def show_page(token: str) -> HTMLResponse:
        return page(token, pipeline.read_link(app, token, Purpose.MANAGE))

    @router.post("/m/{token}/keys")
    def change(token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        pages.speak_to_reader(link)
        if form.one("do") == "revoke":
            return page(token, link, done=_revoke(app, link, form.one("key")))
        if form.one("do") != "make":
            return page(token, link)
        name = form.one("name").strip()
        if not form.one("form") or is_too_fast(form.one("form"), app.now()):
            error = gettext("That was as fast as a program. Please press “Make a key” once more.")
            return page(token, link, error=error, name=name)
        if is_expired(form.one("form"), app.now()):
            error = gettext(
                "This page was open for very long. Please press “Make a key” once more."
            )
            return page(token, link, error=error, name=name)
        try:
            key, text = services.create_reader_key(app, link.subscriber_id, name)
        except InputError as error:
            reason = str(error).removeprefix("name: ")
            return page(token, link, error=f"{reason[:1].upper()}{reason[1:]}.", name=name)
        log.info("make api key=%d subscriber=%d via=page", key.id, link.subscriber_id)
        return page(token, link, made=text)

    return router


def _revoke(app: App, link: Link, number: str) -> str:
    """Revoke a key of the reader, and return a sentence about it; "" for an odd number."""
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):
        return ""
    revoked = services.revoke_api_key(app, int(number), subscriber_id=link.subscriber_id)
    if not revoked:
        return gettext("That key was revoked already.")
    log.info("revoke api key=%s subscriber=%d via=page", number, link.subscriber_id)
    return gettext("Revoked. Programs that have this key are refused from now on.")


def _template_values(key: ApiKey) -> dict[str, object]:
    used = gettext("not used yet")
    if key.last_used is not None:
        used = gettext("last used on %(day)s", day=texts.format_date(key.last_used, year=True))
    made = gettext("made on %(day)s", day=texts.format_date(key.created.date(), year=True))
    return {
        "id": key.id,
        "name": key.name,
        "facts": f"{key.hint}… · {made} · {used}",
    }
