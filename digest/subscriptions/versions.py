"""The version of a reader's settings that a form showed, field by field: what was changed elsewhere meanwhile. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from digest.model import Subscriber

#: what a settings form shows, in the order of its version
FIELDS: dict[str, Callable[[Subscriber], object]] = {
    "interests": lambda subscriber: subscriber.interests,
    "size": lambda subscriber: subscriber.size,
    "threshold": lambda subscriber: subscriber.threshold,
    "days": lambda subscriber: subscriber.days,
    "hour": lambda subscriber: subscriber.hour,
    "timezone": lambda subscriber: subscriber.timezone,
    "standing": lambda subscriber: subscriber.standing.value,
}


def version_of(subscriber: Subscriber) -> str:
    """The version of all fields: eight hexadecimal digits each, between dots."""
    return ".".join(_hash(value(subscriber)) for value in FIELDS.values())


def changed_since(version: str, subscriber: Subscriber) -> set[str]:
    """Fields in which a subscriber is not what the version says; none where it is no version."""
    hashes = version.split(".")
    if len(hashes) != len(FIELDS):
        return set()
    return {name for (name, value), old in zip(FIELDS.items(), hashes, strict=True) if _hash(value(subscriber)) != old}


def _hash(value: object) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()[:8]
