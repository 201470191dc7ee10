"""Readers with several interests, from the subscription to the mail."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.cli.reader_files import read_readers
from digest.cli.row_files import BadRow
from digest.errors import ConfigError, InputError
from digest.model import Digest, Interest, QuietReason
from digest.subscriptions import SubscribeResult, SubscriptionRequest
from tests.conftest import TODAY, make_app

Dump = Callable[..., Path]
HANDS = Interest(name="hands", keywords=("robot",))
SCANS = Interest(name="scans & slices", share=3, keywords=("tumour",))


def subscribe(app: App, *interests: Interest, size: int = 4, **more: object) -> SubscribeResult:
    request = SubscriptionRequest(email="dana@example.org", size=size, interests=interests, **more)  # type: ignore[arg-type]
    return subscriptions.subscribe(app, request, origin="command")


def chosen(app: App) -> Digest:
    outcome = services.preview(app, subscriptions.find(app, "dana@example.org")).outcome
    assert isinstance(outcome, Digest)
    return outcome


# --------------------------------------------------------------------------------- stored interests


def test_interests_are_kept_as_requested(any_app: App) -> None:
    assert subscribe(any_app, HANDS, SCANS).subscriber.interests == (HANDS, SCANS)
    assert subscribe(any_app, HANDS, SCANS).outcome == "unchanged"
    assert subscribe(any_app, HANDS, Interest(name="nothing")).subscriber.interests == (HANDS,)


def test_words_go_to_the_named_interest_else_to_the_first(app: App) -> None:
    def interests_after(**more: object) -> tuple[Interest, ...]:
        return subscriptions.subscribe(
            app, SubscriptionRequest(email="dana@example.org", **more), origin="command"
        ).subscriber.interests  # type: ignore[arg-type]

    assert interests_after(keywords=("robot",)) == (Interest(keywords=("robot",)),)
    assert interests_after(interest=" scans  & slices ", keywords=("tumour",), share=3)[1] == SCANS
    assert interests_after(keywords=("gripper",))[0].keywords == ("gripper",)
    assert interests_after(interest="scans & slices", share=5)[1].share == 5
    assert interests_after(drop=("main",)) == (
        Interest(name="scans & slices", keywords=("tumour",), share=5),
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"share": 0}, "share 0"),
        ({"share": 101}, "share 101"),
        ({"interest": "  "}, "name of 1 to 100"),
        ({"interest": "x" * 101}, "name of 1 to 100"),
        ({"drop": ("nothing",)}, "no such interest"),
        ({"interests": (HANDS,), "keywords": ("x",)}, "leave out keywords"),
        ({"interests": (HANDS, Interest(name="HANDS", text="x"))}, "name of two"),
    ],
)
def test_an_invalid_interest_is_refused_with_the_remedy(
    app: App, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        subscriptions.subscribe(
            app, SubscriptionRequest(email="dana@example.org", **fields), origin="command"
        )  # type: ignore[arg-type]


def test_a_file_of_readers_names_interests_by_row_or_as_a_list(app: App, tmp_path: Path) -> None:
    table = tmp_path / "readers.csv"
    table.write_text(
        "email,interest,share,keywords\ndana@example.org,hands,1,robot\ndana@example.org,scans & "
        "slices,3,tumour\n"
    )
    rows = [row for row in read_readers(table) if not isinstance(row, BadRow)]
    list(subscriptions.subscribe_many(app, [request for _, request in rows], origin="file"))
    assert subscriptions.find(app, "dana@example.org").interests == (HANDS, SCANS)
    lines = tmp_path / "readers.jsonl"
    valid_rows = [
        {"name": "hands", "keywords": ["robot"]},
        {"name": "scans & slices", "share": 3, "keywords": ["tumour"]},
    ]
    bad = ([{"name": "a", "share": 0}], [{"name": "a", "colour": "red"}], "robots", 7, [[]])
    lines.write_bytes(
        b"\n".join(
            msgspec.json.encode({"email": "eli@example.org", "interests": file_row})
            for file_row in (valid_rows, *bad)
        )
    )
    first, *rejections = read_readers(lines)
    assert not isinstance(first, BadRow)
    assert first[1].interests == (HANDS, SCANS)
    assert [type(other) for other in rejections] == [BadRow] * len(bad)


def test_the_config_names_interests(tmp_path: Path) -> None:
    from digest import config

    file = tmp_path / "config.toml"
    file.write_text(
        '[[subscribers]]\nemail = "dana@example.org"\n[[subscribers.interests]]\nname = '
        '"hands"\nkeywords = ["robot"]\n'
        '[[subscribers.interests]]\nname = "scans & slices"\nshare = 3\nkeywords = ["tumour"]\n'
    )
    app = App.open(config.load(file, {}))
    subscriptions.apply_config(app)
    assert subscriptions.find(app, "dana@example.org").interests == (HANDS, SCANS)
    app.close()
    for line, message in (
        ("share = 0", "share"),
        ('colour = "red"', "Known here: name, share, keywords"),
    ):
        file.write_text(
            f'[[subscribers]]\nemail = "dana@example.org"\n[[subscribers.interests]]\nname = '
            f'"hands"\n{line}\n'
        )
        with pytest.raises(ConfigError, match=message):
            config.load(file, {})


# ------------------------------------------------------------------------------------ chosen papers


def test_the_digest_is_shared_and_the_mail_names_the_interest(any_app: App, dump: Dump) -> None:
    pipeline.ingest(any_app, [dump(per_topic=8)])
    subscribe(any_app, HANDS, SCANS)
    assert Counter(item.score.interest for item in chosen(any_app).items) == {
        "hands": 1,
        "scans & slices": 3,
    }
    pipeline.round(any_app)
    (file,) = any_app.config.smtp.outbox.glob("*.eml")
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr, attr-defined]
    assert text.count("For your interest “scans & slices”.") == 3
    assert html.count("For your interest “scans &amp; slices”.") == 3


def test_a_mail_to_a_reader_with_one_interest_names_none(app: App, dump: Dump) -> None:
    pipeline.ingest(app, [dump(per_topic=8)])
    subscribe(app, HANDS)
    preview = services.preview(app, subscriptions.find(app, "dana@example.org"))
    assert preview.message is not None
    assert "For your interest" not in preview.message.text


def test_a_thumb_trains_the_interest_that_listed_the_paper(any_app: App, dump: Dump) -> None:
    pipeline.ingest(any_app, [dump(per_topic=8)])
    dana = subscribe(any_app, HANDS, SCANS).subscriber
    pipeline.round(any_app)
    sent, papers = services.sent_digest(any_app, dana, TODAY)
    (hand,) = [item.score.paper_id for item in sent.items if item.score.interest == "hands"]
    # The thumb goes to "hands", which listed the paper, although its keywords have changed.
    subscriptions.change(
        any_app,
        dana.id,
        SubscriptionRequest(
            email="", size=50, interests=(SCANS, Interest(name="hands", keywords=("court",)))
        ),
    )
    services.rate(any_app, dana, papers[hand].name, 1)
    later = any_app.at(
        datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC) + timedelta(days=1)
    )
    pipeline.ingest(later, [dump(TODAY + timedelta(days=1), per_topic=8)])
    parts = [
        part.name
        for item in chosen(later).items
        if item.score.interest == "hands"
        for part in item.score.parts
    ]
    assert "robot" in " ".join(parts)


def test_an_interest_without_papers_gives_its_places_to_the_others(app: App, dump: Dump) -> None:
    pipeline.ingest(app, [dump(per_topic=8)])
    subscribe(app, HANDS, Interest(name="void", keywords=("phlogiston",), share=100))
    assert Counter(item.score.interest for item in chosen(app).items) == {"hands": 4}


def test_the_order_of_interests_changes_no_digest(app: App, dump: Dump) -> None:
    pipeline.ingest(app, [dump(per_topic=8)])
    subscribe(app, HANDS, SCANS)
    before = chosen(app).items
    subscribe(app, SCANS, HANDS)
    assert chosen(app).items == before


# -------------------------------------------------------------------------------- interests by name


def test_papers_of_followed_authors_and_pinned_keywords_come_first(app: App, dump: Dump) -> None:
    pipeline.ingest(app, [dump(per_topic=4)])
    subscribe(
        app, Interest(keywords=("robot", "+redshift survey"), authors=("Richard Roe 3",)), size=6
    )
    items = chosen(app).items
    _, papers = (
        items,
        services.preview(app, subscriptions.find(app, "dana@example.org")).papers,
    )
    pinned = [papers[item.score.paper_id] for item in items if item.slot == "pinned"]
    assert [item.slot for item in items][: len(pinned)] == ["pinned"] * len(pinned)
    assert sum("Richard Roe 3" in paper.authors for paper in pinned) == 4
    assert all(
        "Richard Roe 3" in paper.authors or "redshift survey" in f"{paper.title} {paper.abstract}"
        for paper in pinned
    )
    assert any("redshift survey" in f"{paper.title} {paper.abstract}" for paper in pinned)
    for item in items[: len(pinned)]:
        assert {"author", "keyword"} & {part.kind for part in item.score.parts}


def test_a_paper_muted_by_one_interest_is_listed_for_none(app: App, dump: Dump) -> None:
    pipeline.ingest(app, [dump(per_topic=8)])
    subscribe(
        app,
        HANDS,
        Interest(name="rest", keywords=("-robot", "tumour"), categories=("-astro-ph.GA",)),
        size=20,
    )
    preview = services.preview(app, subscriptions.find(app, "dana@example.org"))
    assert preview.papers
    for paper in preview.papers.values():
        assert "robot" not in paper.title
        assert "astro-ph.GA" not in paper.categories


def test_a_reader_who_mutes_everything_gets_that_reason(app: App, dump: Dump) -> None:
    pipeline.ingest(app, [dump(per_topic=8)])
    subscribe(app, Interest(categories=("-cs.AI",)))
    outcome = services.preview(app, subscriptions.find(app, "dana@example.org")).outcome
    assert not isinstance(outcome, Digest)
    assert outcome.reason is QuietReason.MUTED


def test_one_paper_is_explored_and_its_probability_stored(app: App, dump: Dump) -> None:
    pipeline.ingest(app, [dump(per_topic=8)])
    dana = subscribe(app, HANDS, size=20, strictness="few").subscriber
    pipeline.round(app)
    sent, _ = services.sent_digest(app, dana, TODAY)
    *listed, drawn = sent.items
    assert {item.slot for item in listed} == {"normal"}
    assert len(listed) >= 5
    assert drawn.slot == "exploration"
    assert 0 < drawn.probability < 1
    assert sent.items == chosen(make_app_at(app)).items


def make_app_at(app: App) -> App:
    """Return an app with the same readers and papers, before anything was sent."""
    folder = Path(str(app.store.url.database)).parent / "again"
    folder.mkdir()
    again = make_app(folder)
    dumps = folder.parent / "dumps" / f"{TODAY}.jsonl"
    pipeline.ingest(again, [dumps])
    subscribe(again, HANDS, size=20, strictness="few")
    return again
