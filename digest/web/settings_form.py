"""The settings form -> a subscription request, with an error for each bad field.

All functions are pure.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from digest.errors import InputError
from digest.locales import gettext, gettext_later, language_names, languages
from digest.mail.messages.texts import WEEKDAYS
from digest.model import (
    STRICTNESS_WORDS,
    Interest,
    QuietDays,
    StrictnessWord,
    Subscriber,
    time_zones,
)
from digest.services import TypedWarning
from digest.subscriptions import SubscriptionRequest
from digest.web.field_values import number
from digest.web.interest_fields import InterestFields, make_interest_fields, read_interest_fields
from digest.web.pages import Form
from digest.web.wish_fields import WISH_FIELDS, fill_wish_fields, read_wish_fields

SIZE_MAX = 100
#: choices of strictness: value, label, hint
STRICTNESS: tuple[tuple[StrictnessWord, str, str], ...] = (
    (
        "few",
        gettext_later("Only the surest"),
        gettext_later("most are worth opening; some days bring none"),
    ),
    (
        "balanced",
        gettext_later("What fits"),
        gettext_later("as many as there are, up to your number"),
    ),
    (
        "many",
        gettext_later("More, to miss less"),
        gettext_later("with some that may not fit"),
    ),
    (
        "always",
        gettext_later("Always %(size)s, even when few fit"),
        gettext_later("every digest is full"),
    ),
)
#: choices for days without a digest: value, label, hint
QUIET_DAYS: tuple[tuple[QuietDays, str, str], ...] = (
    ("silent", gettext_later("Nothing"), gettext_later("no mail on such a day")),
    (
        "line",
        gettext_later("One line"),
        gettext_later("how many papers were read, and which came nearest"),
    ),
    (
        "weekly",
        gettext_later("A line once a week"),
        gettext_later("how many such days the week had"),
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsForm:
    """A settings form as on the page: text in every field, and the errors."""

    size: str
    hour: str
    timezone: str
    #: "" = the service's own
    language: str
    days: tuple[str, ...]
    strictness: str
    quiet_days: str
    keywords: str
    categories: str
    authors: str
    first_words: str = ""
    never_words: str = ""
    never_categories: str = ""
    never_authors: str = ""
    #: the fields of `wish_fields` for each interest, if there are several
    blocks: tuple[InterestFields, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    #: by field: what was saved and finds nothing yet
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def language_choices(self) -> list[tuple[str, str]]:
        """Return code and own name of each language, and of the service's own one."""
        return [("", gettext("The language of this service")), *language_names().items()]

    @property
    def strictness_choices(self) -> list[tuple[str, str, str]]:
        """Return the choices; a number that was set by API or command is one more."""
        choices: list[tuple[str, str, str]] = [
            (value, gettext(label, size=self.size), gettext(hint))
            for value, label, hint in STRICTNESS
        ]
        least = number(self.strictness)
        if least is not None and 1 <= least <= 99:
            label = gettext("As set: a chance of %(least)s %% or more", least=least)
            choices.append((self.strictness, label, gettext("a number of your own")))
        return choices


def fill_settings_form(
    subscriber: Subscriber, *, more: bool = False, warnings: Sequence[TypedWarning] = ()
) -> SettingsForm:
    """Fill the form with the settings of a reader.

    Args:
        subscriber: the reader.
        more: add fields for one more interest.
        warnings: what was typed and finds nothing yet.
    """
    interest = subscriber.interests[0] if subscriber.interests else Interest()
    return SettingsForm(
        size=str(subscriber.size),
        hour=str(subscriber.hour),
        timezone=subscriber.timezone,
        language=subscriber.language,
        days=tuple(str(day) for day in subscriber.days),
        strictness=str(subscriber.strictness),
        quiet_days=subscriber.quiet_days,
        **fill_wish_fields(interest),
        blocks=(blocks := make_interest_fields(subscriber, more=more)),
        notes=_write_notes(warnings, blocks),
    )


def _write_notes(
    warnings: Sequence[TypedWarning], blocks: Sequence[InterestFields]
) -> dict[str, str]:
    """Return a note for each field of categories; the page has no field for papers."""
    numbers = {block.former: f"-{block.number}" for block in blocks}
    notes: dict[str, list[str]] = {}
    for warning in warnings:
        if warning.field == "categories":
            key = f"categories{numbers.get(warning.interest, '')}"
            text = gettext("“%(value)s” %(problem)s", value=warning.value, problem=warning.reason)
            notes.setdefault(key, []).append(text if text.endswith("?") else f"{text}.")
    return {key: " ".join(texts) for key, texts in notes.items()}


