"""Evaluation of an operator's history.

Simulated readers with hidden tastes use the service for the demo's week; then each past digest is
ranked again.
"""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from digest import evaluate, store, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.errors import InputError, NotFoundError
from digest.evaluate import measures, pages, plots, reranking
from digest.evaluate.comparison import CHANCE
from digest.evaluate.replay import match_thumbs, replay
from digest.evaluate.report import Report
from digest.evaluate.reranking import FROZEN, SENT, ReplayedDigest
from digest.model import Interest, MessageState, Provenance, Strictness
from digest.ranking import features
from digest.ranking.recipes import RECIPES
from digest.subscriptions import SubscriptionRequest
from tests.conftest import make_app
from tests.fakes.readers import FakeReader, holds, live

pytestmark = pytest.mark.slow

DAYS = sorted(
    (date.fromisoformat(Path(file.name).stem), Path(str(file)))
    for file in (resources.files("digest.demo") / "papers").iterdir()
)
CUT = 3
#: three readers, five days, and one digest that did not arrive
REACHED = 14


def reader(
    name: str,
    *likes: str,
    keywords: tuple[str, ...] = (),
    papers: tuple[str, ...] = (),
    size: int = 10,
    strictness: Strictness = "always",
) -> FakeReader:
    return FakeReader(
        request=SubscriptionRequest(
            email=f"{name}@example.org",
            keywords=keywords,
            papers=papers,
            size=size,
            strictness=strictness,
        ),
        likes=holds(*likes),
    )


CAST = (
    reader("robin", "robot", "grasp", "manipulation", keywords=("embodied",)),
    reader("mira", "mri", "patholog", "segment", "clinical", keywords=("medical",)),
    # an example paper that arrives on the second day, new to all other readers
    reader("toni", "speech", "translation", "multilingual", papers=("arxiv:2606.07626",), size=8),
)


@dataclass(frozen=True, kw_only=True)
class History:
    """The same history after three days and after five."""

    early: App
    late: App


def split_days(folder: Path) -> tuple[list[tuple[date, Path]], dict[date, Path]]:
    """Split each day's papers into two files, for the morning and the evening."""
    days, late = [], {}
    for day, dump in DAYS:
        records = dump.read_bytes().splitlines(keepends=True)
        early, after = folder / f"{day}.jsonl", folder / f"late-{day}.jsonl"
        early.write_bytes(b"".join(records[::2]))
        after.write_bytes(b"".join(records[1::2]))
        days.append((day, early))
        late[day] = after
    return days, late


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("history")
    (folder / "early").mkdir()
    days, late = split_days(folder)
    # Without exploration and limits, the sent and the replayed digests must be equal.
    app = live(
        make_app(
            folder, digest__explore="false", digest__author_most="0", digest__category_most="0"
        ),
        CAST,
        days[:1],
        late=late,
    )
    with app.store.writing() as tx:  # mira's first digest bounced, so its papers compete again
        tx.exec_driver_sql("UPDATE messages SET state = 'rejected' WHERE subscriber_id = 2")
    app = live(app, CAST, days[1:CUT], late=late)
    with app.store.reading() as tx:
        tx.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(folder / "digest.sqlite", folder / "early" / "digest.sqlite")
    app = live(app, CAST, days[CUT:], late=late)
    early = make_app(folder / "early")
    yield History(early=early, late=app)
    early.close()
    app.close()


@pytest.fixture(scope="module")
def report(history: History) -> Report:
    return evaluate.evaluate(history.late)


def replay_all(app: App) -> list[ReplayedDigest]:
    with app.store.reading() as tx:
        idents = list(store.past.count_thumbs_by_reader(tx))
        past = store.past.load_digests(tx, idents)
        votes = store.feedback.load_votes(tx, idents)
    return replay(app, match_thumbs(past, votes), past, votes)


# --------------------------------------------------------------------------------------- the replay


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
    assert "the stored words of 1 papers are damaged (the first is paper:3)" in caplog.text
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


# --------------------------------------------------------------------------------------- the report


