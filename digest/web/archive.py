"""A reader's past digests: a list, and each as its mail showed it."""

from __future__ import annotations

import re

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import NotFoundError
from digest.locales import current_language, gettext, ngettext, set_language
from digest.mail.messages import texts
from digest.mail.messages.templates import render
from digest.model import Link, Purpose
from digest.services import RatedItem
from digest.web.middleware import add_headers
from digest.web.own_pages import own_places
from digest.web.pages import Pages, reader_label

#: A mail brings its style with it. It has no script and no image; the icon is the page's.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; base-uri "
    "'none'; frame-ancestors 'none'"
)
#: what is put into the HTML of a mail, and behind what; foreign text in it is escaped
_INSERTED = (
    ("mail_below", re.compile(r"(?=</body>)", re.IGNORECASE)),
    ("mail_above", re.compile(r"<body\b[^>]*>", re.IGNORECASE)),
    ("mail_head", re.compile(r"<head\b[^>]*>", re.IGNORECASE)),
)


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of past digests."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])

    @router.api_route("/m/{token}/digests", methods=["GET", "HEAD"])
    def show_archive(token: str, page: str = "") -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        return _render_archive(app, pages, link, read_page_number(page))

    @router.api_route("/d/{token}/mail", methods=["GET", "HEAD"])
    def show_mail(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.RATE)
        if not link.message_id:
            text = gettext(
                "The mail that this link stands in is a preview, and its digest is not stored."
            )
            return pages.problem(200, gettext("This is a preview"), text)
        try:
            return _render_mail(app, pages, link)
        except NotFoundError:
            text = gettext(
                "This mail cannot be shown any more: its digest or its subscription was deleted, "
                "or all its papers were withdrawn. You need not do anything."
            )
            return pages.problem(404, gettext("This mail is no longer stored"), text)

    return router


def read_page_number(text: str) -> int:
    """Read the number of a page of a list; 1 where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else 1


def _render_archive(app: App, pages: Pages, link: Link, page: int) -> HTMLResponse:
    reader = subscriptions.get(app, link.subscriber_id)
    pages.speak_to(reader)
    archive = services.load_archive(app, reader.id, page)
    here = pages.path(Purpose.MANAGE, link) + "/digests"
    digests = []
    for past in archive.digests:
        rate = pages.path(Purpose.RATE, link._replace(message_id=past.message_id))
        digests.append(
            {
                "day": texts.format_date(past.local_date, weekday=True, year=True),
                "papers": ngettext("%(num)s paper", "%(num)s papers", past.papers),
                "mail": f"{rate}/mail",
                "rate": rate,
            }
        )
    return pages.render(
        "archive",
        whose=reader_label(reader),
        places=own_places(pages, link, "/digests"),
        digests=digests,
        total=ngettext("%(num)s digest", "%(num)s digests", archive.total),
        page=archive.page,
        pages=archive.pages,
        newer=f"{here}?page={archive.page - 1}" if archive.page > 1 else "",
        older=f"{here}?page={archive.page + 1}" if archive.page < archive.pages else "",
    )


def _render_mail(app: App, pages: Pages, link: Link) -> HTMLResponse:
    """Return the HTML part of a mail between a line above it and the papers to save below."""
    # the mail speaks so too, whatever the browser asks for
    set_language(app.language_of(subscriptions.get(app, link.subscriber_id)))
    message = services.write_sent_mail(app, link)
    rate = pages.path(Purpose.RATE, link)
    values = {
        "root": pages.root,
        "rate": rate,
        "archive": pages.path(Purpose.MANAGE, link) + "/digests",
        "papers": [
            {"id": rated.paper.id, "number": rated.number, "title": rated.paper.title}
            for rated in _find_unsaved(app, link)
        ],
    }
    html = message.html
    for template, place in _INSERTED:
        at = _find_place(html, place)
        html = html[:at] + render(f"web/{template}.html", values, app.templates) + html[at:]
    response = HTMLResponse(
        html,
        headers={
            "Content-Security-Policy": _MAIL_POLICY,
            "Content-Language": current_language(),
        },
    )
    add_headers(response.headers)
    return response


def _find_place(html: str, place: re.Pattern[str]) -> int:
    """Find where a pattern stands last; at the beginning where an operator's template lacks it."""
    return max((match.end() for match in place.finditer(html)), default=0)


def _find_unsaved(app: App, link: Link) -> list[RatedItem]:
    """Find the papers of a digest that its reader has not saved; none on a quiet day."""
    try:
        listed = services.load_digest_papers(app, link)
    except NotFoundError:
        return []
    return [rated for rated in listed.items if not rated.is_saved]
