"""What the operator decides about suggestions, picks and votes.

The commands and the operator's pages call these functions.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from digest import papers, store
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import CuratorPick, Entry, Paper, Record, Submission, SubmissionState
from digest.pipeline.steps.ingest_report import FileReport
from digest.pipeline.steps.store_records import RecordBatch, WordCounter, store_records
from digest.services.paper_page import find_public
from digest.store.arrivals import NewRecord

#: the source of a paper that a reader suggested, in dump, paper page and table
SOURCE: Final = "suggestion"
_ALL_STATES: Final[tuple[SubmissionState, ...]] = ("waiting", "accepted", "refused")


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedSubmission:
    """A suggestion with what the operator needs to decide."""

    submission: Submission
    #: address of the reader
    email: str
    #: the paper that it became, or that has come in a dump since; None = not stored
    paper: Paper | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedPick:
    """A curator's pick with its paper."""

    pick: CuratorPick
    #: address of the curator; for the operator alone
    email: str
    paper: Paper


@dataclass(frozen=True, kw_only=True, slots=True)
class Voter:
    """A reader who up-votes."""

    subscriber_id: int
    #: address of the reader; for the operator alone
    email: str
    votes: int
    newest: datetime


def list_submissions(
    app: App, state: SubmissionState | None = "waiting", *, limit: int = 100, offset: int = 0
) -> list[ListedSubmission]:
    """List suggestions of a state (None = all): waiting ones oldest first, others newest first."""
    with app.store.reading() as tx:
        submissions = store.submissions.list_by_state(
            tx, (state,) if state else _ALL_STATES, limit=limit, offset=offset
        )
        return _complete(tx, submissions)


def count_submissions(app: App) -> dict[SubmissionState, int]:
    """Count the suggestions in each state."""
    with app.store.reading() as tx:
        return store.submissions.count_by_state(tx)


def decide_submission(app: App, submission_id: int, *, accept: bool) -> ListedSubmission:
    """Accept or refuse a suggestion; deciding the same again changes nothing.

    An accepted one becomes a public paper: the stored one if a dump has brought it, else a paper
    of today with the reader's title, else the next `fetch` asks the configured sources for it.
    This function asks no other host.

    Raises:
        NotFoundError: there is no such suggestion.
        InputError: it is to be refused, but its paper is stored already.
    """
    with app.store.writing() as tx:
        submission = _find(tx, submission_id)
        state: SubmissionState = "accepted" if accept else "refused"
        if submission.paper_id is not None and not accept:
            raise InputError(
                f"suggestion {submission_id} became the paper {submission.paper_id}, which stays"
            )
        if submission.state != state:
            store.submissions.decide(tx, submission_id, state, at=app.now())
        if accept and submission.paper_id is None:
            paper_id = find_public(tx, submission.identity)
            if paper_id is not None:
                store.submissions.set_paper(tx, submission_id, paper_id)
    if accept and submission.title:
        _store_typed_paper(app, submission_id)
    with app.store.reading() as tx:
        return _complete(tx, [_find(tx, submission_id)])[0]


def list_picks(app: App, *, limit: int = 100, offset: int = 0) -> list[ListedPick]:
    """List the picks of curators, newest first."""
    with app.store.reading() as tx:
        picks = store.curator_picks.list_newest(tx, limit=limit, offset=offset)
        emails = _load_emails(tx, [pick.subscriber_id for pick in picks])
        by_id = store.papers.load(tx, [pick.paper_id for pick in picks])
    return [
        ListedPick(pick=pick, email=emails[pick.subscriber_id], paper=by_id[pick.paper_id])
        for pick in picks
    ]


def remove_pick(app: App, paper_id: int, subscriber_id: int) -> None:
    """Remove a curator's pick.

    Raises:
        NotFoundError: there is no such pick.
    """
    with app.store.writing() as tx:
        if not store.curator_picks.remove(tx, paper_id, subscriber_id):
            raise NotFoundError(f"reader {subscriber_id} has not picked paper {paper_id}")


def list_voters(app: App, *, limit: int = 100) -> list[Voter]:
    """List the readers who up-voted most."""
    with app.store.reading() as tx:
        voters = store.upvotes.list_voters(tx, limit)
        emails = _load_emails(tx, [voter[0] for voter in voters])
    return [
        Voter(subscriber_id=ident, email=emails[ident], votes=votes, newest=newest)
        for ident, votes, newest in voters
    ]


def drop_votes(app: App, subscriber_id: int) -> int:
    """Drop all up-votes of a reader; return how many there were.

    They may vote again while they are subscribed.
    """
    with app.store.writing() as tx:
        return store.upvotes.remove(tx, subscriber_id)


def _find(tx: store.Connection, submission_id: int) -> Submission:
    submission = store.submissions.find(tx, submission_id)
    if submission is None:
        raise NotFoundError(f"there is no suggestion {submission_id}")
    return submission


def _complete(tx: store.Connection, submissions: list[Submission]) -> list[ListedSubmission]:
    emails = _load_emails(tx, [submission.subscriber_id for submission in submissions])
    ids = {
        submission.id: submission.paper_id or find_public(tx, submission.identity)
        for submission in submissions
    }
    by_id = store.papers.load(tx, [ident for ident in ids.values() if ident is not None])
    return [
        ListedSubmission(
            submission=submission,
            email=emails[submission.subscriber_id],
            paper=by_id.get(ids[submission.id] or 0),
        )
        for submission in submissions
    ]


def _load_emails(tx: store.Connection, ids: list[int]) -> dict[int, str]:
    readers = store.subscribers.load(tx, set(ids))
    return {ident: reader.email for ident, reader in readers.items()}


def _store_typed_paper(app: App, submission_id: int) -> None:
    """Store the paper of an accepted suggestion by its title and identifier or link.

    A kill before its end is made good by accepting it again.
    """
    with app.store.reading() as tx:
        submission = _find(tx, submission_id)
    if submission.paper_id is not None or submission.state != "accepted":
        return
    identity = submission.identity
    record = Record(
        line=submission.id,
        raw=submission.url or f"{identity.kind}:{identity.value}" if identity else submission.url,
        title=submission.title,
        ids=((identity.kind, identity.value),) if identity else (),
        url=submission.url,
    )
    entry = papers.clean(record, SOURCE)
    if not isinstance(entry, Entry):
        raise InputError(f"suggestion {submission_id} cannot become a paper: {entry.reason}")
    today, words = app.now().date(), WordCounter(app)
    batch = RecordBatch(new=[NewRecord(line=submission.id, raw=record.raw, entry=entry, day=today)])
    sha256 = hashlib.sha256(f"{SOURCE} {submission.id}".encode()).hexdigest()
    with app.store.writing() as tx:
        file = store.dumps.DumpFile(name=SOURCE, form=SOURCE, sha256=sha256)
        dump_id = store.dumps.begin(tx, file, day=today, now=app.now())
    report = FileReport(name=SOURCE, format=SOURCE, counts=Counter(read=1))
    store_records(app, dump_id, batch, report, words, today)
    with app.store.writing() as tx:
        words.save(tx)
        store.dumps.finish(tx, dump_id, incomplete="", now=app.now())
        for paper_id in store.dumps.list_papers(tx, dump_id):
            store.submissions.set_paper(tx, submission_id, paper_id)
