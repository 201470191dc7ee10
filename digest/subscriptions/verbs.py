"""The life of a subscription: subscribe, confirm, change, pause, leave, delete. Every door calls these verbs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

from digest import store
from digest.app import App
from digest.due_dates import start_of_day
from digest.errors import AddressError, ConfigError, DigestError, InputError, NotFoundError
from digest.model import MessageKind, Standing, Subscriber, Suppression, SuppressionReason, address_key
from digest.subscriptions.signups import admit, digest_of
from digest.subscriptions.versions import changed_since
from digest.subscriptions.wishes import Wish, address, normal, shaped, threshold

#: a confirmation or welcome that cannot be sent for so long is of no use any more
_LETTER_WINDOW = timedelta(days=2)
#: bulk subscriptions in one transaction
_MANY = 500

Outcome = Literal["new", "changed", "unchanged", "back", "asked", "pending", "left", "suppressed"]
#: what a file may make of somebody who is known: each of those behind their own standing but pending
_FEWER_MAILS = (
    Standing.ACTIVE,
    Standing.PAUSED,
    Standing.PENDING,
    Standing.LEFT,
    Standing.SUPPRESSED,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscribed:
    """What became of a wish. `asked` = a mail asks for confirmation; `pending` = changed, and they have yet to confirm;
    `left`, `suppressed` = left alone, since the reader or their server said no.
    """

    subscriber: Subscriber
    outcome: Outcome
    #: for the operator, where the outcome is `suppressed`
    suppression: Suppression | None = None


def subscribe(app: App, wish: Wish, *, origin: str) -> Subscribed:
    """Subscribe someone for whom the operator answers: confirmed at once. A known subscriber gets what the wish names.

    Who left is only brought back by the command, which names one person on purpose; never by a file or the config. Nor does a
    file confirm who has yet to do so. Its `standing` counts for a new address; of a known one it can stop mail, not start it.
    """
    with app.store.writing() as tx:
        return _subscribe(app, tx, wish, origin)


def subscribe_many(app: App, wishes: Iterable[Wish], *, origin: str) -> Iterator[Subscribed | tuple[Wish, DigestError]]:
    """As `subscribe`, many in a transaction; a wish that cannot be granted is returned with its reason and stops nobody else."""
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
        nobody = replace(_blank(app, email), standing=Standing.SUPPRESSED)
        return Subscribed(subscriber=known or nobody, outcome="suppressed", suppression=suppression)
    if known is None:
        return Subscribed(
            subscriber=_add(app, tx, wish, shaped(wish, _blank(app, email)), origin), outcome="new"
        )
    if known.standing is Standing.SUPPRESSED:
        return Subscribed(subscriber=known, outcome="suppressed")
    if known.standing is Standing.LEFT and origin != "command":
        return Subscribed(subscriber=known, outcome="left")
    wanted = _rescheduled(known, shaped(wish, replace(known, email=email)), now)
    outcome: Outcome = "changed"
    if wish.standing is not None and _stops(wish, known):
        return Subscribed(subscriber=_stop(app, tx, wanted, wish.standing), outcome="changed")
    if known.standing is Standing.PENDING and origin == "file":
        outcome = "pending"
    elif known.standing in (Standing.LEFT, Standing.PENDING):
        since = _start_of_day(wanted, now)
        wanted, outcome = replace(wanted, standing=Standing.ACTIVE, due_from=since), "back"
    if wanted == known:
        return Subscribed(subscriber=known, outcome="unchanged")
    return Subscribed(subscriber=store.subscribers.change(tx, wanted, now=now), outcome=outcome)


def _add(
    app: App, tx: store.Connection, wish: Wish, subscriber: Subscriber, origin: str
) -> Subscriber:
    """Store somebody new with what the wish says of them."""
    standing, now = wish.standing or Standing.ACTIVE, app.now()
    stopped = standing is Standing.SUPPRESSED
    if wish.created is not None:
        # Who comes from another install has missed nothing here.
        subscriber = replace(subscriber, due_from=_start_of_day(subscriber, now))
    # Nobody answers for an address that was never confirmed.
    door = wish.origin or ("page" if standing is Standing.PENDING else origin)
    made = store.subscribers.add(
        tx,
        replace(subscriber, standing=Standing.ACTIVE if stopped else standing),
        origin=door,
        now=now,
        created=wish.created,
    )
    return _stop(app, tx, made, standing) if stopped else made


def _stops(wish: Wish, known: Subscriber) -> bool:
    """Whether a wish asks for less mail than a known subscriber gets. To be asked again is no less."""
    if wish.standing is None or wish.standing is Standing.PENDING:
        return False
    return _FEWER_MAILS.index(wish.standing) > _FEWER_MAILS.index(known.standing)


def _stop(app: App, tx: store.Connection, wanted: Subscriber, standing: Standing) -> Subscriber:
    """Store a subscriber who gets no more mail for now; what waits for them is skipped."""
    now = app.now()
    if standing is Standing.SUPPRESSED:
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
        return replace(changed, standing=standing)
    changed = store.subscribers.change(tx, replace(wanted, standing=standing), now=now)
    store.ledger.skip_waiting(tx, changed.id, now=now)
    return changed


def ask(app: App, wish: Wish, *, origin: str, client: str = "") -> Subscribed:
    """Subscribe a stranger from page or API: nothing happens until they confirm by the link in a mail to that address.

    To an active subscriber goes a mail with the link to their settings instead, to a suppressed address none; the answer to the stranger is the
    same. Who left comes back, once they confirm, to the settings that they had.

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
        blank = replace(_blank(app, email), standing=Standing.PENDING)
        shaped(wish, blank)  # a bad value is told of as to anybody, and before it is counted
        admit(app, tx, counted)
        if store.suppressions.of(tx, email) is not None:
            return Subscribed(subscriber=known or blank, outcome="asked")
        if known is None:
            known = store.subscribers.add(tx, shaped(wish, blank), origin=origin, now=now)
        elif known.standing in (Standing.PENDING, Standing.LEFT):
            wanted = shaped(wish, known)
            if store.subscribers.was_confirmed(tx, known.id):
                wanted = known  # what they had set is theirs: anybody can type an address
            known = store.subscribers.change(tx, replace(wanted, standing=Standing.PENDING), now=now)
        if known.standing is Standing.PENDING:
            plan_letter(app, tx, MessageKind.CONFIRM, known)
        elif known.standing is not Standing.SUPPRESSED:
            plan_letter(app, tx, MessageKind.WELCOME, known)
    return Subscribed(subscriber=known, outcome="asked")


