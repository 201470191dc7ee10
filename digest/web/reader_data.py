"""The page of a reader's data: what they agreed to, and downloads of everything.

The link may have been forwarded with a mail, and no page shows the address. So the download of
everything asks for it; lists of rated papers, which other pages of the link show too, do not.
"""

from __future__ import annotations

import json
import logging
from typing import Final

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.locales import gettext, gettext_later
from digest.mail.messages import texts
from digest.model import Consent, Link, Purpose, Subscriber, Vote
from digest.web.delete import is_own_address
from digest.web.own_pages import own_places
from digest.web.pages import FormBody, Pages, reader_label

log = logging.getLogger("digest.web")

#: what a reader agreed to, by event and origin
_EVENTS: Final = {
    ("asked", "page"): gettext_later("You asked for the digest on this site."),
    ("asked", "api"): gettext_later("You asked for the digest through a program."),
    ("asked", "mail"): gettext_later("You asked for the digest by mail."),
    ("confirmed", "page"): gettext_later("You confirmed your address on this site."),
    ("confirmed", "api"): gettext_later("You confirmed your address through a program."),
    ("confirmed", "mail"): gettext_later("You confirmed your address by mail."),
    ("moved", "page"): gettext_later("You moved the digest to another address on this site."),
    ("moved", "api"): gettext_later("You moved the digest to another address through a program."),
    ("moved", "mail"): gettext_later("You moved the digest to another address by mail."),
}
_OTHER_ORIGINS: Final = {
    "asked": gettext_later("You asked for the digest (%(origin)s)."),
    "confirmed": gettext_later("You confirmed your address (%(origin)s)."),
    "moved": gettext_later("You moved the digest to another address (%(origin)s)."),
}
#: how readers came in whom nobody asked: the operator answers for it
_ADDED_BY_OPERATOR: Final = ("command", "file", "config")
_MEDIA_TYPES: Final = {
    "bib": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
}


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of a reader's data."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])

    def look_up(token: str) -> tuple[Link, Subscriber]:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        subscriber = subscriptions.get(app, link.subscriber_id)
        pages.speak_to(subscriber)
        return link, subscriber

    def page(link: Link, subscriber: Subscriber, *, error: str = "") -> HTMLResponse:
        own = pages.path(Purpose.MANAGE, link)
        origin = subscriptions.load_origin(app, subscriber.id)
        return pages.render(
            "data",
            status=422 if error else 200,
            whose=reader_label(subscriber),
            places=own_places(pages, link),
            joined=gettext("The operator of this service added you")
            if origin in _ADDED_BY_OPERATOR
            else gettext("You signed up"),
            joined_on=texts.format_date(subscriber.created.date(), year=True),
            consents=[
                _describe(given) for given in subscriptions.list_consents(app, subscriber.id)
            ],
            error=error,
            here=f"{own}/data",
            settings=own,
        )

    @router.api_route("/m/{token}/data", methods=["GET", "HEAD"])
    def show_page(token: str) -> HTMLResponse:
        return page(*look_up(token))

    @router.post("/m/{token}/data")
    def download(token: str, form: FormBody) -> Response:
        link, subscriber = look_up(token)
        if not is_own_address(form.one("address"), subscriber):
            error = gettext("Type the address that the digest comes to, all of it.")
            return page(link, subscriber, error=error)
        log.info("export subscriber=%d via=page", subscriber.id)
        text = json.dumps(services.export_reader(app, subscriber), ensure_ascii=False, indent=2)
        return _attach(text, "application/json", "digest.json")

    @router.api_route("/m/{token}/thumbs-{vote}.{format}", methods=["GET", "HEAD"])
    def download_thumbs(token: str, vote: str, format: str) -> Response:
        _, subscriber = look_up(token)
        votes: dict[str, Vote] = {"up": 1, "down": -1}
        if vote not in votes or format not in _MEDIA_TYPES:
            text = gettext("Open it again from your data page.")
            return pages.problem(404, gettext("There is no such list"), text)
        text = services.export_thumbs(
            app, subscriber, votes[vote], "bib" if format == "bib" else "ris"
        )
        return _attach(text, _MEDIA_TYPES[format], f"thumbs-{vote}.{format}")

    return router


def _describe(consent: Consent) -> dict[str, str]:
    time = f"{consent.at:%H:%M}"
    event = _EVENTS.get((consent.event, consent.origin))
    return {
        "event": gettext(event)
        if event
        else gettext(_OTHER_ORIGINS[consent.event], origin=consent.origin),
        "when": gettext(
            "%(day)s, %(time)s UTC",
            day=texts.format_date(consent.at.date(), year=True),
            time=time,
        ),
        "wording": consent.wording,
    }


def _attach(text: str, media_type: str, name: str) -> Response:
    disposition = f'attachment; filename="{name}"'
    return Response(
        text.encode(), media_type=media_type, headers={"Content-Disposition": disposition}
    )