def test_the_report_counts_what_is_in_the_store(history: History, report: Report) -> None:
    with history.late.store.reading() as tx:
        ups, downs = store.feedback.count_thumbs(tx)
        lost = (
            tx.exec_driver_sql(
                "SELECT vote FROM feedback WHERE subscriber_id = 2 AND at < '2026-06-09'"
            )
            .scalars()
            .all()
        )
    assert lost
    assert (report.thumbs_up, report.thumbs_down) == (ups - lost.count(1), downs - lost.count(-1))
    assert (report.raters, report.readers, report.digests) == (3, 3, REACHED)
    assert (report.since, report.until) == (DAYS[0][0], DAYS[-1][0])
    assert sum(position.estimate.units for position in report.positions) == sum(
        len(digest.votes) for digest in replay_all(history.late)
    )
    assert sum(group.estimate.units for group in report.matches) == (
        report.thumbs_up + report.thumbs_down
    )
    assert [slot.label for slot in report.slots] == ["normal"]
    assert report.exploration is None
    assert report.comparisons == []


def test_the_rows_are_measured_on_the_same_digests_and_the_own_recipe_comes_first(
    report: Report,
) -> None:
    names = [row.name for row in report.rows]
    assert (names[0], names[-1]) == ("learned", CHANCE)
    assert set(names) == {*RECIPES, FROZEN, SENT, CHANCE}
    assert {"logistic", "ridge", "svm"} <= set(names)
    by_name = {row.name: row for row in report.rows}
    for row in report.rows:
        assert row.ndcg.units == report.replayed
        if row.ahead is not None:
            assert row.ahead.value == pytest.approx(by_name["learned"].ndcg.value - row.ndcg.value)
    sent = by_name[SENT].ahead
    assert sent is not None
    assert (sent.value, sent.low, sent.high) == (0, 0, 0)
    assert by_name["learned"].ndcg.value > by_name[CHANCE].ndcg.value


def test_few_readers_allow_a_verdict_on_them_but_not_on_others(
    report: Report,
) -> None:
    assert report.enough
    assert report.unit == "digests"
    assert report.verdict.startswith(
        f"On {report.thumbs_up + report.thumbs_down} thumbs of 3 readers over {report.replayed} "
        f"digests, learned "
    )
    assert any("speak of these readers alone" in caveat for caveat in report.caveats)


def test_json_holds_plain_finite_values_alone(report: Report) -> None:
    text = json.dumps(report.json, allow_nan=False)
    assert json.loads(text)["rows"][0]["name"] == "learned"
    assert json.loads(text)["made"]["seed"] == measures.SEED


def test_the_same_history_gives_the_same_report(history: History, report: Report) -> None:
    assert evaluate.evaluate(history.late).json == report.json


def test_the_page_stands_alone_and_tells_every_figure(report: Report) -> None:
    html = pages.render_page(report, service="Our digest")
    assert report.verdict.split(" (")[0] in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    assert html.count("<svg") == len(pages.draw_pictures(report)) == 3
    for row in report.rows:
        assert pages.format_estimate(row.ndcg) in html
    for caveat in report.caveats:
        assert caveat[-40:].split("'")[-1] in html
    for picture in pages.draw_pictures(report):
        ET.fromstring(picture.svg)
    ET.fromstring(plots.draw_document(pages.draw_pictures(report)))


def test_reader_start_and_number_of_digests_narrow_the_evaluation(
    history: History,
) -> None:
    robin = subscriptions.find(history.late, "robin@example.org")
    alone = evaluate.evaluate(history.late, only=robin)
    assert (alone.readers, alone.digests) == (1, len(DAYS))
    later = evaluate.evaluate(history.late, since=DAYS[2][0])
    assert later.since == DAYS[2][0]
    assert later.digests == 3 * (len(DAYS) - 2)
    drawn = evaluate.evaluate(history.late, readers=2, digests=1)
    assert drawn.readers == 2
    assert drawn.replayed <= 2
    assert any("2 of 3 readers" in caveat for caveat in drawn.caveats)
    assert any("newest 1 digests" in caveat for caveat in drawn.caveats)


# -------------------------------------------------------------------------------------- the command


def invoke(app: App, *words: str) -> Result:
    database = str(app.store.url.database)
    return CliRunner().invoke(
        commands,
        ["evaluate", *words],
        env={"DIGEST_STORE__URL": f"sqlite:///{database}", "COLUMNS": "160"},
    )


