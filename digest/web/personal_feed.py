"""A reader's feed: the page that makes and ends its address, and the feed itself."""

from __future__ import annotations

import hashlib
import logging

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import NotFoundError
from digest.locales import gettext, set_language
from digest.mail.messages import texts
from digest.model import Link, Purpose
from digest.services import feed_link
from digest.web.own_pages import own_places
from digest.web.pages import FormBody, Pages, reader_label
from digest.web.public_feeds import FeedEntry, write_atom_entries, write_json_entries

log = logging.getLogger("digest.web")

#: seconds after which feed readers may ask again
_FRESH = 900


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of readers' feeds."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])

    @router.api_route("/m/{token}/feed", methods=["GET", "HEAD"])
    def show_page(token: str) -> HTMLResponse:
        return _render_page(app, pages, pipeline.read_link(app, token, Purpose.MANAGE))

    @router.post("/m/{token}/feed")
    def change(token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        pages.speak_to_reader(link)
        verb, number = form.one("do"), form.one("number")
        is_number = number.isascii() and number.isdecimal() and len(number) <= 9
        if verb not in ("renew", "close") or not is_number:
            return _render_page(app, pages, link)
        feed = services.renew_feed(app, link.subscriber_id, int(number), is_open=verb == "renew")
        log.info("feed %s subscriber=%d number=%d", verb, link.subscriber_id, feed.number)
        if not feed.is_open:
            done = gettext("The feed is closed.")
        elif feed.number > 1:
            done = gettext("Here is your feed address. The old one no longer works.")
        else:
            done = gettext("Here is your feed address.")
        return _render_page(app, pages, link, done=done)

    @router.api_route("/f/{token}.atom", methods=["GET", "HEAD"])
    def atom(request: Request, token: str) -> Response:
        return _answer(app, request, token, is_atom=True)

    @router.api_route("/f/{token}.json", methods=["GET", "HEAD"])
    def json_feed(request: Request, token: str) -> Response:
        return _answer(app, request, token, is_atom=False)

    return router


def _render_page(app: App, pages: Pages, link: Link, *, done: str = "") -> HTMLResponse:
    reader = subscriptions.get(app, link.subscriber_id)
    pages.speak_to(reader)
    feed = services.find_feed(app, reader.id)
    addresses: list[tuple[str, str]] = []
    if feed and feed.is_open:
        (url,) = app.urls([feed_link(reader.id, feed)])
        addresses = [("Atom", f"{url}.atom"), ("JSON Feed", f"{url}.json")]
    return pages.render(
        "own_feed",
        whose=reader_label(reader),
        places=own_places(pages, link, "/feed"),
        here=pages.path(Purpose.MANAGE, link) + "/feed",
        done=done,
        number=feed.number if feed else 0,
        since=texts.format_date(feed.at.date(), year=True) if feed else "",
        addresses=addresses,
    )


def _answer(app: App, request: Request, token: str, *, is_atom: bool) -> Response:
    """Return the feed, or 304 where the feed reader has it already.

    It names no reader: whoever sees the feed learns which papers it lists.
    """
    link = pipeline.read_link(app, token, Purpose.FEED)
    try:
        set_language(app.language_of(subscriptions.get(app, link.subscriber_id)))
        listed = services.load_feed(app, link)
    except NotFoundError:
        return Response(
            "This feed was closed, or has a new address. Its reader finds it on their pages.\n",
            status_code=410,
            media_type="text/plain",
        )
    base = app.config.web.base_url
    entries = [
        FeedEntry(
            paper=entry.paper,
            day=entry.day,
            summary=f"{gettext('Why:')} {entry.reason}\n\n{entry.paper.abstract}",
        )
        for entry in listed
    ]
    (url,) = app.urls([link])
    path = url.removeprefix(base) + (".atom" if is_atom else ".json")
    write = write_atom_entries if is_atom else write_json_entries
    answer = write(app, f"{app.mailing.name}: my papers", path, entries)
    tag = f'"{hashlib.blake2b(answer.body, digest_size=12).hexdigest()}"'
    headers = {"Cache-Control": f"private, max-age={_FRESH}", "ETag": tag}
    known = request.headers.get("if-none-match", "")
    if tag in [one.strip().removeprefix("W/") for one in known.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(answer.body, media_type=answer.media_type, headers=headers)
