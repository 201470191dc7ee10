"""A settings form and what was changed since it was opened: what each side says. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from digest.mail.messages.texts import cut, weekdays
from digest.model import Interest, Subscriber
from digest.subscriptions import changed_since
from digest.web.blocks import Block
from digest.web.forms import Settings, settings_of

#: characters of a value that are told
_SHOWN = 300
_THRESHOLDS = {
    "0": "always a full digest",
    "good": "good matches",
    "strong": "strong matches only",
}
_LISTS = ("keywords", "categories", "authors")
_LABELS = {
    "keywords": "Keywords",
    "categories": "Categories",
    "authors": "Authors",
    "interests": "Interests",
    "size": "Papers in a digest",
    "threshold": "Which ones",
    "days": "Days",
    "hour": "Not before",
    "timezone": "Time zone",
    "status": "Your subscription",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A field that was changed elsewhere: its value now, and that of the form."""

    label: str
    theirs: str
    #: "" = the form left it alone
    yours: str = ""


def differences(
    version: str, known: Subscriber, wanted: Subscriber, elsewhere: Collection[str]
) -> list[Difference]:
    """What was changed elsewhere, beside what the form says of it.

    Args:
        version: of the settings that the form showed.
        known: the settings as they are.
        wanted: as the form would have them.
        elsewhere: fields that are not what the form showed.
    """
    touched = changed_since(version, wanted)
    return [
        Difference(
            label=label,
            theirs=_told(name, known),
            yours=_told(name, wanted)
            if name in touched and _told(name, wanted) != _told(name, known)
            else "",
        )
        for name, label in _LABELS.items()
        if name in elsewhere and (name not in _LISTS or len(known.interests) <= 1)
    ]


def merge(version: str, sent: Settings, known: Subscriber, wanted: Subscriber) -> Settings:
    """The form as it was sent, whose untouched fields follow what was changed elsewhere."""
    touched, now = changed_since(version, wanted), settings_of(known)
    same = wanted.interests == known.interests
    merged = replace(
        sent, blocks=now.blocks if same or "interests" not in touched else _rebased(sent, known)
    )
    for name in (
        "size",
        "threshold",
        "days",
        "hour",
        "timezone",
        "keywords",
        "categories",
        "authors",
    ):
        if name not in touched or (same and name in _LISTS):
            merged = replace(merged, **{name: getattr(now, name)})
    return merged


def _rebased(sent: Settings, known: Subscriber) -> tuple[Block, ...]:
    """Let blocks whose interest was renamed elsewhere stand for the one in its place.

    So they keep its example papers.
    """
    names = [interest.name for interest in known.interests]
    claimed = {block.former for block in sent.blocks}
    rebased = []
    for block in sent.blocks:
        there = names[block.number] if block.number < len(names) else ""
        lost = block.former and block.former not in names and there not in claimed
        rebased.append(replace(block, former=there) if lost else block)
    return tuple(rebased)


def _told(name: str, subscriber: Subscriber) -> str:
    match name:
        case "keywords" | "categories" | "authors" if len(subscriber.interests) <= 1:
            return (
                cut(", ".join(getattr((*subscriber.interests, Interest())[0], name)), _SHOWN)
                or "none"
            )
        case "keywords" | "categories" | "authors":
            return "those of your interests"
        case "interests":
            return cut("; ".join(map(_interest, subscriber.interests)), _SHOWN) or "none"
        case "days":
            return weekdays(subscriber.days)
        case "hour":
            return f"{subscriber.hour:02d}:00"
        case "threshold":
            threshold = str(subscriber.threshold)
            return _THRESHOLDS.get(threshold, f"a match of {threshold} or more")
        case "status":
            return subscriber.status.value
        case _:
            return str(getattr(subscriber, name))


def _interest(interest: Interest) -> str:
    words = ", ".join((*interest.keywords, *interest.categories, *interest.authors))
    examples = f"{len(interest.papers)} example papers" if interest.papers else ""
    return (
        f"{interest.name} (share {interest.share}): "
        f"{' and '.join(filter(None, (words, examples))) or 'no words'}"
    )
