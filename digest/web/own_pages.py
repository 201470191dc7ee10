"""What the pages of one reader have in common: the links between them."""

from __future__ import annotations

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


def own_places(pages: Pages, link: Link, current: str | None = None) -> list[tuple[str, str, bool]]:
    """List the pages of a reader: name, path, and whether it is the page that asks.

    Args:
        pages: make the paths.
        link: of the reader.
        current: end of the address of the page that asks; None where it is not listed.
    """
    own = pages.path(Purpose.MANAGE, link)
    return [(gettext(name), own + end, end == current) for name, end in _PLACES]


def read_paper_id(form: Form) -> int | None:
    """Read the paper that a form is about; None where it names none."""
    number = form.one("paper")
    is_number = number.isascii() and number.isdecimal() and len(number) <= 18
    return int(number) if is_number else None
