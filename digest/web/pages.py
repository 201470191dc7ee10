"""Templates filled with finished values -> answers.

Knows how an address, a link and a reader are shown, and no route.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from digest.app import App
from digest.mail.messages import texts
from digest.mail.messages.templates import render
from digest.model import Link, Paper, Purpose, Subscriber
from digest.web.guard import add_headers

_AUTHORS_SHOWN = 5
#: C0 and C1 controls but line feed, and half characters: no database stores all of them, no name
#: holds one
_UNWANTED = dict.fromkeys(
    (*range(0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000))
)


@dataclass(frozen=True, kw_only=True)
class Pages:
    """All that a page needs beside its own values."""

    app: App

    @property
    def root(self) -> str:
        """The path under which readers reach the service: "" or "/digest", never with a slash at
        its end.
        """
        return urlsplit(self.app.config.web.base_url).path.rstrip("/")

    def render(self, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """Fill `templates/web/<template>.html`.

        Raises:
            TemplateError: it is missing or broken.
        """
        common = {
            "root": self.root,
            "service": self.app.config.mail.name,
            "signup": self.app.config.web.signup,
        }
        response = HTMLResponse(
            render(f"web/{template}.html", common | values, self.app.templates), status_code=status
        )
        add_headers(response.headers)
        return response

    def problem(self, status: int, heading: str, text: str) -> HTMLResponse:
        """A page that says what is wrong and what to do about it."""
        return self.render("problem", status=status, heading=heading, text=text)

    def path(self, purpose: Purpose, link: Link, *, paper_id: int = 0) -> str:
        """Where the same reader finds another page; without host, since it may be reached under
        several names.
        """
        url = self.app.url(
            purpose, link.subscriber_id, paper_id=paper_id, message_id=link.message_id
        )
        return self.root + url.removeprefix(self.app.config.web.base_url)


# ---------------------------------------------------------------------------------------------- how
# things are shown


def masked(email: str) -> str:
    """Enough of an address for its owner to know it, too little for anybody else to write to it."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"


def whose(subscriber: Subscriber) -> str:
    """Whose link it is, for its owner: a name that holds an address would tell it to others."""
    name = "" if "@" in subscriber.name else subscriber.name
    return f"{name} ({masked(subscriber.email)})" if name else masked(subscriber.email)


def shown(paper: Paper) -> dict[str, object]:
    """What the template of a paper needs."""
    authors = list(paper.authors[:_AUTHORS_SHOWN])
    return {
        "title": paper.title,
        "authors": ", ".join(authors) + (" et al." if len(paper.authors) > _AUTHORS_SHOWN else ""),
        "facts": " · ".join([*paper.categories[:3], texts.day(paper.first_seen, year=True)]),
        "url": paper.url if paper.url.startswith(("https://", "http://")) else "",
        "withdrawn": paper.withdrawn,
    }


def rhythm(subscriber: Subscriber) -> str:
    """When the digest comes: `on Monday and Friday, after 07:00 (Europe/Berlin time)`."""
    days = texts.on_weekdays(subscriber.days)
    return f"{days}, after {subscriber.hour:02d}:00 ({subscriber.timezone} time)"


# ----------------------------------------------------------------------------------------------
# what was sent to us


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The text fields of a form, in either encoding that browsers and mailbox providers use.

    Files are left out.
    """

    fields: Mapping[str, tuple[str, ...]]

    def one(self, name: str) -> str:
        """The last value of that name, "" where there is none."""
        return self.fields.get(name, ("",))[-1]

    def all(self, name: str) -> tuple[str, ...]:
        return self.fields.get(name, ())


async def _read_form(request: Request) -> Form:
    """A body that is no form counts as an empty one: whoever can post to a link can leave, whatever
    their program adds.
    """
    try:
        data = await request.form(max_files=20, max_fields=500)
    except HTTPException as error:
        if error.status_code != 400:
            raise
        return Form(fields={})
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in data.multi_items():
        if not isinstance(value, UploadFile):
            fields[name] = (*fields.get(name, ()), clean(value))
    return Form(fields=fields)


FormBody = Annotated[Form, Depends(_read_form)]


def clean(text: str) -> str:
    """Without characters that a database or a mail header refuses; line breaks stay, as one line
    feed each.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").translate(_UNWANTED)
