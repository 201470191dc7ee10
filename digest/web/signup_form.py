"""The sign-up form -> a subscription request, with an error for each bad field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from digest import papers, services
from digest.app import App
from digest.errors import InputError
from digest.locales import gettext, gettext_later, name_weekday, ngettext
from digest.model import STRICTNESS_WORDS, Interest, StrictnessWord
from digest.subscriptions import SubscriptionRequest, split_words
from digest.web.field_values import lines, number
from digest.web.pages import Form
from digest.web.settings_form import (
    STRICTNESS,
    normalise_zone,
    offered_zones,
    suggest_zone,
    zones,
)

#: characters of a field, and of the pasted papers, that are read
_TYPED_MAX, _PASTED_MAX = 4000, 60_000
#: fields for categories: at first, and at most; more than that share the last one
_CATEGORIES_SHOWN, _CATEGORIES_MAX = 3, 9
_EVERY_DAY = "1,2,3,4,5,6,7"
#: choices of days: value, label
_DAYS: tuple[tuple[str, str], ...] = (
    (_EVERY_DAY, gettext_later("Every day")),
    ("1,2,3,4,5", gettext_later("Monday to Friday")),
    *((str(day), gettext_later("Once a week, on %(weekday)s")) for day in range(1, 8)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignupForm:
    """A sign-up form as on the page: text in every field, and the errors."""

    email: str = ""
    keywords: str = ""
    text: str = ""
    categories: tuple[str, ...] = ()
    authors: str = ""
    papers: str = ""
    timezone: str = ""
    hour: str = ""
    days: str = ""
    strictness: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    #: what became of an uploaded library
    library: str = ""

    @property
    def category_fields(self) -> tuple[str, ...]:
        """The value of each field for categories: at least three, and an empty one."""
        shown = self.categories
        if len(shown) > _CATEGORIES_MAX:
            last = ", ".join(shown[_CATEGORIES_MAX - 1 :])
            shown = (*shown[: _CATEGORIES_MAX - 1], last)
        empty = max(_CATEGORIES_SHOWN - len(shown), 1 if len(shown) < _CATEGORIES_MAX else 0)
        return (*shown, *[""] * empty)

    @property
    def tells_more(self) -> bool:
        """Whether the reader said more than keywords."""
        said = (self.text, self.authors, self.papers, *self.categories, self.library)
        return any(said) or bool(
            {"text", "categories", "authors", "papers", "library"} & set(self.errors)
        )

    @property
    def interest(self) -> Interest:
        """What was typed, as an interest."""
        return Interest(
            keywords=split_words(self.keywords),
            categories=self.categories,
            authors=lines(self.authors),
            papers=lines(self.papers),
            text=self.text,
        )

    @property
    def request(self) -> SubscriptionRequest:
        """The request of a form without errors.

        An empty field asks for nothing: it must not delete what an earlier request asked for.
        """
        interest = self.interest
        return SubscriptionRequest(
            email=self.email,
            keywords=interest.keywords or None,
            categories=interest.categories or None,
            authors=interest.authors or None,
            papers=interest.papers or None,
            text=interest.text or None,
            timezone=normalise_zone(self.timezone) if self.timezone else None,
            hour=number(self.hour) if self.hour else None,
            days=_parse_days(self.days) if self.days else None,
            strictness=self.strictness or None,
        )

    @property
    def strictness_word(self) -> StrictnessWord | None:
        return next((word for word in STRICTNESS_WORDS if word == self.strictness), None)


def read_signup_form(form: Form) -> SignupForm:
    """Read the posted form, with its errors; an uploaded library is not read yet."""
    errors: dict[str, str] = {}
    hour = form.one("hour").strip()
    if hour and (number(hour) is None or not 0 <= int(hour) <= 23):
        errors["hour"] = gettext("Choose an hour from 0 to 23.")
    zone = " ".join(form.one("timezone")[:100].split())
    if zone and normalise_zone(zone) not in zones():
        errors["timezone"] = suggest_zone(zone)
    days = form.one("days").strip()
    if days and days not in dict(_DAYS):
        errors["days"] = gettext("Choose one of these.")
    strictness = form.one("strictness").strip()
    if strictness and strictness not in STRICTNESS_WORDS:
        errors["strictness"] = gettext("Choose one of these.")
    typed = "\n".join(form.all("categories"))[:_TYPED_MAX]
    return SignupForm(
        email=form.one("email").strip()[:320],
        keywords=form.one("keywords")[:_TYPED_MAX].strip(),
        text=form.one("text")[:_TYPED_MAX].strip(),
        categories=tuple(dict.fromkeys(split_words(typed))),
        authors=form.one("authors")[:_TYPED_MAX].strip(),
        papers=form.one("papers")[:_PASTED_MAX].strip(),
        timezone=zone,
        hour=hour,
        days=days,
        strictness=strictness,
        errors=errors,
    )


def add_library(app: App, sent: SignupForm, form: Form) -> SignupForm:
    """Add the papers of an uploaded library to the pasted ones; the file itself is not kept.

    Raises:
        BusyError: other libraries are being read.
    """
    content = form.files.get("library")
    if not content:
        return sent
    try:
        library = services.read_library_names(app, content)
    except InputError as error:
        return replace(sent, errors={**sent.errors, "library": str(error)})
    names = dict.fromkeys((*lines(sent.papers), *library.names))
    said = ngettext(
        "%(num)s paper of your library", "%(num)s papers of your library", len(library.names)
    )
    if unused := library.left_out + library.refused:
        said = ngettext(
            "%(papers)s; %(num)s could not be used",
            "%(papers)s; %(num)s could not be used",
            unused,
            papers=said,
        )
    return replace(sent, papers="\n".join(names)[:_PASTED_MAX], library=said)


def form_values(app: App, sent: SignupForm) -> dict[str, Any]:
    """Return what the template of the sign-up fields needs."""
    defaults = app.config.digest
    days = ",".join(map(str, defaults.days))
    usual, as_usual = str(defaults.new_strictness()), gettext("As usual here")
    offered_days = [
        (
            value,
            gettext(label, weekday=name_weekday(int(value))) if len(value) == 1 else gettext(label),
        )
        for value, label in _DAYS
    ]
    strictness = [
        (value, gettext(label, size=defaults.size), gettext(hint))
        for value, label, hint in STRICTNESS
    ]
    return {
        "form": sent,
        # a default that is none of the choices stays as it is while nothing is chosen
        "days": offered_days if days in dict(_DAYS) else [("", as_usual), *offered_days],
        "chosen_days": sent.days or days,
        "hours": range(24),
        "chosen_hour": sent.hour or str(defaults.hour),
        "zone": sent.timezone or defaults.timezone,
        "guess_zone": not sent.timezone,
        "zones": offered_zones(),
        "known_categories": _known_categories(),
        "strictness": strictness
        if usual in STRICTNESS_WORDS
        else [("", as_usual, ""), *strictness],
        "chosen_strictness": sent.strictness or usual,
    }


@cache
def _known_categories() -> tuple[tuple[str, str], ...]:
    return tuple(papers.ARXIV_CATEGORIES.items())


def _parse_days(text: str) -> tuple[int, ...]:
    return tuple(int(day) for day in text.split(","))