def confirm(app: App, subscriber_id: int) -> Subscriber:
    """The address is theirs: start, and say so in a welcome mail. Once is enough, twice does no harm."""
    with app.store.writing() as tx:
        subscriber = known_by(tx, subscriber_id)
        if subscriber.standing is Standing.PENDING:
            _start(app, tx, subscriber)
            subscriber = replace(subscriber, standing=Standing.ACTIVE)
            plan_letter(app, tx, MessageKind.WELCOME, subscriber)
    return subscriber


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """A reader after a wish, and what others had changed since the wish was made."""

    subscriber: Subscriber
    #: fields of `versions.FIELDS`
    elsewhere: frozenset[str] = frozenset()
    #: as it was wished, where it was not granted for what was changed elsewhere; None = granted
    refused: Subscriber | None = None


def change(app: App, subscriber_id: int, wish: Wish) -> Subscriber:
    """Settings and interests of someone who holds a link of their own. The address stays."""
    return change_seen(app, subscriber_id, wish, "").subscriber


def change_seen(app: App, subscriber_id: int, wish: Wish, version: str) -> Changed:
    """As `change`, unless settings are other than in the version that was seen; "" = whatever they are."""
    with app.store.writing() as tx:
        store.subscribers.lock(tx, subscriber_id)
        known = known_by(tx, subscriber_id)
        wanted = _rescheduled(known, shaped(wish, known), app.now())
        elsewhere = frozenset(changed_since(version, known))
        if wanted == known:
            return Changed(subscriber=known, elsewhere=elsewhere & {"standing"})  # the rest is what was wished
        if elsewhere - {"standing"}:
            return Changed(subscriber=known, elsewhere=elsewhere, refused=wanted)
        return Changed(subscriber=store.subscribers.change(tx, wanted, now=app.now()), elsewhere=elsewhere)


def pause(app: App, subscriber_id: int, *, paused: bool) -> Subscriber:
    """Stop for a while, or go on; whoever left stays away.

    Nothing is owed for a due moment within the pause: the next one takes what came meanwhile.
    """
    with app.store.writing() as tx:
        return set_pause(app, tx, known_by(tx, subscriber_id), paused=paused)


def set_pause(app: App, tx: store.Connection, known: Subscriber, *, paused: bool) -> Subscriber:
    """As `pause`, within a transaction."""
    wanted, former = (Standing.PAUSED, Standing.ACTIVE) if paused else (Standing.ACTIVE, Standing.PAUSED)
    if known.standing is not former:
        return known
    since = None if paused else app.now()
    store.subscribers.set_standing(tx, known.id, wanted, now=app.now(), due_from=since)
    if paused:
        store.ledger.skip_waiting(tx, known.id, now=app.now())
    return replace(known, standing=wanted)


def unsubscribe(app: App, subscriber_id: int, *, farewell: bool = False) -> Subscriber:
    """Leave: at once, for everything whose body has not begun to be sent. Idempotent; works for who is gone already.

    `farewell` tells them by mail: meant for someone whom the operator removes, who would not know otherwise.
    """
    with app.store.writing() as tx:
        return leave(app, tx, known_by(tx, subscriber_id), farewell=farewell)


