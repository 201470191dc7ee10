"""press: a thumb, by page or by mail, becomes feedback in the order of the presses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from digest import presses, store
from digest.app import App
from digest.model import (
    Button,
    Feedback,
    Link,
    Paper,
    Press,
    Purpose,
    Subscriber,
    SubscriberStatus,
    Vote,
)
from digest.pipeline.feedback import RecordedFeedback, reader_and_paper

_VOTES: dict[Purpose, Vote] = {Purpose.UP: 1, Purpose.DOWN: -1}


@dataclass(frozen=True, kw_only=True, slots=True)
class PostedForm:
    """What a posted form says beside its link."""

    #: identity of the page that it came from
    form: str
    #: identity of the press on whose answer page it stood, or ""
    answers: str = ""
    #: the vote that an undo goes back to; None = this is no undo
    undo: Vote | None = None
    #: the page said that earlier presses are held
    confirms: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PressResult:
    """What became of a press."""

    subscriber: Subscriber
    paper: Paper
    #: as it stands now, and as it stood before this page was first posted
    vote: Vote
    previous_vote: Vote
    #: counted  = it is the reader's word
    #: held     = it waits until a person confirms it
    #: repeated = the page was posted before; nothing was changed
    #: left     = the reader has left, and thumbs teach nobody
    outcome: Literal["counted", "held", "repeated", "left"]


def press(app: App, link: Link, asked: PostedForm) -> PressResult:
    """Record a thumb pressed on the page of a link; `digest.presses` says what is held.

    Raises:
        NotFoundError: the reader or the paper is not stored.
    """
    now, chosen = app.now(), _VOTES[link.purpose]
    with app.store.writing() as tx:
        store.subscribers.lock(tx, link.subscriber_id)
        subscriber, paper = reader_and_paper(tx, link.subscriber_id, link.paper_id)
        vote = store.feedback.load_vote(tx, subscriber.id, paper.id)

        def ended(
            outcome: Literal["counted", "held", "repeated", "left"],
            now_stands: Vote,
            previous_vote: Vote,
        ) -> PressResult:
            return PressResult(
                subscriber=subscriber,
                paper=paper,
                vote=now_stands,
                previous_vote=previous_vote,
                outcome=outcome,
            )

        if subscriber.status is SubscriberStatus.LEFT:
            return ended("left", vote, 0)
        # Only this link's own thumb can be taken back: a later one, from another page, is the
        # reader's last word.
        wanted = chosen if asked.undo is None else asked.undo if vote == chosen else vote
        given = Press(
            button=Button.THUMB,
            paper_id=paper.id,
            vote=wanted,
            previous_vote=vote,
            at=now,
            form=asked.form,
            answers=asked.answers,
            confirms=asked.confirms,
        )
        new = store.presses.record(tx, subscriber.id, given, forget_before=now - presses.KEPT_FOR)
        if new is None:
            first = store.presses.find_by_form(tx, subscriber.id, asked.form)
            return ended("repeated", vote, first.previous_vote if first else 0)
        recent = [
            one
            for one in store.presses.list_around(tx, subscriber.id, now, presses.WINDOW)
            if one.paper_id == paper.id
        ]
        held = presses.find_held(recent)
        if any(recent[place].id == new.id for place in held):
            store.presses.hold(tx, [recent[place].id for place in held])
            wanted, outcome = presses.standing_vote(recent, held), "held"
        else:
            store.presses.void_held(tx, subscriber.id, Button.THUMB, paper.id)
            outcome = "counted"
        if wanted != vote:
            store.feedback.save(
                tx,
                Feedback(
                    subscriber_id=subscriber.id, paper_id=paper.id, vote=wanted, at=now, via="page"
                ),
            )
    return ended("held" if outcome == "held" else "counted", wanted, vote)


def record_mail_feedback(
    app: App, link: Link, vote: Vote, *, form: str, at: datetime | None
) -> RecordedFeedback:
    """As `hear`, by a mail.

    One that was read before, or was written before a later press, changes nothing.

    Args:
        form: identity of the mail.
        at: when it was written, as its writer's clock says. One that is ahead of ours, or is before
            the message that it answers was due, is wrong: the mail then counts as written now.
    """
    now = app.now()
    with app.store.writing() as tx:
        store.subscribers.lock(tx, link.subscriber_id)
        subscriber, found = reader_and_paper(tx, link.subscriber_id, link.paper_id)
        previous_vote = store.feedback.load_vote(tx, subscriber.id, found.id)
        due = store.deliveries.find_due_time(tx, link.message_id)
        written = now if at is None or at > now or (due is not None and at < due) else at
        last = store.presses.find_last_thumb(tx, subscriber.id, found.id, until=now)
        late = last is not None and written < last
        press = Press(
            button=Button.THUMB,
            paper_id=found.id,
            vote=vote,
            previous_vote=previous_vote,
            at=written,
            form=form,
            via="mail",
            state="void" if late else "counted",
        )
        new = store.presses.record(tx, subscriber.id, press, forget_before=now - presses.KEPT_FOR)
        if new is None or late:
            return RecordedFeedback(
                subscriber=subscriber, paper=found, vote=previous_vote, before=previous_vote
            )
        given = Feedback(
            subscriber_id=subscriber.id, paper_id=found.id, vote=vote, at=written, via="mail"
        )
        store.feedback.save(tx, given)
        store.presses.void_held(tx, subscriber.id, Button.THUMB, found.id)
    return RecordedFeedback(subscriber=subscriber, paper=found, vote=vote, before=previous_vote)


def papers_with_held_thumbs(app: App, subscriber_id: int) -> list[Paper]:
    """Papers whose thumbs wait for a person's word: a robot may have pressed them."""
    with app.store.reading() as tx:
        held = store.presses.list_held(tx, subscriber_id, since=app.now() - presses.HELD_FOR)
        found = store.papers.load(
            tx, {press.paper_id for press in held if press.paper_id is not None}
        )
    return list({paper.id: paper for paper in found.values()}.values())
