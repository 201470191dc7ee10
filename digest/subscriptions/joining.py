"""Subscribe readers by the operator, a file, the config, or by sign-up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Literal

from digest import store
from digest.app import App
from digest.errors import AddressError, ConfigError, DigestError, InputError
from digest.model import MessageKind, Subscriber, SubscriberStatus, Suppression, SuppressionReason
from digest.subscriptions.consent import record_consent
from digest.subscriptions.lifecycle import (
    activate,
    plan_letter,
    require_subscriber,
    reschedule,
    start_of_local_day,
)
from digest.subscriptions.requests import (
    SubscriptionRequest,
    apply_request,
    normalise_address,
    parse_quiet_days,
    parse_strictness,
)
from digest.subscriptions.signups import admit, hash_client

#: asking again within so long is kept once
_ASKED_ONCE = timedelta(days=1)
#: subscription requests in one transaction
_BATCH_SIZE = 500

Outcome = Literal["new", "changed", "unchanged", "back", "asked", "pending", "left", "suppressed"]
#: ordered by less mail; a file may move a known subscriber only onward, and not to pending
_FEWER_MAILS = (
    SubscriberStatus.ACTIVE,
    SubscriberStatus.PAUSED,
    SubscriberStatus.PENDING,
    SubscriberStatus.LEFT,
    SubscriberStatus.SUPPRESSED,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SubscribeResult:
    """The result of a subscription request.

    The outcome `asked` means that a mail asks for confirmation; `pending`, that settings changed
    and the reader has yet to confirm; `back`, that the reader was reactivated; `left` and
    `suppressed`, that nothing changed, since the reader or their server refused mail.
    """

    subscriber: Subscriber
    outcome: Outcome
    #: the reason for the outcome `suppressed`, for the operator
    suppression: Suppression | None = None


def subscribe(app: App, request: SubscriptionRequest, *, origin: str) -> SubscribeResult:
    """Subscribe a reader on the operator's word, without confirmation.

    A known subscriber gets the requested settings. Only the command brings back a reader who has
    left, never a file or the config. A file does not confirm a pending reader either; its status
    counts for a new address, and can stop mail to a known one, not start it.

    Args:
        origin: "command", "file" or "config"; "key" = a program of the operator.

    Raises:
        AddressError, InputError: a requested value is invalid.
    """
    return app.store.commit(lambda tx: _subscribe(app, tx, request, origin))


def subscribe_many(
    app: App, requests: Iterable[SubscriptionRequest], *, origin: str
) -> Iterator[SubscribeResult | tuple[SubscriptionRequest, DigestError]]:
    """Subscribe many readers in batches, one transaction each.

    An invalid request is yielded with its error and does not stop the others.
    """
    pending = iter(requests)
    while batch := list(islice(pending, _BATCH_SIZE)):
        yield from app.store.commit(partial(_subscribe_batch, app, batch, origin))


def _subscribe_batch(
    app: App, batch: Sequence[SubscriptionRequest], origin: str, tx: store.Connection
) -> list[SubscribeResult | tuple[SubscriptionRequest, DigestError]]:
    """Subscribe some readers in one transaction, which may run again."""
    results: list[SubscribeResult | tuple[SubscriptionRequest, DigestError]] = []
    for request in batch:
        try:
            results.append(_subscribe(app, tx, request, origin))
        except (AddressError, InputError) as error:  # raised before anything is written
            results.append((request, error))
    return results


def _subscribe(
    app: App, tx: store.Connection, request: SubscriptionRequest, origin: str
) -> SubscribeResult:
    email = normalise_address(request.email)
    now = app.now()
    subscriber = store.subscribers.find_by_email(tx, email)
    suppression = store.suppressions.find(tx, email)
    if suppression is not None:
        unknown = replace(make_default_subscriber(app, email), status=SubscriberStatus.SUPPRESSED)
        return SubscribeResult(
            subscriber=subscriber or unknown, outcome="suppressed", suppression=suppression
        )
    if subscriber is None:
        new_subscriber = apply_request(request, make_default_subscriber(app, email))
        return SubscribeResult(
            subscriber=_add(app, tx, request, new_subscriber, origin), outcome="new"
        )
    if subscriber.status is SubscriberStatus.SUPPRESSED:
        return SubscribeResult(subscriber=subscriber, outcome="suppressed")
    if subscriber.status is SubscriberStatus.LEFT and origin != "command":
        return SubscribeResult(subscriber=subscriber, outcome="left")
    requested = reschedule(
        subscriber, apply_request(request, replace(subscriber, email=email)), now
    )
    outcome: Outcome = "changed"
    if request.status is not None and _means_less_mail(request, subscriber):
        return SubscribeResult(
            subscriber=_store_stopped(app, tx, requested, request.status, request.suppression),
            outcome="changed",
        )
    if subscriber.status is SubscriberStatus.PENDING and origin == "file":
        outcome = "pending"
    elif subscriber.status in (SubscriberStatus.LEFT, SubscriberStatus.PENDING):
        since = start_of_local_day(requested, now)
        requested, outcome = (
            replace(requested, status=SubscriberStatus.ACTIVE, due_from=since),
            "back",
        )
    if requested == subscriber:
        return SubscribeResult(subscriber=subscriber, outcome="unchanged")
    return SubscribeResult(
        subscriber=store.subscribers.overwrite(tx, requested, now=now), outcome=outcome
    )


def _add(
    app: App,
    tx: store.Connection,
    request: SubscriptionRequest,
    subscriber: Subscriber,
    origin: str,
) -> Subscriber:
    """Store a new subscriber."""
    status, now = request.status or SubscriberStatus.ACTIVE, app.now()
    is_suppressed = status is SubscriberStatus.SUPPRESSED
    before = (request.suppression and request.suppression.before) or SubscriberStatus.ACTIVE
    if request.created is not None:
        # A reader from another install has missed no digest here.
        subscriber = replace(subscriber, due_from=start_of_local_day(subscriber, now))
    # An unconfirmed address counts as a sign-up by page, for which nobody answers.
    joined_by = request.origin or ("page" if status is SubscriberStatus.PENDING else origin)
    added = store.subscribers.add(
        tx,
        replace(subscriber, status=before if is_suppressed else status),
        origin=joined_by,
        now=now,
        created=request.created,
    )
    if is_suppressed or request.suppression is not None:
        return _store_stopped(app, tx, added, status, request.suppression)
    return added


def _means_less_mail(request: SubscriptionRequest, subscriber: Subscriber) -> bool:
    """Return whether a request means less mail for a known subscriber.

    For a pending one it never does.
    """
    if request.status is None or request.status is SubscriberStatus.PENDING:
        return False
    return _FEWER_MAILS.index(request.status) > _FEWER_MAILS.index(subscriber.status)


def _store_stopped(
    app: App,
    tx: store.Connection,
    subscriber: Subscriber,
    status: SubscriberStatus,
    suppression: Suppression | None,
) -> Subscriber:
    """Store a subscriber who gets no more mail, and skip waiting messages.

    Args:
        status: that they have from now on.
        suppression: of their address, from a file of readers; None = the file names none.
    """
    now = app.now()
    is_suppressed = status is SubscriberStatus.SUPPRESSED
    stored = subscriber if is_suppressed else replace(subscriber, status=status)
    changed = store.subscribers.overwrite(tx, stored, now=now)
    if suppression is None and is_suppressed:
        suppression = Suppression(
            address=subscriber.email,
            reason=SuppressionReason.OPERATOR,
            since=now,
            evidence="suppressed according to a file of readers",
        )
    if suppression is not None:
        store.suppressions.add(tx, replace(suppression, address=subscriber.email), now=now)
    store.ledger.skip_waiting(tx, changed.id, now=now)
    return replace(changed, status=status)


def sign_up(
    app: App,
    request: SubscriptionRequest,
    *,
    origin: str,
    client: str = "",
    by_operator: bool = False,
) -> SubscribeResult:
    """Sign up a stranger by page or API.

    They must confirm by the link in a mail (double opt-in).

    An active or paused subscriber gets the welcome mail instead, with the link to their settings. A
    suppressed address gets no mail. The answer to the stranger is always the same. A reader who
    left and confirms gets their earlier settings back.

    Args:
        origin: "page" or "api".
        client: address of the stranger, for the rate limit; see `signups.admit`.
        by_operator: a program of the operator asks, whom neither limit nor [web] signup stops.

    Raises:
        DigestError: [web] signup is off.
        AddressError, InputError: a requested value is invalid.
        LimitError: too many sign-ups within the hour.
    """
    if not (app.config.web.signup or by_operator):
        raise DigestError("this service takes no new readers by page or API. Ask its operator")
    client_hash = hash_client(app, client)
    normalise_address(request.email)
    subscriber = app.store.commit_together(
        lambda tx: ask_to_confirm(
            app, tx, request, origin=origin, client=client_hash, by_operator=by_operator
        )
    )
    return SubscribeResult(subscriber=subscriber, outcome="asked")


def ask_to_confirm(
    app: App,
    tx: store.Connection,
    request: SubscriptionRequest,
    *,
    origin: str,
    client: str,
    by_operator: bool = False,
) -> Subscriber:
    """Ask an address by mail to confirm, within a transaction; see `sign_up`.

    Args:
        client: the result of `hash_client`.
        by_operator: no limit counts.
    """
    email, now = normalise_address(request.email), app.now()
    subscriber = store.subscribers.find_by_email(tx, email)
    blank = replace(make_default_subscriber(app, email), status=SubscriberStatus.PENDING)
    # Raises for an invalid value before anything is stored; the sign-up then does not count.
    new_subscriber = apply_request(request, blank)
    if not by_operator:
        admit(app, tx, client)
    if store.suppressions.find(tx, email) is not None:
        return subscriber or blank
    if subscriber is None:
        subscriber = store.subscribers.add(tx, new_subscriber, origin=origin, now=now)
    elif subscriber.status in (SubscriberStatus.PENDING, SubscriberStatus.LEFT):
        requested = apply_request(request, subscriber)
        if store.subscribers.was_confirmed(tx, subscriber.id):
            requested = subscriber  # anybody can type an address: keep their settings
        subscriber = store.subscribers.overwrite(
            tx, replace(requested, status=SubscriberStatus.PENDING), now=now
        )
    if subscriber.status is SubscriberStatus.PENDING:
        plan_letter(app, tx, MessageKind.CONFIRM, subscriber)
        if not store.consents.has_since(tx, subscriber.id, "asked", since=now - _ASKED_ONCE):
            record_consent(app, tx, subscriber.id, "asked", origin=origin)
    elif subscriber.status is not SubscriberStatus.SUPPRESSED:
        plan_letter(app, tx, MessageKind.WELCOME, subscriber)
    return subscriber


def confirm(app: App, subscriber_id: int, *, origin: str = "page") -> Subscriber:
    """Activate a pending subscriber and queue the welcome mail.

    A subscriber of any other status is left as they are.

    Args:
        origin: "page" or "mail".

    Raises:
        NotFoundError: the subscriber was deleted.
    """

    def activate_pending(tx: store.Connection) -> Subscriber:
        subscriber = require_subscriber(tx, subscriber_id)
        if subscriber.status is not SubscriberStatus.PENDING:
            return subscriber
        activate(app, tx, subscriber)
        subscriber = replace(subscriber, status=SubscriberStatus.ACTIVE)
        plan_letter(app, tx, MessageKind.WELCOME, subscriber)
        record_consent(app, tx, subscriber.id, "confirmed", origin=origin)
        return subscriber

    return app.store.commit_together(activate_pending)


def apply_config(app: App) -> list[SubscribeResult]:
    """Upsert the [[subscribers]] of the config.

    Keys that it names win over readers' changes.
    """
    requests = [SubscriptionRequest(**entry.given()) for entry in app.config.subscribers]
    results = []
    for outcome in subscribe_many(app, requests, origin="config"):
        if isinstance(outcome, tuple):
            raise ConfigError(f"[[subscribers]] {outcome[0].email}: {outcome[1]}")
        results.append(outcome)
    return results


def make_default_subscriber(app: App, email: str) -> Subscriber:
    """Make a subscriber with the settings that the config gives new ones; its id is 0."""
    defaults = app.config.digest
    return Subscriber(
        id=0,
        email=email,
        timezone=defaults.timezone,
        hour=defaults.hour,
        days=defaults.days,
        size=defaults.size,
        strictness=parse_strictness(defaults.new_strictness(), None, otherwise="balanced"),
        quiet_days=parse_quiet_days(defaults.quiet_days, otherwise="silent"),
        created=app.now(),
    )