def leave(app: App, tx: store.Connection, known: Subscriber, *, farewell: bool) -> Subscriber:
    """As `unsubscribe`, within a transaction."""
    if known.standing is Standing.SUPPRESSED:
        store.suppressions.leave(tx, known.email)
        return known
    left = store.subscribers.set_standing(tx, known.id, Standing.LEFT, now=app.now())
    store.ledger.skip_waiting(tx, known.id, now=app.now())
    if left and farewell and known.standing is not Standing.PENDING:
        plan_letter(app, tx, MessageKind.GOODBYE, known)
    return replace(known, standing=Standing.LEFT)


def return_after(app: App, subscriber_id: int) -> Subscriber:
    """Undo of leaving, from the same page; it also takes back a complaint, which may have been one wrong press in a mail program.

    A link of their own says as much as the confirmation that somebody has asked for since.
    """
    with app.store.writing() as tx:
        return come_back(app, tx, known_by(tx, subscriber_id))


def come_back(app: App, tx: store.Connection, known: Subscriber) -> Subscriber:
    """As `return_after`, within a transaction."""
    if known.standing not in (Standing.LEFT, Standing.PENDING):
        return known
    store.suppressions.release(tx, known.email, now=app.now())
    _start(app, tx, known)
    return replace(known, standing=Standing.ACTIVE)


def delete(app: App, subscriber_id: int) -> Subscriber:
    """Delete a reader with everything that is stored about them; returns who it was.

    No mail goes to them any more but one whose body has begun, and none tells them. That an address is suppressed stays known, as do the counts of
    past rounds.

    Raises:
        NotFoundError: they are not stored.
        InputError: the config names them, and would bring them back.
    """
    with app.store.writing() as tx:
        known = known_by(tx, subscriber_id)
        if address_key(known.email) in {address_key(normal(entry.email)) for entry in app.config.subscribers}:
            raise InputError(f"[[subscribers]] of the config names {known.email}, and would bring them back. Take them out of it first")
        store.subscribers.remove(tx, subscriber_id)
    return known


def by_email(app: App, email: str) -> Subscriber:
    """Raises NotFoundError when nobody subscribes under that address."""
    with app.store.reading() as tx:
        found = store.subscribers.by_email(tx, normal(email))
    if found is None:
        raise NotFoundError(f"nobody subscribes as {email!r}. `digest subscribers` lists them; `digest subscribe {email}` adds one")
    return found


def by_id(app: App, subscriber_id: int) -> Subscriber:
    """Raises NotFoundError when the row is gone."""
    with app.store.reading() as tx:
        return known_by(tx, subscriber_id)


def everybody(app: App) -> list[Subscriber]:
    """In order of joining, whatever their standing."""
    with app.store.reading() as tx:
        return store.subscribers.by_standing(tx)


def origins(app: App) -> dict[int, str]:
    """The door by which each subscriber came, by id: command, file, config, page or api."""
    with app.store.reading() as tx:
        return store.subscribers.origins(tx)


def apply_config(app: App) -> list[Subscribed]:
    """Bring [[subscribers]] of the config into the store; the config wins over what a reader changed only where it names the key."""
    wishes = [Wish(**entry.given()) for entry in app.config.subscribers]
    granted = []
    for outcome in subscribe_many(app, wishes, origin="config"):
        if isinstance(outcome, tuple):
            raise ConfigError(f"[[subscribers]] {outcome[0].email}: {outcome[1]}")
        granted.append(outcome)
    return granted


def _start(app: App, tx: store.Connection, subscriber: Subscriber) -> None:
    """Make a reader active; the digest of the day on which they join or return is theirs."""
    now = app.now()
    since = _start_of_day(subscriber, now)
    store.subscribers.set_standing(tx, subscriber.id, Standing.ACTIVE, now=now, due_from=since)


def _rescheduled(known: Subscriber, wanted: Subscriber, now: datetime) -> Subscriber:
    """Settings to be stored: other days, another hour or zone count from today on.

    Else a weekday that a reader adds would make its last date a missed one.
    """
    before, after = ((reader.days, reader.hour, reader.timezone) for reader in (known, wanted))
    if before == after:
        return wanted
    today = _start_of_day(wanted, now)
    return replace(wanted, due_from=max(known.due_from or today, today))


def _start_of_day(subscriber: Subscriber, now: datetime) -> datetime:
    """The beginning of their day; `now` where this machine does not know their stored zone."""
    try:
        return start_of_day(subscriber, now)
    except InputError:
        return now


def known_by(tx: store.Connection, subscriber_id: int) -> Subscriber:
    """Raises NotFoundError when the row is gone."""
    found = store.subscribers.by_id(tx, subscriber_id)
    if found is None:
        raise NotFoundError(f"no subscriber {subscriber_id}; the row was deleted")
    return found


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
