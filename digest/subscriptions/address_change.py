"""Move a digest to another address, with everything that was learned.

The new address is asked like that of a new reader: the same mail to confirm, limits, suppressions
and answers, so nobody learns whether it is known. The old address is told, and may object for a
while, also after the move: a link to the settings may have been forwarded with a mail.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal

from digest import store
from digest.app import App
from digest.errors import InputError, LimitError
from digest.locales import gettext
from digest.model import (
    ADDRESS_CHANGE_VALID,
    AddressChange,
    Link,
    MessageKind,
    Subscriber,
    SubscriberStatus,
    address_key,
)
from digest.subscriptions.consent import record_consent
from digest.subscriptions.joining import ask_to_confirm
from digest.subscriptions.lifecycle import (
    activate,
    plan_letter,
    require_not_in_config,
    require_subscriber,
)
from digest.subscriptions.requests import SubscriptionRequest, normalise_address
from digest.subscriptions.signups import hash_client

#: how long the old address may object, and is kept for that
KEPT_FOR: Final = timedelta(days=14)
#: questions of one reader within a day
_MOST, _DAY = 3, timedelta(days=1)
#: a move waits so long until the old address was told
_WAITS_FOR_NOTICE: Final = timedelta(hours=1)
_MAY_MOVE: Final = (
    SubscriberStatus.ACTIVE,
    SubscriberStatus.PAUSED,
    SubscriberStatus.SUPPRESSED,
)

#: moved = the digest goes to the new address
#: waits = the old address is being told; a moment later it works
#: taken = the new address had a subscription of its own
#: ended = the question is old, was replaced, or was objected to
MoveOutcome = Literal["moved", "waits", "taken", "ended"]
#: stopped = before the move; undone = after it; over = too late, or done before
ObjectOutcome = Literal["stopped", "undone", "over"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveResult:
    """The result of confirming another address."""

    outcome: MoveOutcome
    #: the reader who moved, or whom the new address belongs to
    subscriber: Subscriber | None = None


def ask_for_move(app: App, subscriber_id: int, email: str, *, client: str = "") -> None:
    """Ask a new address to confirm, and tell the old one.

    Args:
        email: the new address.
        client: network address of who asks, for the limits of sign-ups.

    Raises:
        NotFoundError: the reader is not stored.
        AddressError: the text is not a valid address.
        InputError: the digest cannot move, with the reason.
        LimitError: too many questions or sign-ups.
    """
    new, now, hashed = normalise_address(email), app.now(), hash_client(app, client)

    def ask(tx: store.Connection) -> None:
        store.subscribers.lock(tx, subscriber_id)
        reader = require_subscriber(tx, subscriber_id)
        if reader.status not in _MAY_MOVE:
            reason = gettext("start the digest again first, then move it")
            raise InputError(f"address: {reason}")
        if address_key(new) == address_key(reader.email):
            reason = gettext("the digest comes to this one already")
            raise InputError(f"address: {reason}")
        require_not_in_config(app, reader.email)
        earlier = store.address_changes.list_since(tx, reader.id, now - KEPT_FOR)
        if any(change.state == "refused" for change in earlier):
            reason = gettext("the present address objected to a move lately; ask the operator")
            raise InputError(f"address: {reason}")
        recent = [change for change in earlier if change.asked_at > now - _DAY]
        if len(recent) >= _MOST:
            wait = recent[-_MOST].asked_at + _DAY - now
            raise LimitError(
                "too many new addresses within a day; nothing was sent. Try again later",
                retry_after=max(1, int(wait.total_seconds())),
            )
        change = store.address_changes.add(tx, reader.id, reader.email, new, now=now)
        if store.suppressions.find(tx, reader.email) is None:
            plan_letter(app, tx, MessageKind.NOTICE, reader, key=str(change.id))
        ask_to_confirm(app, tx, SubscriptionRequest(email=new), origin="page", client=hashed)

    app.store.commit_together(ask)


def find_move(app: App, link: Link) -> AddressChange | None:
    """Find the question that a link to confirm answers; None if it is over."""
    with app.store.reading() as tx:
        return _find_open(app, tx, link)


def _find_open(app: App, tx: store.Connection, link: Link) -> AddressChange | None:
    change, asked = (
        store.address_changes.find(tx, link.paper_id),
        store.subscribers.find(tx, link.subscriber_id),
    )
    if change is None or asked is None or change.state != "asked":
        return None
    is_fresh = app.now() - change.asked_at <= ADDRESS_CHANGE_VALID
    return change if is_fresh and _is_same(change.new_email, asked.email) else None


def _is_same(address: str, other: str) -> bool:
    return address_key(address) == address_key(other)


def confirm_move(app: App, link: Link, *, origin: str = "page") -> MoveResult:
    """Move a digest to the address that a link was sent to."""

    def move(tx: store.Connection) -> MoveResult:
        change = _find_open(app, tx, link)
        if change is None:
            return MoveResult(outcome="ended")
        store.subscribers.lock(tx, change.subscriber_id)
        reader = store.subscribers.find(tx, change.subscriber_id)
        asked = require_subscriber(tx, link.subscriber_id)
        if (
            reader is None
            or reader.status not in _MAY_MOVE
            or not _is_same(reader.email, change.old_email)
            or store.suppressions.find(tx, asked.email) is not None
        ):
            return MoveResult(outcome="ended")
        if asked.status is not SubscriberStatus.PENDING or store.subscribers.was_confirmed(
            tx, asked.id
        ):
            return MoveResult(outcome="taken", subscriber=asked)
        told_by = change.asked_at + _WAITS_FOR_NOTICE
        if app.now() < told_by and store.address_changes.is_notice_waiting(tx, change):
            return MoveResult(outcome="waits")
        store.subscribers.remove(tx, asked.id, now=app.now())
        moved = store.subscribers.overwrite(tx, replace(reader, email=asked.email), now=app.now())
        if moved.status is SubscriberStatus.SUPPRESSED:
            activate(app, tx, moved)
            moved = replace(moved, status=SubscriberStatus.ACTIVE)
        store.address_changes.set_state(tx, change.id, "done", now=app.now())
        record_consent(app, tx, moved.id, "moved", origin=origin)
        return MoveResult(outcome="moved", subscriber=moved)

    return app.store.commit_together(move)


def find_objection(app: App, link: Link) -> AddressChange | None:
    """Find the change that a link objects to; None if it is over."""
    with app.store.reading() as tx:
        return _find_objectionable(app, tx, link)


def _find_objectionable(app: App, tx: store.Connection, link: Link) -> AddressChange | None:
    change = store.address_changes.find(tx, link.paper_id)
    if (
        change is None
        or change.subscriber_id != link.subscriber_id
        or change.state not in ("asked", "done")
        or app.now() - change.asked_at > KEPT_FOR
    ):
        return None
    return change


def object_to_move(app: App, link: Link) -> ObjectOutcome:
    """Stop or undo a change of address; for a while no other is accepted."""

    def stop(tx: store.Connection) -> ObjectOutcome:
        store.subscribers.lock(tx, link.subscriber_id)
        change = _find_objectionable(app, tx, link)
        reader = store.subscribers.find(tx, link.subscriber_id)
        if change is None or reader is None:
            return "over"
        if change.state == "asked":
            asked = store.subscribers.find_by_email(tx, change.new_email)
            if (
                asked is not None
                and asked.status is SubscriberStatus.PENDING
                and not store.subscribers.was_confirmed(tx, asked.id)
            ):
                store.subscribers.remove(tx, asked.id, now=app.now())
            store.address_changes.set_state(tx, change.id, "refused", now=app.now())
            return "stopped"
        if store.subscribers.find_by_email(tx, change.old_email) is not None:
            return "over"
        store.subscribers.overwrite(tx, replace(reader, email=change.old_email), now=app.now())
        store.address_changes.set_state(tx, change.id, "refused", now=app.now())
        return "undone"

    return app.store.commit_together(stop)


def delete_old_moves(app: App) -> None:
    """Delete old addresses that nobody can go back to any more."""
    with app.store.writing() as tx:
        store.address_changes.delete_old(tx, before=app.now() - KEPT_FOR)
