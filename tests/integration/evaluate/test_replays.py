"""Each past digest is ranked again, as it was and by other recipes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from digest import store
from digest.evaluate import reranking
from digest.evaluate.replay import match_thumbs
from digest.evaluate.reranking import FROZEN, SENT
from digest.model import Interest, MessageState
from digest.ranking import features
from digest.ranking.recipes import RECIPES
from digest.subscriptions import SubscriptionRequest
from tests.conftest import make_app
from tests.fakes.readers import FakeReader, holds, live
from tests.integration.evaluate.conftest import (
    CAST,
    CUT,
    DAYS,
    REACHED,
    History,
    replay_all,
)

pytestmark = pytest.mark.slow


def test_the_own_recipe_replayed_ranks_every_digest_as_it_was_sent(history: History) -> None:
    replays = replay_all(history.late)
    assert len(replays) == REACHED
    with history.late.store.reading() as tx:
        past = {
            (past_digest.subscriber_id, past_digest.local_date): past_digest
            for past_digest in store.past.load_digests(tx, [1, 2, 3])
        }
    for digest in replays:
        assert (
            digest.candidates == past[digest.subscriber_id, digest.local_date].provenance.candidates
        )
        assert sorted(digest.ranks[SENT]) == list(range(1, len(digest.votes) + 1))
        # Who has told nothing gets a spread over categories.
        if digest.earlier_thumbs:
            assert digest.ranks["learned"] == digest.ranks[SENT]
        assert set(digest.ranks) == {*RECIPES, FROZEN, SENT}
        assert all(
            1 <= rank <= digest.candidates for ranks in digest.ranks.values() for rank in ranks
        )
        assert all(len(set(ranks)) == len(ranks) for ranks in digest.ranks.values())


def test_several_interests_of_one_reader_are_replayed_each_with_its_share(tmp_path: Path) -> None:
    """Robots get one place of eight and medicine seven, whatever the thumbs.

    A single profile of all thumbs would rank otherwise.
    """
    request = SubscriptionRequest(
        email="dana@example.org",
        size=8,
        strictness="always",
        interests=(
            Interest(name="hands", keywords=("robot",)),
            Interest(name="scans", share=7, keywords=("medical",)),
        ),
    )
    dana = FakeReader(request=request, likes=holds("robot", "grasp", "mri", "clinical"))
    app = live(
        make_app(
            tmp_path, digest__explore="false", digest__author_most="0", digest__category_most="0"
        ),
        [dana],
        DAYS[:4],
    )
    replays = replay_all(app)
    assert len(replays) == 4
    assert replays[-1].earlier_thumbs > 5
    assert all(digest.ranks["learned"] == digest.ranks[SENT] for digest in replays)
    mixed = replace(RECIPES["learned"], per_interest=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reranking, "RECIPES", {**RECIPES, "learned": mixed})
        assert any(digest.ranks["learned"] != digest.ranks[SENT] for digest in replay_all(app))
    app.close()


def test_later_data_changes_no_earlier_replay(history: History) -> None:
    """Two more days of papers, thumbs and upvotes do not change the first three days."""
    early = {
        (digest.subscriber_id, digest.local_date): digest for digest in replay_all(history.early)
    }
    late = {
        (digest.subscriber_id, digest.local_date): digest for digest in replay_all(history.late)
    }
    assert len(early) == 3 * CUT - 1
    for key, digest in early.items():
        assert late[key].ranks == digest.ranks
        assert (late[key].earlier_thumbs, late[key].candidates) == (
            digest.earlier_thumbs,
            digest.candidates,
        )


def test_damaged_words_are_counted_again_and_reported(
    history: History, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sound = {
        (digest.subscriber_id, digest.local_date): digest.ranks
        for digest in replay_all(history.early)
    }
    with history.early.store.reading() as tx:
        tx.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(Path(str(history.early.store.url.database)), tmp_path / "digest.sqlite")
    app = make_app(tmp_path)
    with app.store.writing() as tx:
        store.papers.save_vectors(tx, features.VERSION, {3: b"\x07 not what was written"})
    assert {
        (digest.subscriber_id, digest.local_date): digest.ranks for digest in replay_all(app)
    } == sound
    assert "word counts damaged papers=1 first=3 repaired=False" in caplog.text
    app.close()


def test_thumbs_are_known_to_the_digests_after_them_and_to_no_other(history: History) -> None:
    with history.late.store.reading() as tx:
        votes = store.feedback.load_votes(tx, [1, 2, 3])
    earlier_thumbs = 0
    for digest in replay_all(history.late):
        assert digest.earlier_thumbs == sum(
            vote.at.date() < digest.local_date for vote in votes[digest.subscriber_id]
        )
        earlier_thumbs += digest.earlier_thumbs
    assert earlier_thumbs > 100


def test_a_frozen_model_ranks_like_the_own_one_only_until_it_freezes(
    history: History,
) -> None:
    same = [digest.ranks[FROZEN] == digest.ranks["learned"] for digest in replay_all(history.late)]
    assert all(same[:2])
    assert not all(same)


def test_undelivered_digests_and_earlier_thumbs_do_not_count(
    history: History,
) -> None:
    with history.early.store.reading() as tx:
        ident = next(iter(store.past.count_thumbs_by_reader(tx)))
        past = store.past.load_digests(tx, [ident])
        votes = store.feedback.load_votes(tx, [ident])
    matched_digests = match_thumbs(past, votes)
    assert sum(digest.thumbs_up for digest in matched_digests) > 0

    def change_digest(
        digest: store.past.PastDigest, state: MessageState | None, at: datetime
    ) -> store.past.PastDigest:
        return store.past.PastDigest(
            subscriber_id=digest.subscriber_id,
            local_date=digest.local_date,
            composed_at=at,
            max_paper_id=digest.max_paper_id,
            provenance=digest.provenance,
            state=state,
            items=digest.items,
        )

    for state in (*(state for state in MessageState if state is not MessageState.ACCEPTED), None):
        assert (
            match_thumbs(
                [change_digest(digest, state, digest.composed_at) for digest in past], votes
            )
            == []
        )
    later = match_thumbs(
        [
            change_digest(digest, digest.state, digest.composed_at + timedelta(days=30))
            for digest in past
        ],
        votes,
    )
    assert sum(digest.thumbs_up for digest in later) == 0


def test_digests_that_a_line_cuts_short_are_replayed_in_their_order(tmp_path: Path) -> None:
    settings = {"explore": "false", "author_most": "0", "category_most": "0"}
    app = make_app(tmp_path, **{f"digest__{name}": value for name, value in settings.items()})
    cast = [replace(one, request=replace(one.request, strictness="balanced")) for one in CAST[:2]]
    app = live(app, cast, DAYS)
    replays = replay_all(app)
    app.close()
    assert sum(len(digest.votes) < 8 for digest in replays) > 3
    assert all(digest.ranks["learned"] == digest.ranks[SENT] for digest in replays)
