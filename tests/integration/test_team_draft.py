"""Two recipes share the digests of some readers by team-draft interleaving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline, services, store, subscriptions
from digest.errors import ConfigError
from digest.model import Digest, Subscriber
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY, make_app

Dump = Callable[..., Path]


def run_round(
    folder: Path, dump: Dump, readers: int = 12, **settings: str
) -> list[tuple[Subscriber, Digest]]:
    app = make_app(folder, **settings)
    for number in range(readers):
        request = SubscriptionRequest(
            email=f"reader{number}@example.org",
            keywords=("galaxy",),
            size=6,
            strictness="always" if number % 2 else 20,
        )
        subscriptions.subscribe(app, request, origin="command")
    pipeline.ingest(app, [dump()])
    pipeline.round(app)
    digests = [
        (s, services.sent_digest(app, s, TODAY)[0])
        for s in (subscriptions.find(app, f"reader{n}@example.org") for n in range(readers))
    ]
    app.close()
    return digests


def test_a_shared_digest_is_stored_with_the_recipe_of_each_paper(
    tmp_path: Path, dump: Dump
) -> None:
    digests = run_round(tmp_path, dump, evaluate__recipe_b="recent", evaluate__share="100")
    for _, digest in digests:
        teams = Counter(item.team for item in digest.items)
        assert (digest.provenance.recipe, digest.provenance.recipe_b) == ("learned", "recent")
        assert teams["learned"]
        assert abs(teams["learned"] - teams["recent"]) <= 1
        for item in digest.items:
            assert item.team != "recent" or [part.kind for part in item.score.parts] == ["recency"]


def test_without_a_second_recipe_there_are_no_teams(tmp_path: Path, dump: Dump) -> None:
    for _, digest in run_round(tmp_path, dump):
        assert (digest.provenance.recipe, digest.provenance.recipe_b) == ("learned", "")
        assert {item.team for item in digest.items} == {""}


def test_only_the_share_of_readers_takes_part_and_other_digests_are_unchanged(
    tmp_path: Path, dump: Dump
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    alone = dict(enumerate(digest for _, digest in run_round(tmp_path / "a", dump)))
    mixed = dict(
        enumerate(
            digest
            for _, digest in run_round(
                tmp_path / "b", dump, evaluate__recipe_b="recent", evaluate__share="40"
            )
        )
    )
    taking_part = [n for n, digest in mixed.items() if digest.provenance.recipe_b]
    assert 0 < len(taking_part) < len(mixed)
    assert [mixed[n].items for n in mixed if n not in taking_part] == [
        alone[n].items for n in mixed if n not in taking_part
    ]


def test_the_other_recipe_lists_nothing_below_a_reader_s_threshold(
    tmp_path: Path, dump: Dump
) -> None:
    app = make_app(tmp_path)
    strict = subscriptions.subscribe(
        app,
        SubscriptionRequest(
            email="strict@example.org", keywords=("galaxy",), size=16, strictness=75
        ),
        origin="command",
    ).subscriber
    pipeline.ingest(app, [dump()])
    own = services.preview(app, strict).outcome
    app.close()
    shared = make_app(tmp_path, evaluate__recipe_b="recent", evaluate__share="100")
    both = services.preview(shared, strict).outcome
    shared.close()
    assert isinstance(own, Digest)
    assert isinstance(both, Digest)
    assert {item.score.paper_id for item in both.items} == {
        item.score.paper_id for item in own.items
    }
    assert 0 < len(own.items) < 16


def test_another_recipe_may_rank_for_everybody(tmp_path: Path, dump: Dump) -> None:
    app = make_app(tmp_path, digest__recipe="recent")
    reader = subscriptions.subscribe(
        app,
        SubscriptionRequest(email="r@example.org", keywords=("galaxy",), size=3),
        origin="command",
    ).subscriber
    pipeline.ingest(app, [dump(TODAY - timedelta(days=1)), dump()], seen="name")
    pipeline.round(app.at(NOON))
    digest, papers = services.sent_digest(app, reader, TODAY)
    app.close()
    assert digest.provenance.recipe == "recent"
    assert {papers[item.score.paper_id].first_seen for item in digest.items} == {TODAY}


@pytest.mark.parametrize("name", ["logistic", "ridge", "svm"])
def test_a_classifier_of_scikit_learn_may_rank_and_gives_reasons(
    tmp_path: Path, dump: Dump, name: str
) -> None:
    app = make_app(tmp_path, digest__recipe=name)
    reader = subscriptions.subscribe(
        app, SubscriptionRequest(email="r@example.org", size=3), origin="command"
    ).subscriber
    pipeline.ingest(app, [dump(TODAY - timedelta(days=1))], seen="name")
    with app.store.reading() as tx:
        papers = store.papers.load(tx, store.papers.list_recent(tx, TODAY, 100)).values()
    for paper in [paper for paper in papers if "galaxy" in paper.title][:3]:
        services.rate(app, reader, paper.name, 1)
    pipeline.ingest(app, [dump()], seen="name")
    pipeline.round(app.at(NOON))
    digest, listed = services.sent_digest(app, reader, TODAY)
    app.close()
    assert (digest.provenance.recipe, digest.provenance.thumbs_up) == (name, 3)
    best = digest.items[0]
    assert "galaxy" in listed[best.score.paper_id].title
    assert any(part.kind == "word" and part.value > 0 for part in best.score.parts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"digest__recipe": "magic"}, r"digest\.recipe = 'magic'.*Known are: learned"),
        ({"evaluate__recipe_b": "magic"}, r"evaluate\.recipe_b = 'magic'"),
        ({"evaluate__recipe_b": "learned"}, r"is digest\.recipe already"),
    ],
)
def test_an_unknown_or_equal_recipe_is_refused_at_start(
    tmp_path: Path, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make_app(tmp_path, **settings)
