"""Forget what a reader told: one paper, or all thumbs."""

from __future__ import annotations

from dataclasses import replace

from digest import presses, store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Button, Feedback, Press, Subscriber
from digest.pipeline.steps.paper_names import look_up_all


def forget(app: App, subscriber_id: int, paper_id: int, *, via: str) -> bool:
    """Withdraw a reader's thumb on a paper.

    The paper also leaves the examples of all interests.

    Returns:
        False where there was neither.

    Raises:
        NotFoundError: the reader or the paper is not stored.
    """
    with app.store.writing() as tx:
        reader = store.subscribers.find(tx, subscriber_id)
        paper = store.papers.load(tx, [paper_id]).get(paper_id)
        if reader is None or paper is None:
            raise NotFoundError("the reader or the paper is no longer stored")
        has_vote = store.feedback.load_vote(tx, reader.id, paper.id) != 0
        if has_vote:
            withdrawn = Feedback(
                subscriber_id=reader.id, paper_id=paper.id, vote=0, at=app.now(), via=via
            )
            store.feedback.save(tx, withdrawn)
        names = _example_names(tx, reader, paper.id)
        if names:
            interests = [
                replace(
                    interest, papers=tuple(name for name in interest.papers if name not in names)
                )
                for interest in reader.interests
            ]
            remaining = tuple(interest for interest in interests if not interest.empty)
            store.subscribers.overwrite(tx, replace(reader, interests=remaining), now=app.now())
    return has_vote or bool(names)


def _example_names(tx: store.Connection, reader: Subscriber, paper_id: int) -> set[str]:
    """The names by which the reader gave a paper as an example."""
    names = {name for interest in reader.interests for name in interest.papers}
    ids_by_name = look_up_all(tx, list(names))
    return {name for name, idents in ids_by_name.items() if paper_id in idents[:1]}


def start_over(app: App, subscriber_id: int, *, via: str, form: str = "") -> int:
    """Withdraw all thumbs of a reader; return how many there were.

    They stay in the store as withdrawn, and no longer teach anything.

    Args:
        via: where it was asked for.
        form: id of a page, which forgets once: posted again it leaves later thumbs alone.

    Raises:
        NotFoundError: the reader is not stored.
    """
    now = app.now()
    with app.store.writing() as tx:
        if store.subscribers.find(tx, subscriber_id) is None:
            raise NotFoundError(f"no subscriber {subscriber_id}; the row was deleted")
        if form:
            press = Press(button=Button.RESTART, at=now, form=form)
            forget_before = now - presses.KEPT_FOR
            if store.presses.record(tx, subscriber_id, press, forget_before=forget_before) is None:
                return 0
        return store.feedback.withdraw_all(tx, subscriber_id, at=now, via=via)
