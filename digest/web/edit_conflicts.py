"""Conflicts of a settings form with settings that changed after it was opened.

All functions are pure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from digest.mail.messages.texts import cut, format_weekdays
from digest.model import Interest, Subscriber
from digest.subscriptions import changed_since
from digest.web.interest_fields import InterestFields
from digest.web.settings_form import SettingsForm, fill_settings_form
from digest.web.wish_fields import LISTS, fields_of

#: characters of a value that are shown
_VALUE_LENGTH = 300
_STRICTNESS = {
    "few": "only the surest",
    "balanced": "what fits",
    "many": "more, to miss less",
    "always": "always a full digest",
}
_QUIET_DAYS = {"silent": "nothing", "line": "one line", "weekly": "a line once a week"}
_LABELS = {
    "keywords": "Keywords",
    "categories": "Categories",
    "authors": "Authors",
    "interests": "Interests",
    "size": "Papers in a digest",
    "strictness": "Which ones",
    "quiet_days": "On a day without a digest",
    "days": "Days",
    "hour": "Not before",
    "timezone": "Time zone",
    "status": "Your subscription",
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
            label=label,
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
            return (
                cut(", ".join(getattr((*subscriber.interests, Interest())[0], name)), _VALUE_LENGTH)
                or "none"
            )
        case "keywords" | "categories" | "authors":
            return "those of your interests"
        case "interests":
            return (
                cut("; ".join(map(_format_interest, subscriber.interests)), _VALUE_LENGTH) or "none"
            )
        case "days":
            return format_weekdays(subscriber.days)
        case "hour":
            return f"{subscriber.hour:02d}:00"
        case "strictness":
            least = str(subscriber.strictness)
            return _STRICTNESS.get(least, f"a chance of {least} % or more")
        case "quiet_days":
            return _QUIET_DAYS[subscriber.quiet_days]
        case "status":
            return subscriber.status.value
        case _:
            return str(getattr(subscriber, name))


def _format_interest(interest: Interest) -> str:
    words = ", ".join((*interest.keywords, *interest.categories, *interest.authors))
    examples = f"{len(interest.papers)} example papers" if interest.papers else ""
    return (
        f"{interest.name} (share {interest.share}): "
        f"{' and '.join(filter(None, (words, examples))) or 'no words'}"
    )
