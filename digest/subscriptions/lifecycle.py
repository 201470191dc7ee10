"""The life of a subscription: change, pause, unsubscribe, come back, delete.

Command line, pages, API and mails all call these functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest import store
from digest.app import App
from digest.due_dates import start_of_day
from digest.errors import InputError, NotFoundError
from digest.model import MessageKind, Subscriber, SubscriberStatus, address_key
from digest.subscriptions.requests import (
    SubscriptionRequest,
    apply_request,
    keep_or_normalise_address,
)
from digest.subscriptions.versions import changed_since

#: a confirmation or welcome mail expires after this time
_LETTER_WINDOW = timedelta(days=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeResult:
    """The result of a change, and what had changed elsewhere since the form was shown."""

    subscriber: Subscriber
    #: fields of `versions.FIELDS`
    elsewhere: frozenset[str] = frozenset()
    #: the requested settings, where a conflict stopped the change; None = changed
    refused: Subscriber | None = None


def change(app: App, subscriber_id: int, request: SubscriptionRequest) -> Subscriber:
    """Change settings and interests; the address stays."""
    return change_if_unchanged(app, subscriber_id, request, "").subscriber


def change_if_unchanged(
    app: App, subscriber_id: int, request: SubscriptionRequest, version: str
) -> ChangeResult:
    """Change settings unless they changed since a version was shown.

    This is optimistic locking.

    Args:
        version: of the shown settings (`versions.version_of`); "" = change in any case.
    """
    with app.store.writing() as tx:
        store.subscribers.lock(tx, subscriber_id)
        subscriber = require_subscriber(tx, subscriber_id)
        requested = reschedule(subscriber, apply_request(request, subscriber), app.now())
        elsewhere = frozenset(changed_since(version, subscriber))
        if requested == subscriber:
            return ChangeResult(
                subscriber=subscriber, elsewhere=elsewhere & {"status"}
            )  # all other fields are as requested
        if elsewhere - {"status"}:
            return ChangeResult(subscriber=subscriber, elsewhere=elsewhere, refused=requested)
        return ChangeResult(
            subscriber=store.subscribers.overwrite(tx, requested, now=app.now()),
            elsewhere=elsewhere,
        )


def change_by(
    app: App, subscriber_id: int, make_request: Callable[[Subscriber], SubscriptionRequest]
) -> Subscriber:
    """Change settings by a function of the stored ones, which nobody changes meanwhile.

    Args:
        make_request: what it raises stops the change.

    Raises:
        NotFoundError: the reader is not stored.
        InputError: a requested value is invalid.
    """
    with app.store.writing() as tx:
        store.subscribers.lock(tx, subscriber_id)
        subscriber = require_subscriber(tx, subscriber_id)
        request = make_request(subscriber)
        requested = reschedule(subscriber, apply_request(request, subscriber), app.now())
        if requested == subscriber:
            return subscriber
        return store.subscribers.overwrite(tx, requested, now=app.now())


def pause(app: App, subscriber_id: int, *, paused: bool) -> Subscriber:
    """Pause or resume; a reader who left stays away.

    No digest counts as missed within the pause: the next one takes its papers.
    """
    with app.store.writing() as tx:
        return set_pause(app, tx, require_subscriber(tx, subscriber_id), paused=paused)


def set_pause(
    app: App, tx: store.Connection, subscriber: Subscriber, *, paused: bool
) -> Subscriber:
    """Pause or resume within a transaction."""
    new_status, old_status = (
        (SubscriberStatus.PAUSED, SubscriberStatus.ACTIVE)
        if paused
        else (SubscriberStatus.ACTIVE, SubscriberStatus.PAUSED)
    )
    if subscriber.status is not old_status:
        return subscriber
    since = None if paused else app.now()
    store.subscribers.set_status(tx, subscriber.id, new_status, now=app.now(), due_from=since)
    if paused:
        store.ledger.skip_waiting(tx, subscriber.id, now=app.now())
    return replace(subscriber, status=new_status)


def unsubscribe(app: App, subscriber_id: int, *, farewell: bool = False) -> Subscriber:
    """Unsubscribe a reader at once; idempotent.

    Only a mail whose body is being sent still goes out.

    Args:
        farewell: confirm it by mail, for a reader whom the operator removes.
    """
    with app.store.writing() as tx:
        return leave(app, tx, require_subscriber(tx, subscriber_id), farewell=farewell)


def leave(app: App, tx: store.Connection, subscriber: Subscriber, *, farewell: bool) -> Subscriber:
    """Unsubscribe within a transaction."""
    if subscriber.status is SubscriberStatus.SUPPRESSED:
        store.suppressions.mark_left(tx, subscriber.email)
        return subscriber
    left = store.subscribers.set_status(tx, subscriber.id, SubscriberStatus.LEFT, now=app.now())
    store.ledger.skip_waiting(tx, subscriber.id, now=app.now())
    if left and farewell and subscriber.status is not SubscriberStatus.PENDING:
        plan_letter(app, tx, MessageKind.GOODBYE, subscriber)
    return replace(subscriber, status=SubscriberStatus.LEFT)


def resend_confirmation(app: App, subscriber_id: int) -> bool:
    """Send a reader who has not confirmed yet the link to confirm once more.

    Returns:
        False when one was planned today already, or the reader is not pending.
    """
    with app.store.writing() as tx:
        subscriber = require_subscriber(tx, subscriber_id)
        if subscriber.status is not SubscriberStatus.PENDING:
            return False
        return plan_letter(app, tx, MessageKind.CONFIRM, subscriber)


def resubscribe(app: App, subscriber_id: int) -> Subscriber:
    """Undo leaving, or a complaint.

    The complaint may have been a wrong press in a mail program.

    A reader's own link also confirms a sign-up that is pending since.
    """
    with app.store.writing() as tx:
        return reactivate(app, tx, require_subscriber(tx, subscriber_id))


def reactivate(app: App, tx: store.Connection, subscriber: Subscriber) -> Subscriber:
    """Resubscribe within a transaction."""
    if subscriber.status not in (SubscriberStatus.LEFT, SubscriberStatus.PENDING):
        return subscriber
    store.suppressions.release(tx, subscriber.email, now=app.now())
    activate(app, tx, subscriber)
    return replace(subscriber, status=SubscriberStatus.ACTIVE)


def delete(
    app: App, subscriber_id: int, *, check: Callable[[Subscriber], None] | None = None
) -> Subscriber:
    """Delete a reader with everything that is stored about them; return who it was.

    They get no mail about it. A suppression of the address stays, as do the counts of past rounds.

    Args:
        check: what it raises for the stored settings stops the deletion.

    Raises:
        NotFoundError: the reader is not stored.
        InputError: the config names the reader, and would add them again.
    """
    with app.store.writing() as tx:
        store.subscribers.lock(tx, subscriber_id)
        subscriber = require_subscriber(tx, subscriber_id)
        if check is not None:
            check(subscriber)
        require_not_in_config(app, subscriber.email)
        store.subscribers.remove(tx, subscriber_id, now=app.now())
    return subscriber


def require_not_in_config(app: App, email: str) -> None:
    """Raise InputError if the config names an address, and would add it again."""
    if address_key(email) in {
        address_key(keep_or_normalise_address(entry.email)) for entry in app.config.subscribers
    }:
        raise InputError(
            f"[[subscribers]] of the config names {email}, and would bring them back. Take them "
            f"out of it first"
        )


def find(app: App, email: str) -> Subscriber:
    """Raises NotFoundError when nobody subscribes under that address."""
    with app.store.reading() as tx:
        subscriber = store.subscribers.find_by_email(tx, keep_or_normalise_address(email))
    if subscriber is None:
        raise NotFoundError(
            f"nobody subscribes as {email!r}. `digest subscribers` lists them; `digest subscribe "
            f"{email}` adds one"
        )
    return subscriber


def get(app: App, subscriber_id: int) -> Subscriber:
    """Raises NotFoundError when the row is gone."""
    with app.store.reading() as tx:
        return require_subscriber(tx, subscriber_id)


def list_subscribers(app: App) -> list[Subscriber]:
    """List all subscribers in order of joining."""
    with app.store.reading() as tx:
        return store.subscribers.list_by_status(tx)


def load_origin(app: App, subscriber_id: int) -> str:
    """Load how a subscriber joined: command, file, config, page or api."""
    with app.store.reading() as tx:
        return store.subscribers.load_origin(tx, subscriber_id)


def activate(app: App, tx: store.Connection, subscriber: Subscriber) -> None:
    """Activate a reader, who gets the digest of this day."""
    now = app.now()
    since = start_of_local_day(subscriber, now)
    store.subscribers.set_status(
        tx, subscriber.id, SubscriberStatus.ACTIVE, now=now, due_from=since
    )


def reschedule(subscriber: Subscriber, requested: Subscriber, now: datetime) -> Subscriber:
    """Let other days, another hour or another time zone count from today on.

    Else the last date of a weekday that a reader adds would count as missed.
    """
    before, after = (
        (reader.days, reader.hour, reader.timezone) for reader in (subscriber, requested)
    )
    if before == after:
        return requested
    today = start_of_local_day(requested, now)
    return replace(requested, due_from=max(subscriber.due_from or today, today))


def start_of_local_day(subscriber: Subscriber, now: datetime) -> datetime:
    """Return the start of the reader's local day.

    It is `now` where the zone is unknown here.
    """
    try:
        return start_of_day(subscriber, now)
    except InputError:
        return now


def require_subscriber(tx: store.Connection, subscriber_id: int) -> Subscriber:
    """Raises NotFoundError when the row is gone."""
    subscriber = store.subscribers.find(tx, subscriber_id)
    if subscriber is None:
        raise NotFoundError(f"no subscriber {subscriber_id}; the row was deleted")
    return subscriber


def plan_letter(
    app: App, tx: store.Connection, kind: MessageKind, subscriber: Subscriber, *, key: str = ""
) -> bool:
    """Plan a letter, at most one of a kind for each reader and key.

    Args:
        key: "" = the day.
    """
    now = app.now()
    key = key or now.date().isoformat()
    return store.ledger.plan(
        tx,
        kind=kind,
        subscriber_id=subscriber.id,
        key=key,
        message_id=app.message_id(kind, key, subscriber.id),
        not_before=now,
        expires_at=now + _LETTER_WINDOW,
    )
