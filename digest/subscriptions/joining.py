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
from digest.subscriptions.settings_form import Wish, address, shaped, threshold
from digest.subscriptions.signups import admit, digest_of
from digest.subscriptions.verbs import known_by, plan_letter, reschedule, start, start_of_their_day

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
class Subscribed:
    """What became of a wish. `asked` = a mail asks for confirmation; `pending` = changed, and they
    have yet to confirm; `left`, `suppressed` = left alone, since the reader or their server said
    no.
    """

    subscriber: Subscriber
    outcome: Outcome
    #: for the operator, where the outcome is `suppressed`
    suppression: Suppression | None = None


def subscribe(app: App, wish: Wish, *, origin: str) -> Subscribed:
    """Subscribe someone for whom the operator answers: confirmed at once. A known subscriber gets
    what the wish names.

    Who left is only brought back by the command, which names one person on purpose; never by a file
    or the config. Nor does a
    file confirm who has yet to do so. Its `status` counts for a new address; of a known one it
    can stop mail, not start it.
    """
    with app.store.writing() as tx:
        return _subscribe(app, tx, wish, origin)


def subscribe_many(
    app: App, wishes: Iterable[Wish], *, origin: str
) -> Iterator[Subscribed | tuple[Wish, DigestError]]:
    """As `subscribe`, many in a transaction; a wish that cannot be granted is returned with its
    reason and stops nobody else.
    """
    pending = iter(wishes)
    while some := list(islice(pending, _MANY)):
        granted: list[Subscribed | tuple[Wish, DigestError]] = []
        with app.store.writing() as tx:
            for wish in some:
                try:
                    granted.append(_subscribe(app, tx, wish, origin))
                except (AddressError, InputError) as error:  # raised before anything is written
                    granted.append((wish, error))
        yield from granted


def _subscribe(app: App, tx: store.Connection, wish: Wish, origin: str) -> Subscribed:
    email = address(wish.email)
    now = app.now()
    known = store.subscribers.by_email(tx, email)
    suppression = store.suppressions.of(tx, email)
    if suppression is not None:
        nobody = replace(_blank(app, email), status=SubscriberStatus.SUPPRESSED)
        return Subscribed(subscriber=known or nobody, outcome="suppressed", suppression=suppression)
    if known is None:
        return Subscribed(
            subscriber=_add(app, tx, wish, shaped(wish, _blank(app, email)), origin), outcome="new"
        )
    if known.status is SubscriberStatus.SUPPRESSED:
        return Subscribed(subscriber=known, outcome="suppressed")
    if known.status is SubscriberStatus.LEFT and origin != "command":
        return Subscribed(subscriber=known, outcome="left")
    wanted = reschedule(known, shaped(wish, replace(known, email=email)), now)
    outcome: Outcome = "changed"
    if wish.status is not None and _stops(wish, known):
        return Subscribed(subscriber=_stop(app, tx, wanted, wish.status), outcome="changed")
    if known.status is SubscriberStatus.PENDING and origin == "file":
        outcome = "pending"
    elif known.status in (SubscriberStatus.LEFT, SubscriberStatus.PENDING):
        since = start_of_their_day(wanted, now)
        wanted, outcome = replace(wanted, status=SubscriberStatus.ACTIVE, due_from=since), "back"
    if wanted == known:
        return Subscribed(subscriber=known, outcome="unchanged")
    return Subscribed(subscriber=store.subscribers.change(tx, wanted, now=now), outcome=outcome)


def _add(
    app: App, tx: store.Connection, wish: Wish, subscriber: Subscriber, origin: str
) -> Subscriber:
    """Store somebody new with what the wish says of them."""
    status, now = wish.status or SubscriberStatus.ACTIVE, app.now()
    stopped = status is SubscriberStatus.SUPPRESSED
    if wish.created is not None:
        # Who comes from another install has missed nothing here.
        subscriber = replace(subscriber, due_from=start_of_their_day(subscriber, now))
    # Nobody answers for an address that was never confirmed.
    door = wish.origin or ("page" if status is SubscriberStatus.PENDING else origin)
    made = store.subscribers.add(
        tx,
        replace(subscriber, status=SubscriberStatus.ACTIVE if stopped else status),
        origin=door,
        now=now,
        created=wish.created,
    )
    return _stop(app, tx, made, status) if stopped else made


def _stops(wish: Wish, known: Subscriber) -> bool:
    """Whether a wish asks for less mail than a known subscriber gets.

    To be asked again is no less.
    """
    if wish.status is None or wish.status is SubscriberStatus.PENDING:
        return False
    return _FEWER_MAILS.index(wish.status) > _FEWER_MAILS.index(known.status)


def _stop(
    app: App, tx: store.Connection, wanted: Subscriber, status: SubscriberStatus
) -> Subscriber:
    """Store a subscriber who gets no more mail for now; what waits for them is skipped."""
    now = app.now()
    if status is SubscriberStatus.SUPPRESSED:
        changed = store.subscribers.change(tx, wanted, now=now)
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
    changed = store.subscribers.change(tx, replace(wanted, status=status), now=now)
    store.ledger.skip_waiting(tx, changed.id, now=now)
    return changed


def ask(app: App, wish: Wish, *, origin: str, client: str = "") -> Subscribed:
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
    email = address(wish.email)
    now, counted = app.now(), digest_of(app, client)
    with app.store.writing() as tx:
        known = store.subscribers.by_email(tx, email)
        blank = replace(_blank(app, email), status=SubscriberStatus.PENDING)
        shaped(wish, blank)  # a bad value is told of as to anybody, and before it is counted
        admit(app, tx, counted)
        if store.suppressions.of(tx, email) is not None:
            return Subscribed(subscriber=known or blank, outcome="asked")
        if known is None:
            known = store.subscribers.add(tx, shaped(wish, blank), origin=origin, now=now)
        elif known.status in (SubscriberStatus.PENDING, SubscriberStatus.LEFT):
            wanted = shaped(wish, known)
            if store.subscribers.was_confirmed(tx, known.id):
                wanted = known  # what they had set is theirs: anybody can type an address
            known = store.subscribers.change(
                tx, replace(wanted, status=SubscriberStatus.PENDING), now=now
            )
        if known.status is SubscriberStatus.PENDING:
            plan_letter(app, tx, MessageKind.CONFIRM, known)
        elif known.status is not SubscriberStatus.SUPPRESSED:
            plan_letter(app, tx, MessageKind.WELCOME, known)
    return Subscribed(subscriber=known, outcome="asked")


def confirm(app: App, subscriber_id: int) -> Subscriber:
    """The address is theirs: start, and say so in a welcome mail. Once is enough, twice does no
    harm.
    """
    with app.store.writing() as tx:
        subscriber = known_by(tx, subscriber_id)
        if subscriber.status is SubscriberStatus.PENDING:
            start(app, tx, subscriber)
            subscriber = replace(subscriber, status=SubscriberStatus.ACTIVE)
            plan_letter(app, tx, MessageKind.WELCOME, subscriber)
    return subscriber


def apply_config(app: App) -> list[Subscribed]:
    """Bring [[subscribers]] of the config into the store; the config wins over what a reader
    changed only where it names the key.
    """
    wishes = [Wish(**entry.given()) for entry in app.config.subscribers]
    granted = []
    for outcome in subscribe_many(app, wishes, origin="config"):
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
