"""Mute an author or a topic by a button, and take that back.

A muted name stands in an interest with "-" before it, as on the settings page. No paper that holds
it is listed, for whichever interest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from digest import presses, store
from digest.app import App
from digest.model import Button, Interest, Press, Subscriber
from digest.subscriptions.lifecycle import require_subscriber
from digest.subscriptions.requests import SubscriptionRequest, apply_request

#: the list of an interest that holds what is muted
MutedList = Literal["authors", "keywords"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """An entry that a mute replaced: a followed author or a wanted keyword."""

    interest: str
    entry: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MuteResult:
    """What became of a press to mute."""

    subscriber: Subscriber
    #: muted by this press; False where it was before, or the page was posted again
    is_new: bool
    #: muted now
    stands: bool
    #: what it replaced
    wishes: tuple[Wish, ...] = ()


def is_muted(subscriber: Subscriber, where: MutedList, name: str) -> bool:
    """Return whether any interest of a reader mutes a name."""
    muted = f"-{name}".casefold()
    return any(
        entry.casefold() == muted
        for interest in subscriber.interests
        for entry in getattr(interest, where)
    )


def mute(
    app: App, subscriber_id: int, where: MutedList, name: str, *, interest: str, form_id: str
) -> MuteResult:
    """Mute a name; a page that is posted again changes nothing.

    Args:
        where: the list that it joins.
        interest: name of the interest that it joins; unknown = the first.
        form_id: id of the page with the button.

    Raises:
        NotFoundError: the reader is not stored.
        InputError: the list is full, or the name can match no paper.
    """
    with app.store.writing() as tx:
        store.subscribers.lock(tx, subscriber_id)
        reader = require_subscriber(tx, subscriber_id)
        is_repeated = _is_repeated(app, tx, reader, form_id)
        if is_repeated or is_muted(reader, where, name):
            return MuteResult(subscriber=reader, is_new=False, stands=is_muted(reader, where, name))
        wishes = tuple(
            Wish(interest=own.name, entry=entry)
            for own in reader.interests
            for entry in getattr(own, where)
            if entry.removeprefix("+").casefold() == name.casefold()
        )
        interests = [
            _set_list(own, where, [e for e in getattr(own, where) if not _is_wish(wishes, own, e)])
            for own in reader.interests
        ] or [Interest()]
        changed = _add_entry(interests, where, interest, f"-{name}")
        return MuteResult(
            subscriber=_store(app, tx, reader, changed), is_new=True, stands=True, wishes=wishes
        )


def unmute(
    app: App,
    subscriber_id: int,
    where: MutedList,
    name: str,
    *,
    wishes: Sequence[Wish],
    form_id: str,
) -> MuteResult:
    """Take a mute back; a page that is posted again changes nothing.

    Args:
        wishes: entries for the same name that the mute replaced, which come back.

    Raises:
        NotFoundError, InputError: as `mute` does.
    """
    with app.store.writing() as tx:
        store.subscribers.lock(tx, subscriber_id)
        reader = require_subscriber(tx, subscriber_id)
        muted = f"-{name}".casefold()
        if _is_repeated(app, tx, reader, form_id) or not is_muted(reader, where, name):
            return MuteResult(subscriber=reader, is_new=False, stands=is_muted(reader, where, name))
        interests = [
            _set_list(own, where, [e for e in getattr(own, where) if e.casefold() != muted])
            for own in reader.interests
        ]
        for wish in wishes:
            if wish.entry.removeprefix("+").casefold() == name.casefold():
                interests = _add_entry(interests, where, wish.interest, wish.entry)
        return MuteResult(subscriber=_store(app, tx, reader, interests), is_new=True, stands=False)


def _is_repeated(app: App, tx: store.Connection, reader: Subscriber, form_id: str) -> bool:
    now = app.now()
    press = Press(button=Button.MUTE, at=now, form=form_id)
    recorded = store.presses.record(tx, reader.id, press, forget_before=now - presses.KEPT_FOR)
    return recorded is None


def _is_wish(wishes: Sequence[Wish], interest: Interest, entry: str) -> bool:
    return Wish(interest=interest.name, entry=entry) in wishes


def _set_list(interest: Interest, where: MutedList, entries: Sequence[str]) -> Interest:
    if where == "authors":
        return replace(interest, authors=tuple(entries))
    return replace(interest, keywords=tuple(entries))


def _add_entry(
    interests: Sequence[Interest], where: MutedList, name: str, entry: str
) -> list[Interest]:
    """Add an entry to the interest of that name, or to the first."""
    names = [interest.name for interest in interests]
    position = names.index(name) if name in names else 0
    return [
        _set_list(interest, where, (*getattr(interest, where), entry))
        if number == position
        else interest
        for number, interest in enumerate(interests)
    ]


def _store(
    app: App, tx: store.Connection, reader: Subscriber, interests: Sequence[Interest]
) -> Subscriber:
    request = SubscriptionRequest(email=reader.email, interests=tuple(interests))
    return store.subscribers.overwrite(tx, apply_request(request, reader), now=app.now())
