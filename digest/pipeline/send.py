"""send: claimed messages are written, handed over one at a time, and settled; a killed send leaves every message accounted for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from digest import store
from digest.app import App
from digest.errors import DigestError, MailerError, StoreError
from digest.mailer import Mailer
from digest.model import Delivery, Message, MessageState, Phase, Queued, Subscriber
from digest.pipeline.letters import write

log = logging.getLogger("digest.send")

_RENEW_SECONDS = store.ledger.LEASE.total_seconds() / 3


@dataclass(kw_only=True, slots=True)
class Sent:
    """What a send did, by the state that each message has now."""

    states: Counter[MessageState] = field(default_factory=Counter)
    #: (address, what went wrong) of messages that were not accepted
    troubles: list[tuple[str, str]] = field(default_factory=list)
    #: messages whose subscriber got a mail: for the report of the round
    accepted: list[Queued] = field(default_factory=list)
    #: still waiting afterwards: due now, and at a later attempt
    waiting: int = 0
    later: int = 0
    #: why the whole send stopped, or ""
    error: str = ""

    @property
    def json(self) -> dict[str, object]:
        return {
            **{
                state.value: self.states[state]
                for state in (MessageState.ACCEPTED, MessageState.DEFERRED, MessageState.REJECTED, MessageState.UNKNOWN)
            },
            "expired": self.states[MessageState.EXPIRED],
            "skipped": self.states[MessageState.SKIPPED],
            "waiting": self.waiting,
            "later": self.later,
            "troubles": [{"email": email, "reason": reason} for email, reason in self.troubles],
            "error": self.error,
        }


def send(app: App, *, only: Subscriber | None = None, dry_run: bool = False) -> Sent:
    """Send what is due. A mail server that cannot be reached ends the send; the messages wait, and `error` says why."""
    return asyncio.run(_send(app, only, dry_run))


async def _send(app: App, only: Subscriber | None, dry_run: bool) -> Sent:
    report = Sent()
    owner = store.owners.me(secrets.token_hex(4))
    _recover(app, report)
    if dry_run:
        return _finish(app, report, dry_run=True)
    with app.store.reading() as tx:
        due, _ = store.ledger.waiting(tx, now=app.now())
    if due:
        mailer = app.make_mailer()
        try:
            await mailer.open()
            async with _renewing(app, owner):
                while queued := _claim(app, owner, only):
                    for one in queued:
                        await _send_one(app, mailer, owner, one, report)
        except MailerError as error:
            report.error = str(error)
            log.warning("send stopped: %s", error)
        finally:
            await mailer.close()
            with app.store.writing() as tx:
                store.ledger.release(tx, owner=owner, now=app.now())
    return _finish(app, report, dry_run=False)


def _recover(app: App, report: Sent) -> None:
    with app.store.writing() as tx:
        moved = store.ledger.recover(tx, dead=store.owners.dead(store.ledger.owners(tx)), now=app.now())
    report.states.update({MessageState(state): n for state, n in moved.items() if n and state != "planned"})


def _claim(app: App, owner: str, only: Subscriber | None) -> list[Queued]:
    with app.store.writing() as tx:
        return store.ledger.claim(tx, owner=owner, now=app.now(), only=None if only is None else [only.id])


@contextlib.asynccontextmanager
async def _renewing(app: App, owner: str) -> AsyncIterator[None]:
    """Keep the claims while this process lives; one that is frozen stops renewing and loses them."""

    def renew() -> None:
        with app.store.writing() as tx:
            store.ledger.renew(tx, owner=owner, now=app.now())

    async def loop() -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            with contextlib.suppress(StoreError):  # the lease runs on; begin() finds out if it ran out
                await asyncio.to_thread(renew)

    task = asyncio.create_task(loop())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _send_one(app: App, mailer: Mailer, owner: str, queued: Queued, report: Sent) -> None:
    started = datetime.now(UTC)
    try:
        message = await asyncio.to_thread(write, app, queued)
    except DigestError as error:  # ours, not the reader's: it waits for a mended template
        log.warning("message %s cannot be written: %s", queued.message_id, error)
        delivery = Delivery(outcome="deferred", server="", phase=Phase.CONNECT, text=str(error), started=started, ended=datetime.now(UTC))
    else:
        delivery = await _hand_over(app, mailer, owner, queued, message)
    with app.store.writing() as tx:
        state = store.ledger.settle(tx, queued, delivery, owner=owner, now=app.now())
    report.states[state] += 1
    if state is MessageState.ACCEPTED:
        report.accepted.append(queued)
    else:
        report.troubles.append(
            (queued.subscriber.email, f"{state.value}: {delivery.code or ''} {delivery.text}".replace(":  ", ": ").strip())
        )
    log.info("message %s to subscriber %s: %s", queued.message_id, queued.subscriber.id, state.value)


async def _hand_over(app: App, mailer: Mailer, owner: str, queued: Queued, message: Message) -> Delivery:
    def commit() -> bool:
        with app.store.writing() as tx:
            return store.ledger.begin(tx, queued, owner=owner, now=app.now())

    async def begin() -> bool:
        return await asyncio.to_thread(commit)

    started = datetime.now(UTC)
    try:
        return await mailer.deliver(message, begin)
    except MailerError as error:
        with app.store.writing() as tx:
            lost = Delivery(outcome="lost", server="", phase=Phase.CONNECT, text=str(error), started=started, ended=datetime.now(UTC))
            store.ledger.settle(tx, queued, lost, owner=owner, now=app.now())
        raise


def _finish(app: App, report: Sent, *, dry_run: bool) -> Sent:
    with app.store.reading() as tx:
        report.waiting, report.later = store.ledger.waiting(tx, now=app.now())
    if not dry_run and (report.states or report.error):
        with app.store.writing() as tx:
            summary = {key: value for key, value in report.json.items() if key not in ("troubles", "error")}
            store.rounds.add(tx, "send", at=app.now(), report=summary, error=report.error)
    return report
