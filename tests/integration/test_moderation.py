"""Votes, picks and suggestions on both databases, and what the operator decides about them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from digest import services, store, subscriptions
from digest.app import App
from digest.errors import InputError, LimitError, NotFoundError
from digest.model import Identity, Subscriber, SubscriberStatus
from digest.pipeline.feedback import record_feedback
from digest.services import votes
from tests.conftest import NOON, TODAY, invent_papers, make_app
from tests.webclient import Write, fill

Cast = Callable[[App], dict[str, Subscriber]]
UNKNOWN = "2501.09999"


@pytest.fixture
def readers(any_app: App, dump: Write, cast: Cast) -> dict[str, Subscriber]:
    fill(any_app, dump, rows=invent_papers(TODAY, 2))
    return cast(any_app)


def upvotes(app: App, paper_id: int) -> int:
    return services.load_paper_page(app, paper_id).paper.upvotes


def test_one_vote_a_reader_and_paper(any_app: App, readers: dict[str, Subscriber]) -> None:
    for _ in range(3):
        services.up_vote(any_app, readers["alice"].id, 1)
    services.up_vote(any_app, readers["bob"].id, 1)
    assert upvotes(any_app, 1) == 2
    assert services.load_own_votes(any_app, readers["alice"].id, [1, 2]) == {1}
    for _ in range(2):
        services.take_back_vote(any_app, readers["alice"].id, 1)
    assert upvotes(any_app, 1) == 1
    assert services.load_own_votes(any_app, readers["alice"].id, [1, 2]) == set()


def test_votes_at_the_same_time_count_once(any_app: App, readers: dict[str, Subscriber]) -> None:
    """Twelve presses of three readers in six threads leave three votes."""
    ids, failures = [reader.id for reader in readers.values()], []
    barrier = threading.Barrier(6)

    def press() -> None:
        barrier.wait()
        try:
            for ident in ids:
                services.up_vote(any_app, ident, 1)
        except Exception as error:  # noqa: BLE001  (shown by the assertion)
            failures.append(error)

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert upvotes(any_app, 1) == 3


def test_a_limit_holds_for_presses_at_the_same_time(
    any_app: App, readers: dict[str, Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(votes, "VOTES_A_DAY", 3)
    refused: list[int] = []
    barrier = threading.Barrier(6)

    def press(paper_id: int) -> None:
        barrier.wait()
        try:
            services.up_vote(any_app, readers["alice"].id, paper_id)
        except LimitError:
            refused.append(paper_id)

    threads = [threading.Thread(target=press, args=(ident,)) for ident in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    later = replace(any_app, now=lambda: NOON + timedelta(days=1, seconds=1))
    services.up_vote(later, readers["alice"].id, refused[0])


def test_a_thumb_and_a_vote_of_one_reader_count_once(
    any_app: App, readers: dict[str, Subscriber]
) -> None:
    app = replace(any_app, config=any_app.config.model_copy(deep=True))
    object.__setattr__(app.config.digest, "least_readers", 2)
    for name in ("alice", "bob"):
        record_feedback(app, readers[name].id, 1, 1, via="page")
    assert upvotes(app, 1) == 2
    services.up_vote(app, readers["alice"].id, 1)
    services.up_vote(app, readers["carol"].id, 1)
    assert upvotes(app, 1) == 3
    (first, *_) = services.load_list(app, services.find_latest_period(app)).papers
    assert (first.id, first.upvotes) == (1, 3)


@pytest.mark.parametrize(
    "status", [SubscriberStatus.PENDING, SubscriberStatus.LEFT, SubscriberStatus.SUPPRESSED]
)
def test_who_has_not_confirmed_or_left_has_no_vote(
    any_app: App, readers: dict[str, Subscriber], status: SubscriberStatus
) -> None:
    alice = readers["alice"]
    services.up_vote(any_app, alice.id, 1)
    with any_app.store.writing() as tx:
        store.subscribers.set_status(tx, alice.id, status, now=NOON)
    assert upvotes(any_app, 1) == 0
    for call in (services.up_vote, services.take_back_vote):
        with pytest.raises(NotFoundError):
            call(any_app, alice.id, 2)
    with pytest.raises(NotFoundError):
        services.suggest(any_app, alice.id, UNKNOWN, "A title")


def test_deleting_a_reader_deletes_votes_picks_and_suggestions(
    any_app: App, readers: dict[str, Subscriber]
) -> None:
    app = with_curators(any_app, "alice@example.org")
    services.up_vote(app, readers["alice"].id, 1)
    services.pick(app, readers["alice"].id, 1, name="", note="")
    services.suggest(app, readers["alice"].id, UNKNOWN, "A title")
    subscriptions.delete(app, readers["alice"].id)
    assert services.list_picks(app) == []
    assert services.list_submissions(app, None) == []
    assert services.list_voters(app) == []


@pytest.mark.parametrize("paper_id", [0, 999, 2**63, 10**30])
def test_only_public_papers_take_votes(
    any_app: App, readers: dict[str, Subscriber], paper_id: int
) -> None:
    with pytest.raises(NotFoundError):
        services.up_vote(any_app, readers["alice"].id, paper_id)


def test_votes_follow_a_paper_that_is_merged(
    any_app: App, dump: Write, readers: dict[str, Subscriber]
) -> None:
    app = with_curators(any_app, "alice@example.org")
    title, authors = "A wholly new way of counting sheep at night", ["Jane Doe"]
    fill(app, dump, rows=[{"title": title, "authors": authors, "doi": "10.1000/sheep"}])
    fill(app, dump, rows=[{"title": "Counting sheep", "authors": authors, "arxiv": "2606.07777"}])
    with app.store.reading() as tx:
        (one,) = store.papers.find_by_identity(tx, "doi", "10.1000/sheep")
        (two,) = store.papers.find_by_identity(tx, "arxiv", "2606.07777")
    services.up_vote(app, readers["alice"].id, one)
    services.up_vote(app, readers["alice"].id, two)
    services.up_vote(app, readers["bob"].id, two)
    services.pick(app, readers["alice"].id, two, name="A.", note="Read it")
    both = {"title": title, "authors": authors, "arxiv": "2606.07777", "doi": "10.1000/sheep"}
    fill(app, dump, rows=[both])
    assert upvotes(app, one) == upvotes(app, two) == 2
    assert [pick.note for pick in services.load_paper_page(app, two).picks] == ["Read it"]
    services.take_back_vote(app, readers["bob"].id, two)
    assert upvotes(app, one) == 1


# ------------------------------------------------------------------------------------- curators


def with_curators(app: App, *addresses: str) -> App:
    web = app.config.web.model_copy(update={"curators": addresses})
    return replace(app, config=app.config.model_copy(update={"web": web}))


def test_only_curators_pick(any_app: App, readers: dict[str, Subscriber]) -> None:
    app = with_curators(any_app, "ALICE@example.org")
    assert services.is_curator(app, readers["alice"])
    services.pick(app, readers["alice"].id, 2, name="", note="First")
    services.pick(app, readers["alice"].id, 2, name="Alice", note="  Second\n thought ")
    with pytest.raises(NotFoundError):
        services.pick(app, readers["bob"].id, 1, name="", note="")
    (listed,) = services.list_picks(app)
    assert (listed.pick.name, listed.pick.note) == ("Alice", "Second thought")
    assert listed.email == "alice@example.org"
    assert services.unpick(app, readers["alice"].id, 2)
    assert not services.unpick(app, readers["alice"].id, 2)


@pytest.mark.parametrize(
    ("name", "note"), [("x" * 101, ""), ("", "x" * 301), ("me <alice@example.org>", "")]
)
def test_what_everybody_would_see_is_checked(
    any_app: App, readers: dict[str, Subscriber], name: str, note: str
) -> None:
    app = with_curators(any_app, "alice@example.org")
    with pytest.raises(InputError, match=r"^(name|note): "):
        services.pick(app, readers["alice"].id, 1, name=name, note=note)
    assert services.list_picks(app) == []


def test_picks_are_an_order_of_their_own(any_app: App, readers: dict[str, Subscriber]) -> None:
    app = with_curators(any_app, "alice@example.org")
    day = services.find_latest_period(app)
    assert services.load_list(app, day, order="picks").papers == ()
    services.pick(app, readers["alice"].id, 5, name="", note="")
    picked = services.load_list(app, day, order="picks")
    assert ([paper.id for paper in picked.papers], picked.total) == ([5], 1)
    assert services.load_list(app, day).papers[0].id == 5


def test_the_operator_removes_a_pick_and_drops_votes(
    any_app: App, readers: dict[str, Subscriber]
) -> None:
    app = with_curators(any_app, "alice@example.org")
    alice = readers["alice"].id
    services.pick(app, alice, 1, name="", note="")
    services.remove_pick(app, 1, alice)
    with pytest.raises(NotFoundError):
        services.remove_pick(app, 1, alice)
    for paper_id in (1, 2, 3):
        services.up_vote(app, alice, paper_id)
    services.up_vote(app, readers["bob"].id, 1)
    voters = services.list_voters(app)
    assert [(voter.email, voter.votes) for voter in voters] == [
        ("alice@example.org", 3),
        ("bob@example.org", 1),
    ]
    assert voters[0].newest == NOON
    assert services.drop_votes(app, alice) == 3
    assert services.drop_votes(app, alice) == 0
    assert upvotes(app, 1) == 1


def test_a_week_weighs_newer_papers_more(any_app: App, dump: Write) -> None:
    """A paper that is HALF_LIFE days older needs more than twice the votes."""
    new = NOON.date()
    old = new - timedelta(days=6)
    for day, votes_of_source in ((old, 13), (new, 10)):
        row: dict[str, Any] = {"title": f"Of {day}", "arxiv": f"{day:%y%m}.{day.day:05d}"}
        fill(any_app, dump, day=day, rows=[row | {"upvotes": votes_of_source}])
    month = services.Period.around(new, "month")
    titles = [paper.title for paper in services.load_list(any_app, month).papers]
    # 13 * 2 ** (-6 / 14) = 9.7
    assert titles == [f"Of {new}", f"Of {old}"]


# ---------------------------------------------------------------------------------- suggestions


def test_a_known_paper_is_found_and_nothing_is_stored(
    any_app: App, readers: dict[str, Subscriber]
) -> None:
    (name,) = services.load_paper_page(any_app, 1).paper.identities
    for typed in (name.value, f"https://arxiv.org/abs/{name.value}v2", f"arXiv:{name.value}"):
        result = services.suggest(any_app, readers["alice"].id, typed)
        assert (result.outcome, result.paper_id) == ("found", 1)
    assert services.list_submissions(any_app, None) == []


def test_a_suggestion_waits_and_then_is_public(
    any_app: App, readers: dict[str, Subscriber]
) -> None:
    alice = readers["alice"].id
    assert services.suggest(any_app, alice, UNKNOWN).outcome == "untitled"
    for _ in range(2):
        assert services.suggest(any_app, alice, UNKNOWN, "Of  sheep").outcome == "waiting"
    (listed,) = services.list_submissions(any_app)
    assert (listed.email, listed.paper) == ("alice@example.org", None)
    with pytest.raises(NotFoundError):
        services.find_public_paper(any_app, UNKNOWN)

    for _ in range(2):
        accepted = services.decide_submission(any_app, listed.submission.id, accept=True)
    assert accepted.paper is not None
    assert accepted.submission.paper_id == accepted.paper.id
    paper = services.load_paper_page(any_app, services.find_public_paper(any_app, UNKNOWN)).paper
    assert (paper.title, paper.identities) == ("Of sheep", (Identity(kind="arxiv", value=UNKNOWN),))
    assert paper.first_seen == NOON.date()
    with pytest.raises(InputError, match="stays"):
        services.decide_submission(any_app, listed.submission.id, accept=False)
    assert services.count_submissions(any_app) == {"accepted": 1}


def test_a_refused_suggestion_stays_out(any_app: App, readers: dict[str, Subscriber]) -> None:
    services.suggest(any_app, readers["alice"].id, "https://example.com/spam", "Buy now")
    (listed,) = services.list_submissions(any_app)
    services.decide_submission(any_app, listed.submission.id, accept=False)
    assert services.list_submissions(any_app) == []
    (refused,) = services.list_submissions(any_app, "refused")
    assert refused.paper is None
    services.decide_submission(any_app, listed.submission.id, accept=True)
    (accepted,) = services.list_submissions(any_app, "accepted")
    assert accepted.paper is not None
    assert accepted.paper.url == "https://example.com/spam"


def test_a_dump_that_brings_the_paper_meanwhile_wins(
    any_app: App, dump: Write, readers: dict[str, Subscriber]
) -> None:
    services.suggest(any_app, readers["alice"].id, UNKNOWN, "Typed in a hurry")
    with any_app.store.reading() as tx:
        before = store.papers.count(tx)
    fill(any_app, dump, rows=[{"title": "The real title of it", "arxiv": UNKNOWN}])
    (listed,) = services.list_submissions(any_app)
    assert listed.paper is not None
    decided = services.decide_submission(any_app, listed.submission.id, accept=True)
    assert decided.paper is not None
    assert decided.paper.title == "The real title of it"
    with any_app.store.reading() as tx:
        assert store.papers.count(tx) == before + 1


def test_a_reader_suggests_so_many_a_day(any_app: App, readers: dict[str, Subscriber]) -> None:
    alice = readers["alice"].id
    for number in range(5):
        services.suggest(any_app, alice, f"10.1000/x{number}", "A title")
    with pytest.raises(LimitError, match="tomorrow"):
        services.suggest(any_app, alice, "10.1000/x6", "A title")
    assert services.suggest(any_app, alice, "10.1000/x1", "A title").outcome == "waiting"
    services.suggest(any_app, readers["bob"].id, "10.1000/x6", "A title")
    assert len(services.list_submissions(any_app)) == 6


def test_an_operator_may_take_no_suggestions(tmp_path: Path, cast: Cast) -> None:
    app = make_app(tmp_path, web__suggestions_per_day="0")
    with pytest.raises(NotFoundError):
        services.suggest(app, cast(app)["alice"].id, UNKNOWN, "A title")
    app.close()


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "sheep",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://example.com/x",
        "http://localhost/x",
        "http://user:secret@example.com/",
        "http://example.com/a b",
        "//example.com/x",
        "x" * 1001,
    ],
)
def test_what_is_no_paper_is_refused(
    any_app: App, readers: dict[str, Subscriber], typed: str
) -> None:
    with pytest.raises(InputError, match=r"^paper: "):
        services.suggest(any_app, readers["alice"].id, typed, "A title")
    assert services.list_submissions(any_app, None) == []
