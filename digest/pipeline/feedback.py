"""feedback: record what readers answer, by a page, a mail or a command.

The next round learns it.

Answers of one reader are recorded one after the other. `digest.presses` says which thumbs may be a
robot's and are held until a person confirms them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from digest import metrics, presses, store
from digest.app import App
from digest.errors import LinkError, NotFoundError
from digest.mail import links
from digest.model import (
    Button,
    Feedback,
    Link,
    MessageState,
    Paper,
    Press,
    Purpose,
    RevokedLink,
    Subscriber,
    SubscriberStatus,
    Vote,
)

_VOTES: dict[Purpose, Vote] = {Purpose.UP: 1, Purpose.DOWN: -1}

_NOT_STORED = "the reader or the paper of this link is no longer stored"

#: counted  = the vote stands
#: held     = it waits until a person confirms it
#: repeated = the page was posted before; nothing was changed
#: left     = the reader has left, and their thumbs teach nothing
PressOutcome = Literal["counted", "held", "repeated", "left"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedFeedback:
    """A vote as it is now, and the one that it replaced."""

    subscriber: Subscriber
    paper: Paper
    vote: Vote
    before: Vote


@dataclass(frozen=True, kw_only=True, slots=True)
class PostedForm:
    """What a posted form says beside its link."""

    #: id of the page that it came from
    form: str
    #: id of the press on whose answer page it was, or ""
    answers: str = ""
    #: the vote that an undo goes back to; None = this is no undo
    undo: Vote | None = None
    #: the page said that earlier presses are held
    confirms: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PressResult:
    """What became of a press."""

    subscriber: Subscriber
    #: of the paper that the link's was merged into
    paper_id: int
    #: as it is now, and as it was before this page was first posted
    vote: Vote
    previous_vote: Vote
    outcome: PressOutcome


def read_link(app: App, token: str, *purposes: Purpose) -> Link:
    """Read the link that a token stands for.

    Raises:
        LinkError: the token is not ours, or for another purpose than this page serves.
    """
    link = app.with_keys(lambda keys: links.read_token(token, keys))
    if link.purpose not in purposes:
        raise LinkError("this link is for something else. Open it again from the mail")
    return link


def record_feedback(
    app: App, subscriber_id: int, paper_id: int, vote: Vote, *, via: str
) -> RecordedFeedback:
    """Record a reader's vote on a paper; 0 takes it back.

    A second time changes nothing.

    Raises:
        NotFoundError: the reader or the paper is not stored.
    """

    def record(tx: store.Connection) -> RecordedFeedback:
        reader, paper = _load_reader_and_paper(tx, subscriber_id, paper_id)
        feedback = Feedback(
            subscriber_id=reader.id, paper_id=paper.id, vote=vote, at=app.now(), via=via
        )
        before = store.feedback.save(tx, feedback)
        return RecordedFeedback(subscriber=reader, paper=paper, vote=vote, before=before)

    recorded = app.store.commit(record)
    if recorded.vote != recorded.before:
        metrics.count_thumb(recorded.vote, via)
    return recorded


def record_press(app: App, link: Link, posted: PostedForm) -> PressResult:
    """Record a thumb pressed on the page of a link; it confirms that its message was delivered.

    Raises:
        NotFoundError: the reader or the paper is not stored.
    """

    def record(tx: store.Connection) -> PressResult:
        reader = store.subscribers.find(tx, link.subscriber_id, lock=True)
        standing = store.feedback.find_standing(tx, link.subscriber_id, link.paper_id)
        if reader is None or standing is None:
            raise NotFoundError(_NOT_STORED)
        if _is_unconfirmed(tx, link):
            _settle_as_accepted(app, tx, link)
        result = PressResult(
            subscriber=reader,
            paper_id=standing.paper_id,
            vote=standing.vote,
            previous_vote=0,
            outcome="left",
        )
        if reader.status is SubscriberStatus.LEFT:
            return result
        chosen = _VOTES[link.purpose]
        return _count_press(app, tx, chosen, posted, result, has_held=standing.has_held)

    result = app.store.commit_together(record)
    if result.outcome != "repeated" and result.vote != result.previous_vote:
        metrics.count_thumb(result.vote, "page")
    return result


def _count_press(
    app: App,
    tx: store.Connection,
    chosen: Vote,
    posted: PostedForm,
    result: PressResult,
    *,
    has_held: bool,
) -> PressResult:
    """Store a press, and the vote that follows from it and the presses around it.

    Args:
        chosen: the vote that the link is for.
        result: the reader, the paper and the vote so far.
        has_held: thumbs on the paper are held.
    """
    now, vote, paper_id, reader_id = app.now(), result.vote, result.paper_id, result.subscriber.id
    new_vote = chosen
    if posted.undo is not None:
        # Only this link's own thumb can be taken back; a later one from another page stays.
        new_vote = posted.undo if vote == chosen else vote
    press = Press(
        button=Button.THUMB,
        paper_id=paper_id,
        vote=new_vote,
        previous_vote=vote,
        at=now,
        form=posted.form,
        answers=posted.answers,
        confirms=posted.confirms,
    )
    recorded = store.presses.record(tx, reader_id, press, forget_before=now - presses.KEPT_FOR)
    if recorded is None:
        first = store.presses.find_by_form(tx, reader_id, posted.form)
        return replace(
            result, outcome="repeated", previous_vote=first.previous_vote if first else 0
        )
    # A page of several papers answers with itself, so presses for other papers may lie between a
    # correction and what it corrects.
    around = store.presses.list_around(tx, reader_id, now, presses.WINDOW)
    held_ids = {around[position].id for position in presses.find_held(around)}
    recent = [press_nearby for press_nearby in around if press_nearby.paper_id == paper_id]
    held = {position for position, nearby in enumerate(recent) if nearby.id in held_ids}
    outcome: PressOutcome = "counted"
    if recorded.id in held_ids:
        store.presses.hold(tx, [recent[position].id for position in held])
        outcome, new_vote = "held", presses.vote_without_held(recent, held)
    elif has_held:
        store.presses.void_held(tx, reader_id, Button.THUMB, paper_id)
    if new_vote != vote:
        feedback = Feedback(
            subscriber_id=reader_id, paper_id=paper_id, vote=new_vote, at=now, via="page"
        )
        store.feedback.replace(tx, feedback, vote)
    return replace(result, outcome=outcome, vote=new_vote, previous_vote=vote)


def record_mail_feedback(
    app: App, link: Link, vote: Vote, *, form: str, at: datetime | None
) -> RecordedFeedback:
    """Record a vote given by mail.

    A mail that was read before, or was written before a later press, changes nothing.

    Args:
        form: id of the mail.
        at: when it was written, by its writer's clock. A time in the future, or before the
            message that it answers was due, is wrong: the mail then counts as written now.

    Raises:
        NotFoundError: the reader or the paper is not stored.
    """
    now = app.now()
    with app.store.writing() as tx:
        reader, paper = _load_reader_and_paper(tx, link.subscriber_id, link.paper_id, lock=True)
        previous_vote = store.feedback.load_vote(tx, reader.id, paper.id)
        due = store.deliveries.find_due_time(tx, link.message_id)
        written = now if at is None or at > now or (due is not None and at < due) else at
        last = store.presses.find_last_thumb(tx, reader.id, paper.id, until=now)
        is_late = last is not None and written < last
        press = Press(
            button=Button.THUMB,
            paper_id=paper.id,
            vote=vote,
            previous_vote=previous_vote,
            at=written,
            form=form,
            via="mail",
            state="void" if is_late else "counted",
        )
        recorded = store.presses.record(tx, reader.id, press, forget_before=now - presses.KEPT_FOR)
        if recorded is None or is_late:
            vote = previous_vote
        else:
            feedback = Feedback(
                subscriber_id=reader.id, paper_id=paper.id, vote=vote, at=written, via="mail"
            )
            store.feedback.save(tx, feedback)
            store.presses.void_held(tx, reader.id, Button.THUMB, paper.id)
    if vote != previous_vote:
        metrics.count_thumb(vote, "mail")
    return RecordedFeedback(subscriber=reader, paper=paper, vote=vote, before=previous_vote)


def confirm_delivery(app: App, link: Link) -> None:
    """Count a message of unknown fate as accepted when its reader answers it.

    A link of a revoked key proves nothing.
    """
    with app.store.reading() as tx:
        is_unconfirmed = _is_unconfirmed(tx, link)
    if is_unconfirmed:
        with app.store.writing() as tx:
            _settle_as_accepted(app, tx, link)


def _is_unconfirmed(tx: store.Connection, link: Link) -> bool:
    if isinstance(link, RevokedLink):
        return False
    state = store.deliveries.find_state(tx, link.message_id)
    return state in (MessageState.UNKNOWN, MessageState.SENDING)


def _settle_as_accepted(app: App, tx: store.Connection, link: Link) -> None:
    store.ledger.resolve(
        tx, link.message_id, MessageState.ACCEPTED, "an answer from it", now=app.now()
    )


def current_vote(app: App, subscriber_id: int, paper_id: int) -> Vote:
    """The reader's vote on a paper, 0 for none."""
    with app.store.reading() as tx:
        standing = store.feedback.find_standing(tx, subscriber_id, paper_id)
        return 0 if standing is None else standing.vote


def papers_with_held_thumbs(app: App, subscriber_id: int) -> list[Paper]:
    """The papers whose thumbs wait until a person confirms them."""
    with app.store.reading() as tx:
        held = store.presses.list_held(tx, subscriber_id, since=app.now() - presses.HELD_FOR)
        paper_ids = {press.paper_id for press in held if press.paper_id is not None}
        papers = store.papers.load(tx, paper_ids)
    return list({paper.id: paper for paper in papers.values()}.values())


def _load_reader_and_paper(
    tx: store.Connection, subscriber_id: int, paper_id: int, *, lock: bool = False
) -> tuple[Subscriber, Paper]:
    reader = store.subscribers.find(tx, subscriber_id, lock=lock)
    # no answer to a thumb shows up-votes
    paper = store.papers.load(tx, [paper_id], upvoted=False).get(paper_id)
    if reader is None or paper is None:
        raise NotFoundError(_NOT_STORED)
    return reader, paper
