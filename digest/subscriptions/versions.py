"""Version hashes of a reader's settings, field by field.

They show what changed since a form was shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from digest.model import Interest, Subscriber


def _lists(subscriber: Subscriber, name: str) -> object:
    """Return a list of the only interest; several interests are shown whole."""
    interests = subscriber.interests or (Interest(),)
    return getattr(interests[0], name) if len(interests) == 1 else None


def _rest(subscriber: Subscriber) -> object:
    """Return what interests hold besides these lists."""
    if len(subscriber.interests) > 1:
        return subscriber.interests
    return [
        (interest.name, interest.share, interest.papers, interest.text)
        for interest in subscriber.interests
        if interest.papers or interest.text
    ]


#: what a settings form shows, in the order of its version
FIELDS: dict[str, Callable[[Subscriber], object]] = {
    "keywords": lambda subscriber: _lists(subscriber, "keywords"),
    "categories": lambda subscriber: _lists(subscriber, "categories"),
    "authors": lambda subscriber: _lists(subscriber, "authors"),
    "interests": _rest,
    "size": lambda subscriber: subscriber.size,
    "strictness": lambda subscriber: subscriber.strictness,
    "quiet_days": lambda subscriber: subscriber.quiet_days,
    "days": lambda subscriber: subscriber.days,
    "hour": lambda subscriber: subscriber.hour,
    "timezone": lambda subscriber: subscriber.timezone,
    "language": lambda subscriber: subscriber.language,
    "status": lambda subscriber: subscriber.status.value,
}


def version_of(subscriber: Subscriber) -> str:
    """Hash all fields: eight hexadecimal digits each, joined by dots."""
    return ".".join(_hash(value(subscriber)) for value in FIELDS.values())


def changed_since(version: str, subscriber: Subscriber) -> set[str]:
    """Find the fields that differ from a version; none where the version is invalid."""
    hashes = version.split(".")
    if len(hashes) != len(FIELDS):
        return set()
    return {
        name
        for (name, value), old in zip(FIELDS.items(), hashes, strict=True)
        if _hash(value(subscriber)) != old
    }


def _hash(value: object) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()[:8]