def read_settings_form(
    form: Form, subscriber: Subscriber
) -> tuple[SettingsForm, SubscriptionRequest]:
    """Return the posted form and its request.

    Use the request only if there are no `errors`.
    """
    errors: dict[str, str] = {}
    size, hour = number(form.one("size")), number(form.one("hour"))
    if size is None or not 1 <= size <= SIZE_MAX:
        errors["size"] = gettext("Write a whole number from 1 to %(limit)s.", limit=SIZE_MAX)
    if hour is None or not 0 <= hour <= 23:
        errors["hour"] = gettext("Choose an hour from 0 to 23.")
    zone = normalise_zone(form.one("timezone"))
    if zone not in zones():
        errors["timezone"] = suggest_zone(form.one("timezone"))
    days = tuple(
        day
        for day in map(number, form.all("days"))
        if day is not None and 1 <= day <= len(WEEKDAYS)
    )
    if not days:
        errors["days"] = gettext(
            "Choose one day at least. To get no mail for a while, use the pause below."
        )
    strictness = (
        form.one("strictness")
        if form.one("strictness") in STRICTNESS_WORDS
        else number(form.one("strictness"))
    )
    if strictness is None or (isinstance(strictness, int) and not 1 <= strictness <= 99):
        errors["strictness"] = gettext("Choose one of these.")
    language = form.one("language") if form.all("language") else subscriber.language
    if language and language not in languages():
        errors["language"] = gettext("Choose one of these.")
    quiet_days = form.one("quiet_days")
    if quiet_days not in [value for value, _, _ in QUIET_DAYS]:
        errors["quiet_days"] = gettext("Choose one of these.")
    blocks, interests, interest_errors = read_interest_fields(form, subscriber)
    errors |= interest_errors
    sent = SettingsForm(
        size=form.one("size"),
        hour=form.one("hour"),
        timezone=form.one("timezone"),
        language=language,
        days=form.all("days"),
        strictness=form.one("strictness"),
        quiet_days=quiet_days,
        **(typed := _read_typed(form)),
        blocks=blocks,
        errors=errors,
    )
    request = SubscriptionRequest(
        email=subscriber.email,
        timezone=zone,
        language=language,
        hour=hour,
        days=days,
        size=size,
        strictness=strictness,
        quiet_days=quiet_days,
    )
    if blocks or form.all("name-0"):
        return sent, replace(request, interests=interests)
    stored = subscriber.interests[0] if subscriber.interests else Interest()
    wishes = read_wish_fields(typed, stored)
    return sent, replace(
        request,
        keywords=wishes["keywords"],
        categories=wishes["categories"],
        authors=wishes["authors"],
    )


def _read_typed(form: Form) -> dict[str, Any]:
    """Return the text of each field of `wish_fields`."""
    return {name: form.one(name) for name in WISH_FIELDS}


def split_field_error(error: InputError) -> tuple[str, str]:
    """Return field and text of an error.

    Its message begins with the name of the field.
    """
    text = str(error)
    name = re.split(r"[\s:]", text, maxsplit=1)[0]
    if name not in SubscriptionRequest.__dataclass_fields__:
        return "", text
    reason = text.removeprefix(f"{name}:").strip()
    return name, f"{reason[:1].upper()}{reason[1:]}."


# ----------------------------------------------------------------------------------------------
# time zones


@cache
def zones() -> tuple[str, ...]:
    """Return all names of time zones, sorted."""
    return tuple(sorted(time_zones()))


@cache
def offered_zones() -> tuple[str, ...]:
    """Return the names to choose from; the others are old spellings of these."""
    areas = (
        "Africa/",
        "America/",
        "Antarctica/",
        "Arctic/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    )
    return (*(name for name in zones() if name.startswith(areas)), "UTC")


def normalise_zone(text: str) -> str:
    """Return the name as the time zone database spells it, if it is one."""
    name_typed = "_".join(text.split())
    return next((name for name in zones() if name.casefold() == name_typed.casefold()), name_typed)


def suggest_zone(text: str) -> str:
    if not text.strip():
        return gettext("Choose your time zone, for example Europe/Berlin.")
    name_typed = "_".join(text.split()).casefold()
    cities = {name.rpartition("/")[2].casefold(): name for name in offered_zones()}
    near = difflib.get_close_matches(name_typed.rpartition("/")[2], cities, n=1, cutoff=0.75)
    advice = (
        gettext("Did you mean %(name)s?", name=cities[near[0]])
        if near
        else gettext("Choose the nearest large city, for example Europe/Berlin.")
    )
    problem = gettext("No time zone has this name.")
    return f"{problem} {advice}"
