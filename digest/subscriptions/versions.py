"""Versions of a reader's settings, field by field: what changed since a form was shown. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from digest.model import Interest, Subscriber


def _lists(subscriber: Subscriber, name: str) -> object:
    """A list of the only interest; of several the form shows each whole."""
    interests = subscriber.interests or (Interest(),)
    return getattr(interests[0], name) if len(interests) == 1 else None


def _rest(subscriber: Subscriber) -> object:
    """What interests are beside these lists."""
    if len(subscriber.interests) > 1:
        return subscriber.interests
    return [
        (one.name, one.share, one.papers, one.text)
        for one in subscriber.interests
        if one.papers or one.text
    ]


#: what a settings form shows, in the order of its version
FIELDS: dict[str, Callable[[Subscriber], object]] = {
    "keywords": lambda subscriber: _lists(subscriber, "keywords"),
    "categories": lambda subscriber: _lists(subscriber, "categories"),
    "authors": lambda subscriber: _lists(subscriber, "authors"),
    "interests": _rest,
    "size": lambda subscriber: subscriber.size,
    "threshold": lambda subscriber: subscriber.threshold,
    "days": lambda subscriber: subscriber.days,
    "hour": lambda subscriber: subscriber.hour,
    "timezone": lambda subscriber: subscriber.timezone,
    "status": lambda subscriber: subscriber.status.value,
}


def version_of(subscriber: Subscriber) -> str:
    """The version of all fields: eight hexadecimal digits each, between dots."""
    return ".".join(_hash(value(subscriber)) for value in FIELDS.values())


def changed_since(version: str, subscriber: Subscriber) -> set[str]:
    """Fields in which a subscriber is not what the version says; none where it is no version."""
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
