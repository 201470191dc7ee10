"""Templates filled with values -> answers. Knows no route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from digest import subscriptions
from digest.app import App
from digest.errors import NotFoundError
from digest.locales import choose_language, current_language, gettext, ngettext, set_language
from digest.mail.messages import texts
from digest.mail.messages.paper_texts import format_authors
from digest.mail.messages.templates import render
from digest.model import Link, Paper, Purpose, Subscriber
from digest.papers import find_resources
from digest.redaction import mask_address
from digest.subscriptions import WORDING
from digest.web.middleware import HEADERS, add_headers

#: C0 and C1 controls except line feed, and surrogates: not every database can store them
_REMOVED = dict.fromkeys(
    (*range(0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000))
)


class Refusal(Exception):
    """A request that a page refuses; it says why and what to do."""

    def __init__(self, status: int, heading: str, text: str) -> None:
        super().__init__(heading)
        self.status, self.heading, self.text = status, heading, text


@dataclass(frozen=True, kw_only=True)
class Pages:
    """What every page needs besides its own values."""

    app: App

    @property
    def root(self) -> str:
        """Path under which readers reach the service.

        "" or "/digest", without a final slash.
        """
        return urlsplit(self.app.config.web.base_url).path.rstrip("/")

    def render(self, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """Fill `templates/web/<template>.html`.

        Raises:
            TemplateError: it is missing or broken.
        """
        common = {
            "root": self.root,
            "service": self.app.mailing.name,
            "signup": self.app.config.web.signup,
            "lists": self.app.config.web.papers,
            "wording": gettext(WORDING),
        }
        response = HTMLResponse(
            render(f"web/{template}.html", common | values, self.app.templates), status_code=status
        )
        response.headers["Content-Language"] = current_language()
        response.headers["Vary"] = "Accept-Language"
        add_headers(response.headers)
        return response

    async def speak(self, request: Request) -> None:
        """Answer in the browser's language, else the service's; a dependency of routes.

        It must not run in a thread, whose context ends with it.
        """
        set_language(self.browser_language(request, self.app.config.digest.language))

    def speak_to(self, subscriber: Subscriber | None) -> None:
        """Answer in the language that a reader chose, if they did."""
        if subscriber is not None and subscriber.language:
            set_language(self.app.language_of(subscriber))

    def speak_to_reader(self, link: Link) -> None:
        """Answer in the language of a link's reader, if they are still stored and chose one."""
        try:
            self.speak_to(subscriptions.get(self.app, link.subscriber_id))
        except NotFoundError:
            return

    @staticmethod
    def browser_language(request: Request, otherwise: str = "") -> str:
        """Return the language that the browser asks for, of those there are."""
        return choose_language(request.headers.get("accept-language", ""), otherwise)

    def problem(self, status: int, heading: str, text: str) -> HTMLResponse:
        """Return a page that says what is wrong and what to do about it."""
        return self.render("problem", status=status, heading=heading, text=text)

    def path(self, purpose: Purpose, link: Link, *, paper_id: int = 0) -> str:
        """Return the path of another page of the same reader.

        It has no host: the service may be reached under several names.
        """
        return self.paths((purpose, paper_id), link=link)[0]

    def paths(self, *targets: tuple[Purpose, int], link: Link) -> list[str]:
        """Return the paths of several pages of a link's reader, of purposes and paper ids."""
        unsigned = [
            link._replace(purpose=purpose, paper_id=paper_id) for purpose, paper_id in targets
        ]
        base_url = self.app.config.web.base_url
        return [self.root + url.removeprefix(base_url) for url in self.app.urls(unsigned)]


#: headers of a page that may run scripts of this service; the page must work without them
OWN_SCRIPT = {"Content-Security-Policy": f"{HEADERS['Content-Security-Policy']}; script-src 'self'"}


# ------------------------------------------------------------------------- how things are shown


def reader_label(subscriber: Subscriber) -> str:
    """Name the reader of a link.

    A name that contains an address is left out: it is private.
    """
    name = "" if "@" in subscriber.name else subscriber.name
    return f"{name} ({mask_address(subscriber.email)})" if name else mask_address(subscriber.email)


def paper_values(paper: Paper) -> dict[str, object]:
    """Return what the template of a paper needs."""
    resources = find_resources(paper)
    return {
        "title": paper.title,
        "authors": format_authors(paper.authors),
        "facts": " · ".join(
            filter(
                None,
                (
                    *paper.categories[:3],
                    texts.format_date(paper.first_seen, year=True),
                    resources.venue,
                ),
            )
        ),
        "url": texts.clean_url(resources.page),
        "is_search": resources.is_search,
        "resources": [(gettext(label), texts.clean_url(url)) for label, url in resources.links],
        "withdrawn": paper.withdrawn,
    }


def rhythm(subscriber: Subscriber) -> str:
    """When the digest comes: `on Monday and Friday, after 07:00 (Europe/Berlin time)`."""
    days, hour = texts.weekday_phrase(subscriber.days), f"{subscriber.hour:02d}:00"
    return gettext(
        "%(days)s, after %(hour)s (%(timezone)s time)",
        days=days,
        hour=hour,
        timezone=subscriber.timezone,
    )


# -------------------------------------------------------------------------------- posted forms


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The fields and files of a form.

    Browsers and mailbox providers use two encodings.
    """

    fields: Mapping[str, tuple[str, ...]]
    #: uploaded files that hold anything, the last one of each field
    files: Mapping[str, bytes] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """Return the last value of that name, or ""."""
        return self.fields.get(name, ("",))[-1]

    def all(self, name: str) -> tuple[str, ...]:
        return self.fields.get(name, ())


async def _read_form(request: Request) -> Form:
    """Read a posted form; a body that is not a form counts as an empty one.

    So a one-click unsubscribe works whatever a mail program sends.
    """
    try:
        data = await request.form(max_files=20, max_fields=500)
    except HTTPException as error:
        if error.status_code != 400:
            raise
        return Form(fields={})
    fields: dict[str, tuple[str, ...]] = {}
    files: dict[str, bytes] = {}
    for name, value in data.multi_items():
        if not isinstance(value, UploadFile):
            fields[name] = (*fields.get(name, ()), clean(value))
        elif content := await value.read():
            files[name] = content
    await data.close()
    return Form(fields=fields, files=files)


FormBody = Annotated[Form, Depends(_read_form)]


def clean(text: str) -> str:
    """Remove characters that a database or a mail header refuses.

    Line breaks become line feeds.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").translate(_REMOVED)


def in_minutes(seconds: int) -> str:
    """Return when to come back, in words for a page."""
    minutes = max(1, -(-seconds // 60))
    if minutes > 120:
        return gettext("in %(num)s hours", num=-(-minutes // 60))
    return ngettext("in a minute", "in %(num)s minutes", minutes)
