"""Leave, come back and pause by a button on a page.

A page that is posted again is no new press. A robot cannot bring a reader back: `digest.presses`
holds suspicious presses. Leaving takes effect at once, whoever pressed.
"""

from __future__ import annotations

from dataclasses import dataclass

from digest import presses, store
from digest.app import App
from digest.model import Button, Link, MessageKind, Press, Subscriber, SubscriberStatus
from digest.subscriptions.lifecycle import (
    leave,
    plan_letter,
    reactivate,
    require_subscriber,
    set_pause,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaveResult:
    """The result of a press to leave."""

    subscriber: Subscriber
    #: the page was posted before, and the reader has come back since: nothing changed
    repeated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnResult:
    """The result of a press to come back."""

    subscriber: Subscriber
    #: the press is held, since leaving was pressed a moment ago
    held: bool = False
    #: the page was posted before: nothing changed
    repeated: bool = False


def leave_by_link(app: App, link: Link, form_id: str, *, farewell: bool = False) -> LeaveResult:
    """Unsubscribe the reader of a link.

    A page posted again after the reader came back does nothing.

    Args:
        form_id: id of the page with the button; a fresh id for one-click unsubscribe.
        farewell: confirm it by mail, since somebody else may have made the link.

    Raises:
        NotFoundError: the subscriber is not stored.
    """

    def leave_now(tx: store.Connection) -> LeaveResult:
        store.subscribers.lock(tx, link.subscriber_id)
        subscriber = require_subscriber(tx, link.subscriber_id)
        new = _add(app, tx, subscriber, Button.LEAVE, form_id)
        if new is None and subscriber.status is not SubscriberStatus.LEFT:
            return LeaveResult(subscriber=subscriber, repeated=True)
        left = leave(app, tx, subscriber, farewell=farewell)
        _offer_way_back(app, tx, subscriber)
        return LeaveResult(subscriber=left)

    return app.store.commit_together(leave_now)


def return_by_link(app: App, link: Link, form_id: str, *, confirms: bool) -> ReturnResult:
    """Come back by a button; held where leaving was pressed a moment ago.

    Args:
        form_id: id of the page with the button.
        confirms: the page said that an earlier press is held.

    Raises:
        NotFoundError: the subscriber is not stored.
    """
    now = app.now()
    with app.store.writing() as tx:
        store.subscribers.lock(tx, link.subscriber_id)
        subscriber = require_subscriber(tx, link.subscriber_id)
        recent = store.presses.list_around(tx, subscriber.id, now, presses.WINDOW)
        new = _add(app, tx, subscriber, Button.RETURN, form_id, confirms=confirms)
        if new is None:
            return ReturnResult(
                subscriber=subscriber,
                repeated=True,
                held=any(press.form == form_id and press.state == "held" for press in recent),
            )
        if subscriber.status is SubscriberStatus.LEFT and not presses.may_return(
            recent, now, confirms=confirms
        ):
            store.presses.hold(tx, [new.id])
            _offer_way_back(app, tx, subscriber)
            return ReturnResult(subscriber=subscriber, held=True)
        store.presses.void_held(tx, subscriber.id, Button.RETURN)
        return ReturnResult(subscriber=reactivate(app, tx, subscriber))


def pause_by_link(app: App, link: Link, form_id: str, *, paused: bool) -> Subscriber:
    """Pause or resume by a button; a page posted again changes nothing.

    Raises:
        NotFoundError: the subscriber is not stored.
    """
    with app.store.writing() as tx:
        store.subscribers.lock(tx, link.subscriber_id)
        subscriber = require_subscriber(tx, link.subscriber_id)
        new = _add(app, tx, subscriber, Button.PAUSE if paused else Button.RESUME, form_id)
        return subscriber if new is None else set_pause(app, tx, subscriber, paused=paused)


def press_after_leaving(app: App, link: Link, form_id: str) -> None:
    """Record a thumb after leaving; in a burst of presses, mail the way back."""
    now = app.now()
    with app.store.writing() as tx:
        store.subscribers.lock(tx, link.subscriber_id)
        subscriber = require_subscriber(tx, link.subscriber_id)
        recent = store.presses.list_around(tx, subscriber.id, now, presses.WINDOW)
        if subscriber.status is SubscriberStatus.LEFT and any(
            press.button is Button.LEAVE for press in recent
        ):
            _add(app, tx, subscriber, Button.THUMB, form_id, void=True)
            _offer_way_back(app, tx, subscriber)


def _add(
    app: App,
    tx: store.Connection,
    subscriber: Subscriber,
    button: Button,
    form_id: str,
    *,
    confirms: bool = False,
    void: bool = False,
) -> Press | None:
    now = app.now()
    press = Press(
        button=button, at=now, form=form_id, confirms=confirms, state="void" if void else "counted"
    )
    return store.presses.record(tx, subscriber.id, press, forget_before=now - presses.KEPT_FOR)


def _offer_way_back(app: App, tx: store.Connection, subscriber: Subscriber) -> None:
    """Mail a reader who left in a burst of presses how to come back.

    The mail is sent at most once a day.
    """
    now = app.now()
    confirmed = subscriber.status is not SubscriberStatus.PENDING
    if confirmed and presses.is_burst(
        store.presses.list_around(tx, subscriber.id, now, presses.WINDOW), now
    ):
        plan_letter(app, tx, MessageKind.GOODBYE, subscriber)
