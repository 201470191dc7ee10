"""Every sentence about a reader is true of that reader, whatever they have told.

The page of what was learned, the mail's line on what chose, the notes on papers, and the reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.model import Digest, Interest, Purpose, Subscriber
from digest.subscriptions import SubscriptionRequest
from tests.webclient import Client

Dump = Callable[..., Path]
#: reader -> interests, topics with thumbs up, topics with thumbs down
READERS: dict[str, tuple[tuple[Interest, ...], tuple[str, ...], tuple[str, ...]]] = {
    "nothing": ((), (), ()),
    "muted": ((Interest(keywords=("-robot",), categories=("-math.AG",)),), (), ()),
    "categories": ((Interest(categories=("cs.RO",)),), (), ()),
    "authors": ((Interest(authors=("A. Nobody",)),), (), ()),
    "keywords": ((Interest(keywords=("robot", "-galaxy")),), (), ()),
    "examples": ((Interest(papers=("EXAMPLE",)),), (), ()),
    "examples and keywords": ((Interest(papers=("EXAMPLE",), keywords=("robot",)),), (), ()),
    "unknown example": ((Interest(papers=("arxiv:9912.00001",)),), (), ()),
    "unknown example, muted": (
        (Interest(papers=("arxiv:9912.00001",), keywords=("-robot",)),),
        (),
        (),
    ),
    "text": ((Interest(text="galaxies far away"),), (), ()),
    "thumbs up": ((), ("galaxy",), ()),
    "thumbs up and keywords": ((Interest(keywords=("robot",)),), ("galaxy",), ()),
    "thumbs down": ((), (), ("robot",)),
    "thumbs down, muted": ((Interest(keywords=("-court",)),), (), ("robot",)),
    "many": (
        (
            Interest(name="sky", keywords=("galaxy",)),
            Interest(name="hands", categories=("cs.RO",)),
            Interest(name="law", keywords=("-robot",), papers=("EXAMPLE",)),
        ),
        ("galaxy",),
        (),
    ),
}


def make_reader(app: App, name: str) -> Subscriber:
    """Subscribe a reader and give thumbs, four a topic."""
    interests, liked, disliked = READERS[name]
    with app.store.reading() as tx:
        papers = list(store.papers.load(tx, range(1, 200)).values())
    example = next(paper.name for paper in papers if "court" in paper.title)
    interests = tuple(
        Interest(
            name=interest.name,
            keywords=interest.keywords,
            categories=interest.categories,
            authors=interest.authors,
            papers=tuple(example if paper == "EXAMPLE" else paper for paper in interest.papers),
            text=interest.text,
        )
        for interest in interests
    )
    request = SubscriptionRequest(email="erin@example.org", interests=interests)
    reader = subscriptions.subscribe(app, request, origin="command").subscriber
    for topics, vote in ((liked, 1), (disliked, -1)):
        for topic in topics:
            for paper in [paper for paper in papers if topic in paper.title][:4]:
                services.rate(app, reader, paper.name, vote)  # type: ignore[arg-type]
    return reader


@pytest.fixture
def client(app: App, dump: Dump) -> Client:
    pipeline.ingest(app, [dump(per_topic=8)])
    return Client(app)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", ["Nothing yet: it lists a mix of the day."]),
        ("muted", ["Only what to leave out; no thumbs yet."]),
        ("categories", ["From your categories; no thumbs yet."]),
        ("authors", ["From your authors; no thumbs yet."]),
        ("keywords", ["From your keywords; no thumbs yet."]),
        ("examples", ["From your example papers; no thumbs yet."]),
        ("examples and keywords", ["From your keywords and example papers; no thumbs yet."]),
        ("unknown example", ["Nothing yet: it lists a mix of the day."]),
        ("unknown example, muted", ["Only what to leave out; no thumbs yet."]),
        ("text", ["From your own words; no thumbs yet."]),
        ("thumbs up", ["From your thumbs · 4 up, 0 down."]),
        ("thumbs up and keywords", ["From your thumbs and your keywords · 4 up, 0 down."]),
        ("thumbs down", ["From your thumbs · 0 up, 4 down."]),
        ("thumbs down, muted", ["From your thumbs · 0 up, 4 down."]),
        (
            "many",
            [
                "From your thumbs and your keywords · 4 up, 0 down.",
                "From your categories; no thumbs yet.",
                "From your example papers; no thumbs yet.",
            ],
        ),
    ],
)
def test_the_page_names_what_ranks(client: Client, name: str, said: list[str]) -> None:
    reader = make_reader(client.app, name)
    page = client.get(client.path(Purpose.MANAGE, reader) + "/learned").text
    assert [page.count(sentence) for sentence in said] == [1] * len(said)


@pytest.mark.parametrize("name", READERS)
def test_only_who_has_both_hears_that_one_outweighs_the_other(client: Client, name: str) -> None:
    reader = make_reader(client.app, name)
    page = client.get(client.path(Purpose.MANAGE, reader) + "/learned").text
    said = {
        "examples and keywords": "Your example papers now count more than your keywords.",
        "thumbs up and keywords": "Your ratings now outweigh single words.",
        "many": "Your ratings now outweigh single words.",
    }
    for sentence in set(said.values()):
        assert (sentence in page) is (said.get(name) == sentence)
    assert ("now outweigh" in page or "now count more" in page) is (name in said)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "We know nothing of your field yet, so here is a mix of today."),
        ("muted", "We only know what you leave out, so here is a mix of the rest."),
        (
            "categories",
            "No thumbs yet, so this is a mix of your categories. Two thumbs make it yours.",
        ),
        ("authors", "No thumbs yet, so these follow your authors."),
        ("keywords", "No thumbs yet, so these follow your keywords."),
        ("examples", "No thumbs yet, so these follow your example papers."),
        (
            "examples and keywords",
            "No thumbs yet, so these follow your keywords and example papers.",
        ),
        ("unknown example", "No thumbs yet; here is a mix of today."),
        ("unknown example, muted", "No thumbs yet; here is a mix of today."),
        ("text", "No thumbs yet, so these follow your own words."),
        ("thumbs up", "Guided by your 4 thumbs."),
        ("thumbs up and keywords", "Guided by your keywords and 4 thumbs."),
        ("thumbs down", "Guided by your 4 thumbs."),
        ("thumbs down, muted", "Guided by your 4 thumbs."),
        ("many", "Guided by your keywords, categories, example papers and 4 thumbs."),
    ],
)
def test_the_mail_names_what_chose(client: Client, name: str, said: str) -> None:
    text = preview_text(client.app, name)
    assert said in " ".join(text.split())
    assert ("less sure of this one" in text) <= (name != "nothing")


@pytest.mark.parametrize("name", READERS)
def test_reasons_and_notes_name_only_what_the_reader_has(client: Client, name: str) -> None:
    interests, liked, _ = READERS[name]
    text = " ".join(preview_text(client.app, name).split())
    wanted = [word for interest in interests for word in interest.keywords if word[0] != "-"]
    has_example = any("EXAMPLE" in interest.papers for interest in interests)
    assert ("your keyword" not in text.replace("follow your keywords", "")) or wanted
    assert "whom you follow" not in text
    assert ("which you follow" not in text) or any(i.categories for i in interests)
    assert ("which you liked" not in text) or liked
    assert ("one of your examples" not in text) or has_example
    assert ("For your interest" not in text) or len(interests) > 1
    assert "as you did" not in text


def test_an_example_is_named_as_an_example(client: Client) -> None:
    assert "one of your examples." in " ".join(preview_text(client.app, "examples").split())


def preview_text(app: App, name: str) -> str:
    result = services.preview(app, make_reader(app, name))
    assert isinstance(result.outcome, Digest)
    assert result.message is not None
    return result.message.text
