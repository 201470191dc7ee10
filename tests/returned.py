"""Returned mails: the golden ones, about a message of the store, and damage."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from digest import store
from digest.app import App
from digest.model import Delivery, MessageKind, MessageState, Phase, Purpose, Queued, Subscriber

GOLDEN = Path(__file__).parent / "data" / "bounces"
#: the tokens in the golden mails
VERP = b"b+aeaqmaaaaaaaoaaaaaaaaaaaaaacvtzoqhcwoicfh7u7dpqp4lmamcy@bounces.digest.example"
LEAVE = b"aeaqgaaaaaaaoaaaaaaaaaaaaaacujrdlt2fyutwdbnk2vlfosysauq"
MORE = b"aeaqcaaaaaaaoaaaaaaagaaaaaacviaf3bvw4nyg2l6d6nzqqisqjja"


def letter(
    app: App, who: Subscriber, key: str = "1", *, state: MessageState = MessageState.ACCEPTED
) -> Queued:
    """Make a message to a reader that was sent, with the given end."""
    with app.store.writing() as tx:
        store.ledger.plan(
            tx,
            kind=MessageKind.WELCOME,
            subscriber_id=who.id,
            key=key,
            message_id=app.message_id(MessageKind.WELCOME, key, who.id),
            not_before=app.now(),
            expires_at=app.now() + timedelta(hours=8),
        )
        (queued,) = store.ledger.claim(tx, owner="me", now=app.now(), clock=app.now())
        store.ledger.begin(tx, [queued], owner="me", now=app.now(), clock=app.now())
        delivery = Delivery(
            outcome=state.value, server="mx", phase=Phase.BODY, started=app.now(), ended=app.now()
        )  # type: ignore[arg-type]
        store.ledger.settle(tx, [(queued, delivery)], owner="me", now=app.now())
    return queued


def mail(name: str, app: App, queued: Queued, *, paper: int = 0) -> bytes:
    """Make a golden mail about a message of this store."""
    reader = queued.subscriber.id
    address = app.bounce_address(reader, queued.id)
    assert address is not None

    def token(purpose: Purpose, paper: int = 0) -> bytes:
        return (
            app.url(purpose, reader, paper_id=paper, message_id=queued.id)
            .rpartition("/")[2]
            .encode()
        )

    data = (GOLDEN / f"{name}.eml").read_bytes()
    data = (
        data.replace(VERP, address.encode())
        .replace(LEAVE, token(Purpose.UNSUBSCRIBE))
        .replace(MORE, token(Purpose.UP, paper))
    )
    return data.replace(LEAVE.upper(), token(Purpose.UNSUBSCRIBE).upper())


def bounce_of(app: App, queued: Queued) -> bytes:
    return mail("postfix-unknown-user", app, queued)


def damage(data: bytes, chance: random.Random) -> bytes:
    """Change, move, double or remove a few bytes or slices of a mail."""
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        size = len(damaged) + 1
        here, there = sorted((chance.randrange(size), chance.randrange(size)))
        there = min(there, here + chance.choice((1, 8, 200, 5000)))
        match chance.randrange(5):
            case 0:
                damaged[here:there] = b""
            case 1:
                damaged[here:here] = damaged[here:there]
            case 2:
                damaged[here:there] = bytes(
                    chance.randrange(256) for _ in range(min(there - here, 50))
                )
            case 3:
                damaged[here:here] = chance.choice(
                    (
                        b"\n",
                        b"\n\n",
                        b"\0",
                        b"\xff",
                        b"=?",
                        b'"',
                        b"--",
                        b": ",
                        b"\r",
                        b"(",
                        b"@",
                        b"%00",
                        b";",
                    )
                )
            case _:
                damaged[here:there] = damaged[here:there].swapcase()
    return bytes(damaged)