def test_the_command_prints_a_verdict_and_writes_files(
    history: History, report: Report, tmp_path: Path
) -> None:
    page, pictures = tmp_path / "report.html", tmp_path / "report.svg"
    done = invoke(history.late, "--html", str(page), "--svg", str(pictures))
    assert done.exit_code == 0, done.output
    output = " ".join(done.stdout.split())
    assert output.startswith(report.verdict)
    assert all(
        row.name in output and pages.format_estimate(row.ndcg) in output for row in report.rows
    )
    assert "What this cannot say:" in output
    assert page.read_text(encoding="utf-8") == pages.render_page(report, service="Digest")
    assert pictures.read_text(encoding="utf-8") == plots.draw_document(pages.draw_pictures(report))


def test_the_command_s_json_is_the_report(history: History, report: Report) -> None:
    done = invoke(history.late, "--json", "--only", "robin@example.org", "--since", str(DAYS[1][0]))
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result.keys() == report.json.keys()
    assert (result["readers"], result["digests"], result["since"]) == (
        1,
        len(DAYS) - 1,
        str(DAYS[1][0]),
    )


def test_the_command_refuses_what_it_cannot_do(history: History, tmp_path: Path) -> None:
    assert isinstance(invoke(history.late, "--only", "nobody@example.org").exception, NotFoundError)
    nowhere = invoke(history.late, "--html", str(tmp_path / "absent" / "report.html")).exception
    assert isinstance(nowhere, InputError)
    assert "Check the folder" in str(nowhere)
    assert invoke(history.late, "--since", "yesterday").exit_code == 2
    assert invoke(history.late, "--readers", "0").exit_code == 2


# ----------------------------------------------------------------------------------- little history


def test_too_short_a_history_says_so_and_claims_nothing(tmp_path: Path) -> None:
    app = live(make_app(tmp_path), CAST[:1], DAYS[:1])
    report = evaluate.evaluate(app)
    app.close()
    assert not report.enough
    assert report.rows == []
    assert report.verdict.startswith("Too little to judge by: ")
    assert "Too little" in pages.render_page(report, service="x")


def test_an_empty_store_says_so_too(app: App) -> None:
    report = evaluate.evaluate(app)
    assert (report.raters, report.digests, report.since) == (0, 0, None)
    assert report.verdict.startswith("Too little to judge by: 0 thumbs up in 0 digests")
    assert pages.draw_pictures(report) == []
    assert "Too little" in pages.render_page(report, service="x")
    json.dumps(report.json, allow_nan=False, default=str)


def test_a_reader_without_thumbs_is_refused_with_the_reason(app: App) -> None:
    someone = subscriptions.subscribe(
        app, SubscriptionRequest(email="someone@example.org"), origin="command"
    ).subscriber
    with pytest.raises(NotFoundError, match=r"someone@example\.org has given no thumb"):
        evaluate.evaluate(app, only=someone)


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


# -------------------------------------------------------------------------------------- two recipes


@pytest.mark.slow
def test_shared_digests_are_compared_by_the_thumbs_on_them(tmp_path: Path) -> None:
    """Readers like few papers and one recipe knows which; "recent" cannot win."""
    app = make_app(tmp_path, evaluate__recipe_b="recent", evaluate__share="100")
    readers = [
        reader(
            f"reader{n}",
            "robot",
            "speech",
            "clinical",
            keywords=("robot", "speech", "clinical"),
            size=6,
            strictness="always",
        )
        for n in range(3)
    ]
    app = live(app, readers, DAYS)
    (comparison,) = evaluate.evaluate(app).comparisons
    with app.store.reading() as tx:
        provenances: list[Provenance] = [
            digest.provenance for digest in store.past.load_digests(tx, [1, 2, 3])
        ]
    app.close()
    assert {(provenance.recipe, provenance.recipe_b) for provenance in provenances} == {
        ("learned", "recent")
    }
    assert (comparison.own, comparison.other, comparison.unit) == ("learned", "recent", "digests")
    assert comparison.losses > comparison.wins
    assert comparison.lead.value < 0
    assert comparison.decided
    assert "liked the papers of learned more" in comparison.verdict
