"""The life of a subscription once it is there: change, pause, leave, return, delete. Every door
calls these verbs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest import store
from digest.app import App
from digest.due_dates import start_of_day
from digest.errors import InputError, NotFoundError
from digest.model import MessageKind, Subscriber, SubscriberStatus, address_key
from digest.subscriptions.settings_form import (
    SubscriptionRequest,
    apply_request,
    keep_or_normalise_address,
)
from digest.subscriptions.versions import changed_since

#: a confirmation or welcome that cannot be sent for so long is of no use any more
_LETTER_WINDOW = timedelta(days=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeResult:
    """A reader after a wish, and what others had changed since the wish was made."""

    subscriber: Subscriber
    #: fields of `versions.FIELDS`
    elsewhere: frozenset[str] = frozenset()
    #: as it was wished, where it was not granted for what was changed elsewhere; None = granted
    refused: Subscriber | None = None


def change(app: App, subscriber_id: int, request: SubscriptionRequest) -> Subscriber:
    """Settings and interests of someone who holds a link of their own. The address stays."""
    return change_if_unchanged(app, subscriber_id, request, "").subscriber


def change_if_unchanged(
    app: App, subscriber_id: int, request: SubscriptionRequest, version: str
) -> ChangeResult:
    """As `change`, unless settings are other than in the version that was seen; "" = whatever they
    are.
    """
    with app.store.writing() as tx:
        store.subscribers.lock(tx, subscriber_id)
        known = require_subscriber(tx, subscriber_id)
        wanted = reschedule(known, apply_request(request, known), app.now())
        elsewhere = frozenset(changed_since(version, known))
        if wanted == known:
            return ChangeResult(
                subscriber=known, elsewhere=elsewhere & {"status"}
            )  # the rest is what was wished
        if elsewhere - {"status"}:
            return ChangeResult(subscriber=known, elsewhere=elsewhere, refused=wanted)
        return ChangeResult(
            subscriber=store.subscribers.overwrite(tx, wanted, now=app.now()), elsewhere=elsewhere
        )


def pause(app: App, subscriber_id: int, *, paused: bool) -> Subscriber:
    """Stop for a while, or go on; whoever left stays away.

    Nothing is owed for a due moment within the pause: the next one takes what came meanwhile.
    """
    with app.store.writing() as tx:
        return set_pause(app, tx, require_subscriber(tx, subscriber_id), paused=paused)


def set_pause(app: App, tx: store.Connection, known: Subscriber, *, paused: bool) -> Subscriber:
    """As `pause`, within a transaction."""
    wanted, former = (
        (SubscriberStatus.PAUSED, SubscriberStatus.ACTIVE)
        if paused
        else (SubscriberStatus.ACTIVE, SubscriberStatus.PAUSED)
    )
    if known.status is not former:
        return known
    since = None if paused else app.now()
    store.subscribers.set_status(tx, known.id, wanted, now=app.now(), due_from=since)
    if paused:
        store.ledger.skip_waiting(tx, known.id, now=app.now())
    return replace(known, status=wanted)


def unsubscribe(app: App, subscriber_id: int, *, farewell: bool = False) -> Subscriber:
    """Leave: at once, for everything whose body has not begun to be sent.

    Idempotent; works for who is gone already.

    `farewell` tells them by mail: meant for someone whom the operator removes, who would not know
    otherwise.
    """
    with app.store.writing() as tx:
        return leave(app, tx, require_subscriber(tx, subscriber_id), farewell=farewell)


def leave(app: App, tx: store.Connection, known: Subscriber, *, farewell: bool) -> Subscriber:
    """As `unsubscribe`, within a transaction."""
    if known.status is SubscriberStatus.SUPPRESSED:
        store.suppressions.mark_left(tx, known.email)
        return known
    left = store.subscribers.set_status(tx, known.id, SubscriberStatus.LEFT, now=app.now())
    store.ledger.skip_waiting(tx, known.id, now=app.now())
    if left and farewell and known.status is not SubscriberStatus.PENDING:
        plan_letter(app, tx, MessageKind.GOODBYE, known)
    return replace(known, status=SubscriberStatus.LEFT)


def resubscribe(app: App, subscriber_id: int) -> Subscriber:
    """Undo of leaving, from the same page; it also takes back a complaint, which may have been one
    wrong press in a mail program.

    A link of their own says as much as the confirmation that somebody has asked for since.
    """
    with app.store.writing() as tx:
        return reactivate(app, tx, require_subscriber(tx, subscriber_id))


def reactivate(app: App, tx: store.Connection, known: Subscriber) -> Subscriber:
    """As `resubscribe`, within a transaction."""
    if known.status not in (SubscriberStatus.LEFT, SubscriberStatus.PENDING):
        return known
    store.suppressions.release(tx, known.email, now=app.now())
    activate(app, tx, known)
    return replace(known, status=SubscriberStatus.ACTIVE)


def delete(app: App, subscriber_id: int) -> Subscriber:
    """Delete a reader with everything that is stored about them; returns who it was.

    No mail goes to them any more but one whose body has begun, and none tells them. That an address
    is suppressed stays known, as do the counts of past rounds.

    Raises:
        NotFoundError: they are not stored.
        InputError: the config names them, and would bring them back.
    """
    with app.store.writing() as tx:
        known = require_subscriber(tx, subscriber_id)
        if address_key(known.email) in {
            address_key(keep_or_normalise_address(entry.email)) for entry in app.config.subscribers
        }:
            raise InputError(
                f"[[subscribers]] of the config names {known.email}, and would bring them back. "
                f"Take them out of it first"
            )
        store.subscribers.remove(tx, subscriber_id)
    return known


def find(app: App, email: str) -> Subscriber:
    """Raises NotFoundError when nobody subscribes under that address."""
    with app.store.reading() as tx:
        found = store.subscribers.find_by_email(tx, keep_or_normalise_address(email))
    if found is None:
        raise NotFoundError(
            f"nobody subscribes as {email!r}. `digest subscribers` lists them; `digest subscribe "
            f"{email}` adds one"
        )
    return found


def get(app: App, subscriber_id: int) -> Subscriber:
    """Raises NotFoundError when the row is gone."""
    with app.store.reading() as tx:
        return require_subscriber(tx, subscriber_id)


def list_subscribers(app: App) -> list[Subscriber]:
    """In order of joining, whatever their standing."""
    with app.store.reading() as tx:
        return store.subscribers.list_by_status(tx)


def load_origins(app: App) -> dict[int, str]:
    """The door by which each subscriber came, by id: command, file, config, page or api."""
    with app.store.reading() as tx:
        return store.subscribers.load_origins(tx)


def activate(app: App, tx: store.Connection, subscriber: Subscriber) -> None:
    """Make a reader active; the digest of the day on which they join or return is theirs."""
    now = app.now()
    since = start_of_local_day(subscriber, now)
    store.subscribers.set_status(
        tx, subscriber.id, SubscriberStatus.ACTIVE, now=now, due_from=since
    )


def reschedule(known: Subscriber, wanted: Subscriber, now: datetime) -> Subscriber:
    """Settings to be stored: other days, another hour or zone count from today on.

    Else a weekday that a reader adds would make its last date a missed one.
    """
    before, after = ((reader.days, reader.hour, reader.timezone) for reader in (known, wanted))
    if before == after:
        return wanted
    today = start_of_local_day(wanted, now)
    return replace(wanted, due_from=max(known.due_from or today, today))


def start_of_local_day(subscriber: Subscriber, now: datetime) -> datetime:
    """The beginning of their day; `now` where this machine does not know their stored zone."""
    try:
        return start_of_day(subscriber, now)
    except InputError:
        return now


def require_subscriber(tx: store.Connection, subscriber_id: int) -> Subscriber:
    """Raises NotFoundError when the row is gone."""
    found = store.subscribers.find(tx, subscriber_id)
    if found is None:
        raise NotFoundError(f"no subscriber {subscriber_id}; the row was deleted")
    return found


def plan_letter(app: App, tx: store.Connection, kind: MessageKind, subscriber: Subscriber) -> bool:
    """At most one letter of a kind to a person and day: nobody can be flooded through the page."""
    now = app.now()
    key = now.date().isoformat()
    return store.ledger.plan(
        tx,
        kind=kind,
        subscriber_id=subscriber.id,
        key=key,
        message_id=app.message_id(kind, key, subscriber.id),
        not_before=now,
        expires_at=now + _LETTER_WINDOW,
    )
