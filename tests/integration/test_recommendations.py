"""Recommenders of others: they see no names, share digests by team draft, and are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from digest import evaluate, pipeline, services, store, subscriptions
from digest.app import App
from digest.config import check
from digest.errors import ConfigError, InputError
from digest.model import Digest, Item, Subscriber
from digest.pipeline.steps.trained_readers import takes_part
from digest.services.recommendations import OfferedPaper, hide
from digest.subscriptions import SubscriptionRequest
from tests.conftest import TODAY, make_app, read_mails
from tests.webclient import Client

Cast = Callable[[App], dict[str, Subscriber]]
Dump = Callable[..., Path]
V1 = "/api/v1/recommendations"


def open_to_recommenders(app: App, share: int = 100) -> App:
    settings = app.config.evaluate.model_copy(update={"recommenders": True, "share": share})
    return replace(app, config=app.config.model_copy(update={"evaluate": settings}))


@pytest.fixture
def service(any_app: App, cast: Cast, dump: Dump) -> App:
    app = open_to_recommenders(any_app)
    cast(app)
    pipeline.ingest(app, [dump()])
    return app


def find(app: App, name: str) -> Subscriber:
    return subscriptions.find(app, f"{name}@example.org")


def offer(app: App, who: Subscriber, paper_ids: list[int], key: str = "lab", **more: Any) -> None:
    offered = [
        OfferedPaper(reader=hide(app, key, who.id), paper_id=ident, score=-number, **more)
        for number, ident in enumerate(paper_ids)
    ]
    services.hand_in(app, key, TODAY, offered)


def items(app: App, who: Subscriber) -> tuple[Item, ...]:
    outcome = services.preview(app, who).outcome
    assert isinstance(outcome, Digest)
    return outcome.items


def ids(listed: tuple[Item, ...]) -> list[int]:
    return [item.score.paper_id for item in listed]


def court_papers(app: App) -> list[int]:
    """Return papers that nobody of the cast would be shown by our own recipe."""
    return [p.id for p in services.list_candidates(app, after=0, limit=99) if "court" in p.title]


# ---------------------------------------------------------------------------------- the digest


def test_a_digest_is_shared_and_keeps_its_length(service: App) -> None:
    alice = find(service, "alice")
    before = items(service, alice)
    assert {item.team for item in before} == {""}
    courts = court_papers(service)
    offer(service, alice, courts, explanation="The court is near <b>you</b>.")
    after = items(service, alice)
    assert len(after) == len(before)
    teams = [item.team for item in after]
    assert set(teams) == {service.config.digest.recipe, "api:lab"}
    theirs = [item for item in after if item.team == "api:lab"]
    assert ids(tuple(theirs)) == courts[: len(theirs)]
    assert all(item.score.told == "lab: The court is near <b>you</b>." for item in theirs)
    # nobody else is concerned
    assert {item.team for item in items(service, find(service, "bob"))} == {""}


def test_the_mail_says_whose_choice_it_was_as_plain_text(service: App) -> None:
    offer(service, find(service, "alice"), court_papers(service), explanation="Near <b>you</b>")
    pipeline.round(service)
    mail = next(m for m in read_mails(service).values() if m["To"] == "alice@example.org")
    plain, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert "lab: Near <b>you</b>" in " ".join(plain.get_content().split())
    assert "<b>you</b>" not in html.get_content()
    with service.store.reading() as tx:
        rows = tx.exec_driver_sql("SELECT team FROM digest_items WHERE team LIKE 'api:%%'").all()
    assert rows


@pytest.mark.parametrize("share", [0, 100])
def test_without_recommendations_the_digest_is_exactly_as_ever(
    app: App, cast: Cast, dump: Dump, share: int
) -> None:
    cast(app)
    pipeline.ingest(app, [dump()])
    plain = {name: items(app, find(app, name)) for name in ("alice", "bob")}
    asked = open_to_recommenders(app, share=share or 1)
    if not share:  # handed in, and then the operator turned it off
        offer(open_to_recommenders(app), find(app, "alice"), court_papers(app))
        asked = app
    assert {name: items(asked, find(asked, name)) for name in ("alice", "bob")} == plain


def test_only_papers_that_compete_are_listed(service: App) -> None:
    alice = find(service, "alice")
    request = SubscriptionRequest(email=alice.email, keywords=("robot", "-court"))
    alice = subscriptions.change(service, alice.id, request)
    rated = items(service, alice)[0].score.paper_id
    pipeline.record_feedback(service, alice.id, rated, 1, via="command")
    offer(service, alice, [*court_papers(service), rated])
    assert {item.team for item in items(service, alice)} == {""}  # nothing of theirs is left


def test_of_several_systems_one_has_the_turn(service: App) -> None:
    alice = find(service, "alice")
    for key in ("lab", "other lab"):
        offer(service, alice, court_papers(service), key=key)
    teams = {item.team for item in items(service, alice)} - {service.config.digest.recipe}
    assert len(teams) == 1
    assert teams <= {"api:lab", "api:other lab"}
    assert items(service, alice) == items(service, alice)


# ---------------------------------------------------------------------------------- what they see


def test_readers_have_names_that_only_one_system_knows(service: App) -> None:
    pipeline.record_feedback(service, find(service, "bob").id, 1, 1, via="command")
    first = services.list_opaque_readers(service, "lab", after=0, limit=9)
    second = services.list_opaque_readers(service, "other lab", after=0, limit=9)
    names = {reader.name for reader in (*first, *second)}
    assert len(names) == 6
    assert [len(reader.votes) for reader in first] == [0, 1, 0]
    assert services.list_opaque_readers(service, "lab", after=0, limit=9) == first
    service.rotate_keys()
    assert [r.name for r in services.list_opaque_readers(service, "lab", after=0, limit=9)] == [
        reader.name for reader in first
    ]


def test_a_reader_who_takes_no_part_is_neither_shown_nor_reached(service: App) -> None:
    few = open_to_recommenders(service, share=1)
    outside = [p for p in ("alice", "bob", "carol") if not takes_part(few.config, find(few, p).id)]
    assert outside
    shown = services.list_opaque_readers(few, "lab", after=0, limit=9)
    assert len(shown) == 3 - len(outside)
    with pytest.raises(InputError, match="takes no part"):
        offer(few, find(few, outside[0]), [1])
    subscriptions.unsubscribe(service, find(service, "alice").id)
    with pytest.raises(InputError, match="takes no part"):
        offer(service, find(service, "alice"), [1])


def test_what_was_handed_in_goes_with_its_reader_and_its_date(service: App) -> None:
    alice = find(service, "alice")
    offer(service, alice, [1, 2])
    offer(service, alice, [2, 1])  # replaces the order
    with service.store.reading() as tx:
        loaded = store.recommendations.load(tx, [alice.id], TODAY)
        assert [one.paper_id for one in loaded[alice.id]["api:lab"]] == [2, 1]
    subscriptions.delete(service, alice.id)
    offer(service, find(service, "bob"), [1])
    with service.store.writing() as tx:
        assert store.recommendations.load(tx, [alice.id], TODAY) == {}
        assert store.recommendations.purge(tx, before=TODAY + timedelta(days=1)) == 1
    for wrong in (TODAY - timedelta(days=2), TODAY + timedelta(days=9)):
        with pytest.raises(InputError, match="date"):
            services.hand_in(service, "lab", wrong, [])


# ---------------------------------------------------------------------------------- the judgement


def test_thumbs_are_credited_and_judged(service: App) -> None:
    for name in ("alice", "bob", "carol"):
        offer(service, find(service, name), court_papers(service))
    pipeline.round(service)
    later = service.at(service.now() + timedelta(hours=1))
    with service.store.reading() as tx:
        rows = tx.exec_driver_sql(
            "SELECT d.subscriber_id, i.paper_id, i.team FROM digest_items i "
            "JOIN digests d ON d.id = i.digest_id WHERE i.team <> ''"
        ).all()
    for reader, paper, team in rows:
        vote = 1 if team == "api:lab" else -1
        pipeline.record_feedback(later, reader, paper, vote, via="command")
    report = evaluate.evaluate(later)
    (comparison,) = report.comparisons
    assert (comparison.own, comparison.other) == (service.config.digest.recipe, "api:lab")
    own, other = comparison.listed
    assert (own.thumbs_up, other.thumbs_down) == (0, 0)
    assert (own.thumbs_down, other.thumbs_up) == (own.listed, other.listed)
    assert own.listed + other.listed == len(rows)
    assert comparison.wins == 3
    assert comparison.lead.value > 0
    assert f"api:lab: {other.listed} papers listed, {other.listed} thumbs up" in comparison.counts
    assert "recipe = " not in comparison.verdict


def test_one_comparison_at_a_time() -> None:
    with pytest.raises(ConfigError, match="one of them at a time"):
        check({"evaluate": {"recipe_b": "words", "recommenders": True}})


# ---------------------------------------------------------------------------------- the API


def test_a_system_reads_and_hands_in_by_http(tmp_path: Path, cast: Cast, dump: Dump) -> None:
    app = make_app(tmp_path, evaluate__recommenders="true", evaluate__share="100")
    cast(app)
    pipeline.ingest(app, [dump()])
    _, text = services.create_api_key(app, "lab", ["recommendations:write"])
    client, headers = Client(app), {"Authorization": f"Bearer {text}"}

    def get(path: str) -> Any:
        response = client.request("GET", V1 + path, headers=headers)
        assert response.status_code == 200
        return response

    papers, cursor = [], ""
    while cursor is not None:
        page = get(f"/papers?limit=7&cursor={cursor}").json()
        papers += [paper["id"] for paper in page["papers"]]
        cursor = page["next"]
    assert papers == sorted(set(papers))
    assert len(papers) == 16
    first = get("/readers?limit=2").json()
    readers = first["readers"] + get(f"/readers?cursor={first['next']}").json()["readers"]
    assert len(readers) == 3
    shown = get("/readers").text
    assert "@" not in shown
    assert "alice" not in shown
    body: dict[str, Any] = {
        "date": TODAY.isoformat(),
        "recommendations": [
            {"reader": readers[0]["reader"], "paper": papers[0], "score": 2, "explanation": "a\nb"},
            {"reader": readers[0]["reader"], "paper": 999_999, "score": 1},
        ],
    }

    def post(changed: Any) -> Any:
        return client.post(V1, json=changed, headers=headers)

    assert post(body).json() == {"stored": 1, "unknown_papers": [999_999]}
    offered = body["recommendations"][0]
    for wrong in (
        {},
        body | {"date": "2020-01-01"},
        body | {"recommendations": []},
        body | {"recommendations": [offered] * 1001},
        body | {"recommendations": [offered | {"reader": "1"}]},
        body | {"recommendations": [offered | {"score": 1e300}]},
        body | {"recommendations": [offered | {"explanation": "x" * 401}]},
        body | {"recommendations": [offered | {"paper": -1}]},
    ):
        refused = post(wrong)
        assert refused.status_code == 422, refused.text
        assert refused.json()["remedy"]
    app.close()


def test_a_service_that_takes_no_recommenders_says_so(app: App) -> None:
    _, text = services.create_api_key(app, "lab", ["recommendations:write"])
    refused = Client(app).request(
        "GET", f"{V1}/readers", headers={"Authorization": f"Bearer {text}"}
    )
    assert refused.status_code == 403
    assert "recommenders" in refused.json()["remedy"]
