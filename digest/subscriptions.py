"""The life of a subscription: subscribe, confirm, change, pause, leave. Every door calls these verbs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Literal
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email

from digest import store
from digest.app import App
from digest.errors import AddressError, ConfigError, DigestError, InputError, NotFoundError
from digest.model import SHARE_MAX, THRESHOLD_WORDS, Interest, MessageKind, Standing, Subscriber, Suppression, SuppressionReason, Threshold

#: a confirmation or welcome that cannot be sent for so long is of no use any more
_LETTER_WINDOW = timedelta(days=2)
#: sizes that keep one reader from costing a thousand
_TEXT_MAX, _LIST_MAX, _WORD_MAX = 4000, 200, 200
#: example papers: a whole library may be imported
_PAPERS_MAX = 2000
#: interests of one reader, and characters of a name
INTERESTS_MAX, NAME_MAX = 20, 100
#: bulk subscriptions in one transaction
_MANY = 500

Outcome = Literal["new", "changed", "unchanged", "back", "asked", "left", "suppressed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What somebody wants of a subscription; None = leave it as it is, or at the default."""

    email: str
    name: str | None = None
    timezone: str | None = None
    hour: int | None = None
    days: tuple[int, ...] | None = None
    size: int | None = None
    #: a match from 0 to 100, "good" or "strong"
    threshold: int | str | None = None
    #: the interest that what follows belongs to, made where there is none of that name; None = the first
    interest: str | None = None
    share: int | None = None
    keywords: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    authors: tuple[str, ...] | None = None
    papers: tuple[str, ...] | None = None
    text: str | None = None
    #: names of interests to give up
    drop: tuple[str, ...] | None = None
    #: all interests, instead of those that there are; what is empty counts as none
    interests: tuple[Interest, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscribed:
    """What became of a wish. `asked` = a mail asks for confirmation; `left`, `suppressed` = left alone, since the reader or their server said no."""

    subscriber: Subscriber
    outcome: Outcome
    #: for the operator, where the outcome is `suppressed`
    suppression: Suppression | None = None


def address(text: str) -> str:
    """The address in its normal form, without asking the DNS.

    Raises:
        AddressError: mail could not be sent there.
    """
    try:
        return validate_email(text.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise AddressError(f"{text!r} is no e-mail address: {error}") from None


def subscribe(app: App, wish: Wish, *, origin: str) -> Subscribed:
    """Subscribe someone for whom the operator answers: confirmed at once. A known subscriber gets what the wish names.

    Who left is only brought back by the command, which names one person on purpose; never by a file or the config.
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
        made = store.subscribers.add(tx, _shaped(app, wish, _blank(app, email)), origin=origin, now=now)
        return Subscribed(subscriber=made, outcome="new")
    if known.standing is Standing.SUPPRESSED:
        return Subscribed(subscriber=known, outcome="suppressed")
    if known.standing is Standing.LEFT and origin != "command":
        return Subscribed(subscriber=known, outcome="left")
    wanted = _shaped(app, wish, replace(known, email=email))
    outcome: Outcome = "changed"
    if known.standing in (Standing.LEFT, Standing.PENDING):
        wanted, outcome = replace(wanted, standing=Standing.ACTIVE), "back"
    if wanted == known:
        return Subscribed(subscriber=known, outcome="unchanged")
    return Subscribed(subscriber=store.subscribers.change(tx, wanted, now=now), outcome=outcome)


def ask(app: App, wish: Wish, *, origin: str) -> Subscribed:
    """Subscribe a stranger from page or API: nothing happens until they confirm by the link in a mail to that address.

    To an active subscriber goes a mail with the link to their settings instead, to a suppressed address none; the answer to the stranger is the
    same.
    """
    if not app.config.web.signup:
        raise DigestError("this service takes no new readers by page or API. Ask its operator")
    email = address(wish.email)
    now = app.now()
    with app.store.writing() as tx:
        known = store.subscribers.by_email(tx, email)
        blank = replace(_blank(app, email), standing=Standing.PENDING)
        if store.suppressions.of(tx, email) is not None:
            _shaped(app, wish, blank)  # a bad value is told of as to anybody
            return Subscribed(subscriber=known or blank, outcome="asked")
        if known is None:
            known = store.subscribers.add(tx, _shaped(app, wish, blank), origin=origin, now=now)
        elif known.standing in (Standing.PENDING, Standing.LEFT):
            wanted = replace(_shaped(app, wish, known), standing=Standing.PENDING)
            known = store.subscribers.change(tx, wanted, now=now)
        if known.standing is Standing.PENDING:
            _plan(app, tx, MessageKind.CONFIRM, known)
        elif known.standing is not Standing.SUPPRESSED:
            _plan(app, tx, MessageKind.WELCOME, known)
    return Subscribed(subscriber=known, outcome="asked")


def confirm(app: App, subscriber_id: int) -> Subscriber:
    """The address is theirs: start, and say so in a welcome mail. Once is enough, twice does no harm."""
    with app.store.writing() as tx:
        subscriber = _known(tx, subscriber_id)
        if subscriber.standing is Standing.PENDING:
            store.subscribers.set_standing(tx, subscriber_id, Standing.ACTIVE, now=app.now())
            subscriber = replace(subscriber, standing=Standing.ACTIVE)
            _plan(app, tx, MessageKind.WELCOME, subscriber)
    return subscriber


def change(app: App, subscriber_id: int, wish: Wish) -> Subscriber:
    """Settings and interests of someone who holds a link of their own. The address stays."""
    with app.store.writing() as tx:
        known = _known(tx, subscriber_id)
        return store.subscribers.change(tx, _shaped(app, wish, known), now=app.now())


def pause(app: App, subscriber_id: int, *, paused: bool) -> Subscriber:
    """Stop for a while, or go on; whoever left stays away."""
    wanted, former = (Standing.PAUSED, Standing.ACTIVE) if paused else (Standing.ACTIVE, Standing.PAUSED)
    with app.store.writing() as tx:
        known = _known(tx, subscriber_id)
        if known.standing is former:
            store.subscribers.set_standing(tx, subscriber_id, wanted, now=app.now())
            if paused:
                store.ledger.skip_waiting(tx, subscriber_id, now=app.now())
            known = replace(known, standing=wanted)
    return known


def unsubscribe(app: App, subscriber_id: int, *, farewell: bool = False) -> Subscriber:
    """Leave: at once, for everything whose body has not begun to be sent. Idempotent; works for who is gone already.

    `farewell` tells them by mail: meant for someone whom the operator removes, who would not know otherwise.
    """
    with app.store.writing() as tx:
        known = _known(tx, subscriber_id)
        if known.standing is Standing.SUPPRESSED:
            store.suppressions.leave(tx, known.email)
            return known
        left = store.subscribers.set_standing(tx, subscriber_id, Standing.LEFT, now=app.now())
        store.ledger.skip_waiting(tx, subscriber_id, now=app.now())
        if left and farewell and known.standing is not Standing.PENDING:
            _plan(app, tx, MessageKind.GOODBYE, known)
    return replace(known, standing=Standing.LEFT)


def return_after(app: App, subscriber_id: int) -> Subscriber:
    """Undo of leaving, from the same page; it also takes back a complaint, which may have been one wrong press in a mail program."""
    with app.store.writing() as tx:
        known = _known(tx, subscriber_id)
        if known.standing is Standing.LEFT:
            store.suppressions.release(tx, known.email, now=app.now())
            store.subscribers.set_standing(tx, subscriber_id, Standing.ACTIVE, now=app.now())
            known = replace(known, standing=Standing.ACTIVE)
    return known


def by_email(app: App, email: str) -> Subscriber:
    """Raises NotFoundError when nobody subscribes under that address."""
    with app.store.reading() as tx:
        found = store.subscribers.by_email(tx, email.strip())
    if found is None:
        raise NotFoundError(f"nobody subscribes as {email!r}. `digest subscribers` lists them; `digest subscribe {email}` adds one")
    return found


def by_id(app: App, subscriber_id: int) -> Subscriber:
    """Raises NotFoundError when the row is gone."""
    with app.store.reading() as tx:
        return _known(tx, subscriber_id)


def everybody(app: App) -> list[Subscriber]:
    """In order of joining, whatever their standing."""
    with app.store.reading() as tx:
        return store.subscribers.by_standing(tx)


def apply_config(app: App) -> list[Subscribed]:
    """Bring [[subscribers]] of the config into the store; the config wins over what a reader changed only where it names the key."""
    wishes = [Wish(**entry.given()) for entry in app.config.subscribers]
    granted = []
    for outcome in subscribe_many(app, wishes, origin="config"):
        if isinstance(outcome, tuple):
            raise ConfigError(f"[[subscribers]] {outcome[0].email}: {outcome[1]}")
        granted.append(outcome)
    return granted


# ---------------------------------------------------------------------------------------------- addresses that get no mail


def suppress(app: App, suppressions: Iterable[Suppression]) -> int:
    """Stop all mail to addresses, on the operator's word; returns how many were not suppressed before. Each address must be in its normal form."""
    pending, made = iter(suppressions), 0
    while some := list(islice(pending, _MANY)):
        with app.store.writing() as tx:
            made += sum(store.suppressions.add(tx, one, now=app.now()) for one in some)
    return made


def release(app: App, email: str) -> Suppression:
    """Let mail go to an address again; its subscriber stands as before, and what came back so far no longer counts.

    Raises:
        NotFoundError: it is not suppressed.
    """
    with app.store.writing() as tx:
        gone = store.suppressions.release(tx, email.strip(), now=app.now())
    if gone is None:
        raise NotFoundError(f"{email} is not suppressed. `digest suppressions` lists the addresses that are")
    return gone


def suppressed(app: App) -> list[Suppression]:
    """All of them, the newest last."""
    with app.store.reading() as tx:
        return store.suppressions.every(tx)


def stopped(app: App, email: str, evidence: str) -> Suppression:
    """What the operator's own word makes of an address.

    Raises:
        AddressError: it is none.
    """
    return Suppression(address=address(email), reason=SuppressionReason.OPERATOR, since=app.now(), evidence=evidence)


# ---------------------------------------------------------------------------------------------- shaping


def _known(tx: store.Connection, subscriber_id: int) -> Subscriber:
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
        threshold=_threshold(defaults.threshold, 0),
        created=app.now(),
    )


def _shaped(app: App, wish: Wish, subscriber: Subscriber) -> Subscriber:
    """The subscriber as wished.

    Raises:
        InputError: naming the value and what it may be.
    """
    if wish.timezone is not None and wish.timezone not in available_timezones():
        raise InputError(f"timezone {wish.timezone!r} is unknown; use a name like Europe/Berlin")
    days = subscriber.days if wish.days is None else tuple(sorted(set(wish.days)))
    if not days or not all(1 <= day <= 7 for day in days):
        raise InputError(f"days {list(days)} must be some of 1 (Monday) to 7 (Sunday)")
    return replace(
        subscriber,
        name=subscriber.name if wish.name is None else " ".join(wish.name.split())[:_WORD_MAX],
        timezone=wish.timezone or subscriber.timezone,
        hour=_within("hour", wish.hour, 0, 23, subscriber.hour),
        days=days,
        size=_within("size", wish.size, 1, 100, subscriber.size),
        threshold=_threshold(wish.threshold, subscriber.threshold),
        interests=_interests(wish, subscriber.interests),
    )


_WORDS = ("interest", "share", "keywords", "categories", "authors", "papers", "text", "drop")


def _interests(wish: Wish, known: tuple[Interest, ...]) -> tuple[Interest, ...]:
    if wish.interests is not None:
        if both := [key for key in _WORDS if getattr(wish, key) is not None]:
            raise InputError(f"interests: they say it all; leave out {both[0]}, or give it within one of them")
        topics = [_checked(interest) for interest in wish.interests]
    else:
        gone = [_name(name) for name in wish.drop or ()]
        if unknown := [name for name in gone if name not in [topic.name for topic in known]]:
            raise InputError(
                f"drop {unknown[0]!r}: there is no such interest; known are {', '.join(topic.name for topic in known) or 'none'}"
            )
        topics = [topic for topic in known if topic.name not in gone]
        if any(getattr(wish, key) is not None for key in _WORDS[:-1]):
            first = topics[0].name if topics else Interest().name
            name = first if wish.interest is None else _name(wish.interest)
            one = _changed(next((topic for topic in topics if topic.name == name), Interest(name=name)), wish)
            topics = [one if topic.name == name else topic for topic in topics] + [one] * (name not in [topic.name for topic in topics])
    topics = [topic for topic in topics if not topic.empty]
    names = [topic.name.casefold() for topic in topics]
    if twice := [topic.name for topic in topics if names.count(topic.name.casefold()) > 1]:
        raise InputError(f"interests: {twice[0]!r} is the name of two; give each its own")
    if len(topics) > INTERESTS_MAX:
        raise InputError(f"interests: at most {INTERESTS_MAX}, got {len(topics)}")
    return tuple(topics)


def _name(name: str) -> str:
    bare = " ".join(name.split())
    if not bare or len(bare) > NAME_MAX:
        raise InputError(f"interest {bare[:40]!r}: give it a name of 1 to {NAME_MAX} characters")
    return bare


def _checked(interest: Interest) -> Interest:
    """An interest as it came, in order; raises as `_shaped` does."""
    return replace(
        interest,
        name=_name(interest.name),
        keywords=_words("keywords", interest.keywords),
        categories=_words("categories", interest.categories),
        authors=_words("authors", interest.authors),
        papers=_words("papers", interest.papers, most=_PAPERS_MAX),
        text=interest.text.strip()[:_TEXT_MAX],
    )


def _changed(topic: Interest, wish: Wish) -> Interest:
    return replace(
        topic,
        share=_within("share", wish.share, 1, SHARE_MAX, topic.share),
        keywords=topic.keywords if wish.keywords is None else _words("keywords", wish.keywords),
        categories=topic.categories if wish.categories is None else _words("categories", wish.categories),
        authors=topic.authors if wish.authors is None else _words("authors", wish.authors),
        papers=topic.papers if wish.papers is None else _words("papers", wish.papers, most=_PAPERS_MAX),
        text=topic.text if wish.text is None else wish.text.strip()[:_TEXT_MAX],
    )


def _within(name: str, value: int | None, low: int, high: int, otherwise: int) -> int:
    if value is None:
        return otherwise
    if not low <= value <= high:
        raise InputError(f"{name} {value} must be {low} to {high}")
    return value


def _threshold(value: int | str | None, otherwise: Threshold) -> Threshold:
    word = next((word for word in THRESHOLD_WORDS if word == value), None)
    if word is not None:
        return word
    if isinstance(value, str):
        raise InputError(f"threshold {value!r} must be a whole number from 0 to 100, or {' or '.join(THRESHOLD_WORDS)}")
    return otherwise if value is None else _within("threshold", value, 0, 100, 0)


def _words(name: str, values: Sequence[str], most: int = _LIST_MAX) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(" ".join(value.split()) for value in values if value.strip(" -+")))
    if len(words) > most or any(len(word) > _WORD_MAX * 3 for word in words):
        raise InputError(f"{name}: at most {most} of up to {_WORD_MAX * 3} characters each")
    return words


def _plan(app: App, tx: store.Connection, kind: MessageKind, subscriber: Subscriber) -> bool:
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
