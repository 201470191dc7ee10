"""How somebody becomes a reader: by the operator's word, by a file, by the config, or by asking and
confirming.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from digest import store
from digest.app import App
from digest.errors import AddressError, ConfigError, DigestError, InputError
from digest.model import MessageKind, Subscriber, SubscriberStatus, Suppression, SuppressionReason
from digest.subscriptions.lifecycle import (
    activate,
    plan_letter,
    require_subscriber,
    reschedule,
    start_of_local_day,
)
from digest.subscriptions.settings_form import (
    SubscriptionRequest,
    apply_request,
    normalise_address,
    threshold,
)
from digest.subscriptions.signups import admit, hash_client

#: bulk subscriptions in one transaction
_MANY = 500

Outcome = Literal["new", "changed", "unchanged", "back", "asked", "pending", "left", "suppressed"]
#: what a file may make of somebody who is known: each of those behind their own standing but
#: pending
_FEWER_MAILS = (
    SubscriberStatus.ACTIVE,
    SubscriberStatus.PAUSED,
    SubscriberStatus.PENDING,
    SubscriberStatus.LEFT,
    SubscriberStatus.SUPPRESSED,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SubscribeResult:
    """What became of a wish. `asked` = a mail asks for confirmation; `pending` = changed, and they
    have yet to confirm; `left`, `suppressed` = left alone, since the reader or their server said
    no.
    """

    subscriber: Subscriber
    outcome: Outcome
    #: for the operator, where the outcome is `suppressed`
    suppression: Suppression | None = None


def subscribe(app: App, request: SubscriptionRequest, *, origin: str) -> SubscribeResult:
    """Subscribe someone for whom the operator answers: confirmed at once. A known subscriber gets
    what the wish names.

    Who left is only brought back by the command, which names one person on purpose; never by a file
    or the config. Nor does a
    file confirm who has yet to do so. Its `status` counts for a new address; of a known one it
    can stop mail, not start it.
    """
    with app.store.writing() as tx:
        return _subscribe(app, tx, request, origin)


def subscribe_many(
    app: App, requests: Iterable[SubscriptionRequest], *, origin: str
) -> Iterator[SubscribeResult | tuple[SubscriptionRequest, DigestError]]:
    """As `subscribe`, many in a transaction; a wish that cannot be granted is returned with its
    reason and stops nobody else.
    """
    pending = iter(requests)
    while some := list(islice(pending, _MANY)):
        granted: list[SubscribeResult | tuple[SubscriptionRequest, DigestError]] = []
        with app.store.writing() as tx:
            for request in some:
                try:
                    granted.append(_subscribe(app, tx, request, origin))
                except (AddressError, InputError) as error:  # raised before anything is written
                    granted.append((request, error))
        yield from granted


def _subscribe(
    app: App, tx: store.Connection, request: SubscriptionRequest, origin: str
) -> SubscribeResult:
    email = normalise_address(request.email)
    now = app.now()
    known = store.subscribers.find_by_email(tx, email)
    suppression = store.suppressions.find(tx, email)
    if suppression is not None:
        nobody = replace(_blank(app, email), status=SubscriberStatus.SUPPRESSED)
        return SubscribeResult(
            subscriber=known or nobody, outcome="suppressed", suppression=suppression
        )
    if known is None:
        return SubscribeResult(
            subscriber=_add(app, tx, request, apply_request(request, _blank(app, email)), origin),
            outcome="new",
        )
    if known.status is SubscriberStatus.SUPPRESSED:
        return SubscribeResult(subscriber=known, outcome="suppressed")
    if known.status is SubscriberStatus.LEFT and origin != "command":
        return SubscribeResult(subscriber=known, outcome="left")
    wanted = reschedule(known, apply_request(request, replace(known, email=email)), now)
    outcome: Outcome = "changed"
    if request.status is not None and _stops(request, known):
        return SubscribeResult(subscriber=_stop(app, tx, wanted, request.status), outcome="changed")
    if known.status is SubscriberStatus.PENDING and origin == "file":
        outcome = "pending"
    elif known.status in (SubscriberStatus.LEFT, SubscriberStatus.PENDING):
        since = start_of_local_day(wanted, now)
        wanted, outcome = replace(wanted, status=SubscriberStatus.ACTIVE, due_from=since), "back"
    if wanted == known:
        return SubscribeResult(subscriber=known, outcome="unchanged")
    return SubscribeResult(
        subscriber=store.subscribers.overwrite(tx, wanted, now=now), outcome=outcome
    )


def _add(
    app: App,
    tx: store.Connection,
    request: SubscriptionRequest,
    subscriber: Subscriber,
    origin: str,
) -> Subscriber:
    """Store somebody new with what the wish says of them."""
    status, now = request.status or SubscriberStatus.ACTIVE, app.now()
    is_suppressed = status is SubscriberStatus.SUPPRESSED
    if request.created is not None:
        # Who comes from another install has missed nothing here.
        subscriber = replace(subscriber, due_from=start_of_local_day(subscriber, now))
    # Nobody answers for an address that was never confirmed.
    door = request.origin or ("page" if status is SubscriberStatus.PENDING else origin)
    made = store.subscribers.add(
        tx,
        replace(subscriber, status=SubscriberStatus.ACTIVE if is_suppressed else status),
        origin=door,
        now=now,
        created=request.created,
    )
    return _stop(app, tx, made, status) if is_suppressed else made


def _stops(request: SubscriptionRequest, known: Subscriber) -> bool:
    """Whether a wish asks for less mail than a known subscriber gets.

    To be asked again is no less.
    """
    if request.status is None or request.status is SubscriberStatus.PENDING:
        return False
    return _FEWER_MAILS.index(request.status) > _FEWER_MAILS.index(known.status)


def _stop(
    app: App, tx: store.Connection, wanted: Subscriber, status: SubscriberStatus
) -> Subscriber:
    """Store a subscriber who gets no more mail for now; what waits for them is skipped."""
    now = app.now()
    if status is SubscriberStatus.SUPPRESSED:
        changed = store.subscribers.overwrite(tx, wanted, now=now)
        evidence = "suppressed according to a file of readers"
        store.suppressions.add(
            tx,
            Suppression(
                address=wanted.email,
                reason=SuppressionReason.OPERATOR,
                since=now,
                evidence=evidence,
            ),
            now=now,
        )
        return replace(changed, status=status)
    changed = store.subscribers.overwrite(tx, replace(wanted, status=status), now=now)
    store.ledger.skip_waiting(tx, changed.id, now=now)
    return changed


def sign_up(
    app: App, request: SubscriptionRequest, *, origin: str, client: str = ""
) -> SubscribeResult:
    """Subscribe a stranger from page or API: nothing happens until they confirm by the link in a
    mail to that address.

    To an active subscriber goes a mail with the link to their settings instead, to a suppressed
    address none; the answer to the stranger is the same. Who left comes back, once they confirm, to
    the settings that they had.

    Args:
        origin: the door, "page" or "api".
        client: where the stranger comes from, which a limit counts by; see `signups.admit`.

    Raises:
        AddressError, InputError: something that is wished cannot be.
        LimitError: too many came within the hour.
    """
    if not app.config.web.signup:
        raise DigestError("this service takes no new readers by page or API. Ask its operator")
    email = normalise_address(request.email)
    now, counted = app.now(), hash_client(app, client)
    with app.store.writing() as tx:
        known = store.subscribers.find_by_email(tx, email)
        blank = replace(_blank(app, email), status=SubscriberStatus.PENDING)
        apply_request(
            request, blank
        )  # a bad value is told of as to anybody, and before it is counted
        admit(app, tx, counted)
        if store.suppressions.find(tx, email) is not None:
            return SubscribeResult(subscriber=known or blank, outcome="asked")
        if known is None:
            known = store.subscribers.add(tx, apply_request(request, blank), origin=origin, now=now)
        elif known.status in (SubscriberStatus.PENDING, SubscriberStatus.LEFT):
            wanted = apply_request(request, known)
            if store.subscribers.was_confirmed(tx, known.id):
                wanted = known  # what they had set is theirs: anybody can type an address
            known = store.subscribers.overwrite(
                tx, replace(wanted, status=SubscriberStatus.PENDING), now=now
            )
        if known.status is SubscriberStatus.PENDING:
            plan_letter(app, tx, MessageKind.CONFIRM, known)
        elif known.status is not SubscriberStatus.SUPPRESSED:
            plan_letter(app, tx, MessageKind.WELCOME, known)
    return SubscribeResult(subscriber=known, outcome="asked")


def confirm(app: App, subscriber_id: int) -> Subscriber:
    """The address is theirs: start, and say so in a welcome mail. Once is enough, twice does no
    harm.
    """
    with app.store.writing() as tx:
        subscriber = require_subscriber(tx, subscriber_id)
        if subscriber.status is SubscriberStatus.PENDING:
            activate(app, tx, subscriber)
            subscriber = replace(subscriber, status=SubscriberStatus.ACTIVE)
            plan_letter(app, tx, MessageKind.WELCOME, subscriber)
    return subscriber


def apply_config(app: App) -> list[SubscribeResult]:
    """Bring [[subscribers]] of the config into the store; the config wins over what a reader
    changed only where it names the key.
    """
    requests = [SubscriptionRequest(**entry.given()) for entry in app.config.subscribers]
    granted = []
    for outcome in subscribe_many(app, requests, origin="config"):
        if isinstance(outcome, tuple):
            raise ConfigError(f"[[subscribers]] {outcome[0].email}: {outcome[1]}")
        granted.append(outcome)
    return granted


def _blank(app: App, email: str) -> Subscriber:
    defaults = app.config.digest
    return Subscriber(
        id=0,
        email=email,
        timezone=defaults.timezone,
        hour=defaults.hour,
        days=defaults.days,
        size=defaults.size,
        threshold=threshold(defaults.threshold, 0),
        created=app.now(),
    )
