"""What the pages of one reader have in common: the links between them."""

from __future__ import annotations

from dataclasses import dataclass

from digest import services, subscriptions
from digest.locales import gettext, gettext_later
from digest.model import Link, Purpose
from digest.web.pages import Form, Pages

#: name and end of the address of each page
_PLACES = (
    (gettext_later("Past digests"), "/digests"),
    (gettext_later("Saved"), "/saved"),
    (gettext_later("Catch up"), "/catch-up"),
    (gettext_later("Feed"), "/feed"),
    (gettext_later("Settings"), ""),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPlaces:
    """Where the reader of a page can go."""

    #: name and path of each of their pages, and whether it is the page that asks
    links: list[tuple[str, str, bool]]
    #: path of their own view of the lists, where they vote; "" where they have none
    lists: str


def own_places(pages: Pages, link: Link, current: str | None = None) -> OwnPlaces:
    """List the pages of a reader.

    Args:
        pages: make the paths.
        link: of the reader.
        current: end of the address of the page that asks; None where it is not listed.
    """
    own = pages.path(Purpose.MANAGE, link)
    links = [(gettext(name), own + end, end == current) for name, end in _PLACES]
    return OwnPlaces(links=links, lists=find_own_lists(pages, link))


def find_own_lists(pages: Pages, link: Link) -> str:
    """Return the path of a reader's own view of the lists, where they vote.

    Returns:
        "" where there are no lists, and for a reader who may not vote.
    """
    if not pages.app.config.web.papers:
        return ""
    if not services.may_take_part(subscriptions.get(pages.app, link.subscriber_id)):
        return ""
    return pages.path(Purpose.VOTE, link._replace(paper_id=0, message_id=0))


def read_paper_id(form: Form) -> int | None:
    """Read the paper that a form is about; None where it names none."""
    number = form.one("paper")
    is_number = number.isascii() and number.isdecimal() and len(number) <= 18
    return int(number) if is_number else None
