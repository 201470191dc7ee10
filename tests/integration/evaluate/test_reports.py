"""What an evaluation of an operator's history says, on pages, in JSON and by the command."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from digest import evaluate, store, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.errors import InputError, NotFoundError
from digest.evaluate import measures, pages, plots
from digest.evaluate.comparison import CHANCE
from digest.evaluate.report import Report
from digest.evaluate.reranking import FROZEN, SENT
from digest.model import Provenance
from digest.ranking.recipes import RECIPES
from digest.subscriptions import SubscriptionRequest
from tests.conftest import make_app
from tests.fakes.readers import live
from tests.integration.evaluate.conftest import (
    CAST,
    DAYS,
    REACHED,
    History,
    reader,
    replay_all,
)

pytestmark = pytest.mark.slow


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
