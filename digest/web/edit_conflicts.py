"""Conflicts of a settings form with settings that changed after it was opened.

All functions are pure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from digest.locales import gettext, gettext_later, join_names, language_names, ngettext
from digest.mail.messages.texts import cut, format_weekdays
from digest.model import Interest, Subscriber
from digest.subscriptions import changed_since
from digest.web.interest_fields import InterestFields
from digest.web.settings_form import SettingsForm, fill_settings_form
from digest.web.wish_fields import LISTS, fields_of

#: characters of a value that are shown
_VALUE_LENGTH = 300
_STRICTNESS = {
    "few": gettext_later("only the surest"),
    "balanced": gettext_later("what fits"),
    "many": gettext_later("more, to miss less"),
    "always": gettext_later("always a full digest"),
}
_QUIET_DAYS = {
    "silent": gettext_later("nothing"),
    "line": gettext_later("one line"),
    "weekly": gettext_later("a line once a week"),
}
_LABELS = {
    "keywords": gettext_later("Keywords"),
    "categories": gettext_later("Categories"),
    "authors": gettext_later("Authors"),
    "interests": gettext_later("Interests"),
    "size": gettext_later("Papers in a digest"),
    "strictness": gettext_later("Which ones"),
    "quiet_days": gettext_later("On a day without a digest"),
    "days": gettext_later("Days"),
    "hour": gettext_later("Not before"),
    "timezone": gettext_later("Time zone"),
    "language": gettext_later("Language"),
    "status": gettext_later("Your subscription"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A field that was changed elsewhere: the stored value and the value of the form."""

    label: str
    theirs: str
    #: "" = the form does not change the field
    yours: str = ""


def find_differences(
    version: str, stored: Subscriber, requested: Subscriber, elsewhere: Collection[str]
) -> list[Difference]:
    """Return the fields that were changed elsewhere, each with both values.

    Args:
        version: of the settings that the form showed.
        stored: the settings now.
        requested: the settings that the form asks for.
        elsewhere: fields whose stored value is not what the form showed.
    """
    touched = changed_since(version, requested)
    return [
        Difference(
            label=gettext(label),
            theirs=_format_value(name, stored),
            yours=_format_value(name, requested)
            if name in touched and _format_value(name, requested) != _format_value(name, stored)
            else "",
        )
        for name, label in _LABELS.items()
        if name in elsewhere and (name not in LISTS or len(stored.interests) <= 1)
    ]


def merge(
    version: str, sent: SettingsForm, stored: Subscriber, requested: Subscriber
) -> SettingsForm:
    """Return the posted form, with stored values in fields that it did not change."""
    touched, now = changed_since(version, requested), fill_settings_form(stored)
    same = requested.interests == stored.interests
    merged = replace(
        sent,
        blocks=now.blocks if same or "interests" not in touched else _match_renamed(sent, stored),
    )
    for name in (
        "size",
        "strictness",
        "quiet_days",
        "days",
        "hour",
        "timezone",
        "language",
        "keywords",
        "categories",
        "authors",
    ):
        if name not in touched or (same and name in LISTS):
            names = fields_of(name) if name in LISTS else (name,)
            merged = replace(merged, **{field: getattr(now, field) for field in names})
    return merged


def _match_renamed(sent: SettingsForm, stored: Subscriber) -> tuple[InterestFields, ...]:
    """Match fields to interests that were renamed elsewhere, by position.

    So the interests keep their example papers.
    """
    names = [interest.name for interest in stored.interests]
    claimed = {block.former for block in sent.blocks}
    rebased = []
    for block in sent.blocks:
        there = names[block.number] if block.number < len(names) else ""
        lost = block.former and block.former not in names and there not in claimed
        rebased.append(replace(block, former=there) if lost else block)
    return tuple(rebased)


def _format_value(name: str, subscriber: Subscriber) -> str:
    match name:
        case "keywords" | "categories" | "authors" if len(subscriber.interests) <= 1:
            return cut(
                ", ".join(getattr((*subscriber.interests, Interest())[0], name)), _VALUE_LENGTH
            ) or gettext("none")
        case "keywords" | "categories" | "authors":
            return gettext("those of your interests")
        case "interests":
            return cut(
                "; ".join(map(_format_interest, subscriber.interests)), _VALUE_LENGTH
            ) or gettext("none")
        case "days":
            return format_weekdays(subscriber.days)
        case "hour":
            return f"{subscriber.hour:02d}:00"
        case "strictness":
            least = str(subscriber.strictness)
            word = _STRICTNESS.get(least)
            return (
                gettext(word) if word else gettext("a chance of %(least)s %% or more", least=least)
            )
        case "quiet_days":
            return gettext(_QUIET_DAYS[subscriber.quiet_days])
        case "language":
            return language_names().get(
                subscriber.language, gettext("The language of this service")
            )
        case "status":
            return subscriber.status.value
        case _:
            return str(getattr(subscriber, name))


def _format_interest(interest: Interest) -> str:
    words = ", ".join((*interest.keywords, *interest.categories, *interest.authors))
    count = len(interest.papers)
    examples = ngettext("%(num)s example paper", "%(num)s example papers", count) if count else ""
    return gettext(
        "%(name)s (share %(share)s): %(words)s",
        name=interest.name,
        share=interest.share,
        words=join_names([*filter(None, (words, examples))]) or gettext("no words"),
    )
