"""Filled-in forms -> subscription requests, with an error for each bad field.

Pure: nothing is looked up or stored.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from zoneinfo import available_timezones

from digest.errors import InputError
from digest.mail.messages.texts import WEEKDAYS
from digest.model import THRESHOLD_WORDS, Interest, Subscriber
from digest.subscriptions import SubscriptionRequest
from digest.web.blocks import Block, blocks_of, read_blocks
from digest.web.pages import Form
from digest.web.texts import lines, number, words

LISTS = ("keywords", "categories", "authors")
SIZE_MAX = 100
#: choices of the settings page for the least match
THRESHOLDS = (
    ("0", "Always a full digest", "even when few papers fit"),
    ("good", "Good matches", "and strong ones"),
    ("strong", "Strong matches only", "some days bring none"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """A settings form as it stands on the page: text in every field, and what is wrong with it."""

    size: str
    hour: str
    timezone: str
    days: tuple[str, ...]
    threshold: str
    keywords: str
    categories: str
    authors: str
    #: a set of these three for each interest, where there are several
    blocks: tuple[Block, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def thresholds(self) -> list[tuple[str, str, str]]:
        """The choices: the three words, and the reader's own number where somebody set one."""
        choices = list(THRESHOLDS)
        own = number(self.threshold)
        if (
            own is not None
            and own <= 100
            and self.threshold not in [value for value, _, _ in choices]
        ):
            choices.append(
                (
                    self.threshold,
                    f"As set: a match of {self.threshold} or more",
                    "a number of your own",
                )
            )
        return choices


def settings_of(subscriber: Subscriber, *, more: bool = False) -> Settings:
    """The page as it stands; `more` has room for one more interest."""
    interest = subscriber.interests[0] if subscriber.interests else Interest()
    return Settings(
        size=str(subscriber.size),
        hour=str(subscriber.hour),
        timezone=subscriber.timezone,
        days=tuple(str(day) for day in subscriber.days),
        threshold=str(subscriber.threshold),
        keywords="\n".join(interest.keywords),
        categories="\n".join(interest.categories),
        authors="\n".join(interest.authors),
        blocks=blocks_of(subscriber, more=more),
    )


def read_settings(form: Form, subscriber: Subscriber) -> tuple[Settings, SubscriptionRequest]:
    """Return what was sent, and the request that it makes; use that only without `errors`."""
    errors: dict[str, str] = {}
    size, hour = number(form.one("size")), number(form.one("hour"))
    if size is None or not 1 <= size <= SIZE_MAX:
        errors["size"] = f"Write a whole number from 1 to {SIZE_MAX}."
    if hour is None or not 0 <= hour <= 23:
        errors["hour"] = "Choose an hour from 0 to 23."
    zone = _zone(form.one("timezone"))
    if zone not in zones():
        errors["timezone"] = _advice(form.one("timezone"))
    days = tuple(
        day
        for day in map(number, form.all("days"))
        if day is not None and 1 <= day <= len(WEEKDAYS)
    )
    if not days:
        errors["days"] = "Choose one day at least. To get no mail for a while, use the pause below."
    threshold = (
        form.one("threshold")
        if form.one("threshold") in THRESHOLD_WORDS
        else number(form.one("threshold"))
    )
    if threshold is None or (isinstance(threshold, int) and threshold > 100):
        errors["threshold"] = "Choose one of these."
    blocks, made, wrong = read_blocks(form, subscriber)
    errors |= wrong
    sent = Settings(
        size=form.one("size"),
        hour=form.one("hour"),
        timezone=form.one("timezone"),
        days=form.all("days"),
        threshold=form.one("threshold"),
        keywords=form.one("keywords"),
        categories=form.one("categories"),
        authors=form.one("authors"),
        blocks=blocks,
        errors=errors,
    )
    request = SubscriptionRequest(
        email=subscriber.email,
        timezone=zone,
        hour=hour,
        days=days,
        size=size,
        threshold=threshold,
    )
    if blocks or form.all("name-0"):
        return sent, replace(request, interests=made)
    return sent, replace(
        request,
        keywords=words(sent.keywords),
        categories=words(sent.categories),
        authors=lines(sent.authors),
    )


def blame(error: InputError) -> tuple[str, str]:
    """(field, text) of a refused value: such messages begin with the field's name."""
    text = str(error)
    name = re.split(r"[\s:]", text, maxsplit=1)[0]
    if name not in SubscriptionRequest.__dataclass_fields__:
        return "", text
    told = text.removeprefix(f"{name}:").strip()
    return name, f"{told[:1].upper()}{told[1:]}."


# ----------------------------------------------------------------------------------------------
# time zones


@cache
def zones() -> tuple[str, ...]:
    """All names that a reader may have, in order."""
    return tuple(sorted(available_timezones()))


@cache
def offered_zones() -> tuple[str, ...]:
    """The names worth choosing from: the others are old spellings of these."""
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


def _zone(text: str) -> str:
    """The name as the database of zones spells it, if it is one."""
    wanted = "_".join(text.split())
    return next((name for name in zones() if name.casefold() == wanted.casefold()), wanted)


def _advice(text: str) -> str:
    if not text.strip():
        return "Choose your time zone, for example Europe/Berlin."
    wanted = "_".join(text.split()).casefold()
    cities = {name.rpartition("/")[2].casefold(): name for name in offered_zones()}
    near = difflib.get_close_matches(wanted.rpartition("/")[2], cities, n=1, cutoff=0.75)
    advice = (
        f"Did you mean {cities[near[0]]}?"
        if near
        else "Choose the nearest large city, for example Europe/Berlin."
    )
    return f"No time zone has this name. {advice}"
