"""Explanations of what the service learned about a reader, and how to forget it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Digest, Interest, Paper, Purpose, Subscriber
from digest.pipeline.steps.corpus_view import open_view
from digest.pipeline.steps.training_data import BatchRatings
from digest.pipeline.steps.word_counts import load_frequencies
from digest.ranking import recipes, scores
from digest.subscriptions import SubscriptionRequest
from tests.conftest import TODAY, make_app
from tests.webclient import Client, contents

Cast = Callable[[App], dict[str, Subscriber]]
Dump = Callable[..., Path]


def list_papers(app: App) -> list[Paper]:
    with app.store.reading() as tx:
        return list(store.papers.load(tx, range(1, 200)).values())


def rate(app: App, who: Subscriber, topic: str, vote: int, count: int) -> list[Paper]:
    papers = [paper for paper in list_papers(app) if topic in paper.title][:count]
    for paper in papers:
        services.rate(app, who, paper.name, vote)  # type: ignore[arg-type]
    return papers


@pytest.fixture
def carol(app: App, cast: Cast, dump: Dump) -> Subscriber:
    """A reader who joined today, liked galaxies and disliked robots."""
    someone = cast(app)["carol"]
    pipeline.ingest(app, [dump(per_topic=6)])
    rate(app, someone, "galaxy", 1, 4)
    rate(app, someone, "robot", -1, 2)
    return someone


def votes(app: App, who: Subscriber) -> int:
    with app.store.reading() as tx:
        return len(store.feedback.load_votes(tx, [who.id]).get(who.id, []))


# ------------------------------------------------------------------------- explanations are correct


def test_the_shown_words_are_the_words_that_rank(app: App, carol: Subscriber) -> None:
    (taste,) = services.explain_profile(app, carol).interests
    assert (taste.step, taste.thumbs_up, taste.thumbs_down, taste.interest, taste.share) == (
        "thumbs",
        4,
        2,
        "",
        1.0,
    )
    shown_for, shown_against = (
        {word.word for word in words} for words in (taste.words_for, taste.words_against)
    )
    assert "galaxy" in shown_for
    assert "robot" in shown_against
    assert not shown_for & shown_against
    assert [paper.vote for paper in taste.papers] == [1, 1, 1, 1, -1, -1]
    outcome = services.preview(app, carol).outcome
    assert isinstance(outcome, Digest)
    lifted = {
        part.name.lower()
        for part in outcome.items[0].score.parts
        if part.kind == "word" and part.value > 0
    }
    assert lifted & shown_for


def test_the_papers_stand_in_the_order_in_which_the_profile_likes_them(
    app: App, carol: Subscriber
) -> None:
    seen: list[float] = []
    original = scores.explain

    def spy(*arguments: object, **more: object) -> object:
        results = list(original(*arguments, **more))  # type: ignore[arg-type]
        seen.extend(score.value for score in results)
        return iter(results)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "explain", spy)
        services.explain_profile(app, carol)
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 6


def test_each_interest_tells_of_its_own(any_app: App, dump: Dump) -> None:
    pipeline.ingest(any_app, [dump(per_topic=6)])
    pair = (
        Interest(name="sky", keywords=("galaxy",), share=2),
        Interest(name="hands", keywords=("robot",)),
    )
    dana = subscriptions.subscribe(
        any_app, SubscriptionRequest(email="dana@example.org", interests=pair), origin="command"
    ).subscriber
    rate(any_app, dana, "galaxy", 1, 3)
    rate(any_app, dana, "robot", 1, 2)
    hands, sky = services.explain_profile(any_app, dana).interests
    assert (hands.interest, hands.thumbs_up, sky.interest, sky.thumbs_up) == ("hands", 2, "sky", 3)
    assert sky.share == pytest.approx(2 / 3)
    assert "robot" in {word.word for word in hands.words_for}
    assert "robot" not in {word.word for word in sky.words_for}


def make_reader(app: App, *keywords: str, name: str = "erin") -> Subscriber:
    request = SubscriptionRequest(email=f"{name}@example.org", keywords=keywords)
    return subscriptions.subscribe(app, request, origin="command").subscriber


@pytest.mark.parametrize(
    ("downs", "said"),
    [
        (0, ""),
        (2, "Your thumbs down weakened the keyword robot."),
        (3, "Your thumbs down took all weight from the keyword robot"),
    ],
)
def test_a_reader_is_told_that_thumbs_down_weakened_a_keyword(
    client: Client, dump: Dump, downs: int, said: str
) -> None:
    app = client.app
    pipeline.ingest(app, [dump(per_topic=6)])
    erin = make_reader(app, "robot", "-galaxy")
    rate(app, erin, "robot", -1, downs)
    explanation = services.explain_profile(app, erin)
    (keyword,) = explanation.interests[0].keywords
    assert keyword.strength == pytest.approx(1 - downs / 3)
    assert keyword.sentence.startswith(said)
    assert bool(keyword.sentence) is bool(said)
    page = client.get(client.path(Purpose.MANAGE, erin) + "/learned").text
    assert ("Your thumbs down" in page) is bool(said)
    assert said in page


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ((), ""),
        (("-robot",), ""),
        (("robot arms",), ""),
        (("robot",), "Your ratings now outweigh single words."),
    ],
)
def test_only_who_has_single_words_hears_that_they_count_less(
    client: Client, dump: Dump, keywords: tuple[str, ...], said: str
) -> None:
    app = client.app
    pipeline.ingest(app, [dump(per_topic=6)])
    erin = make_reader(app, *keywords)
    rate(app, erin, "galaxy", 1, 4)
    page = client.get(client.path(Purpose.MANAGE, erin) + "/learned").text
    assert ("outweigh" in page) is bool(said)
    assert said in page


def test_the_explanation_of_a_new_reader_is_empty(app: App, cast: Cast) -> None:
    (taste,) = services.explain_profile(app, cast(app)["carol"]).interests
    assert (taste.step, taste.words_for, taste.words_against, taste.papers) == (
        "trending",
        (),
        (),
        (),
    )


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_every_recipe_can_be_asked(tmp_path: Path, cast: Cast, dump: Dump, name: str) -> None:
    app = make_app(tmp_path, digest__recipe=name)
    carol = cast(app)["carol"]
    pipeline.ingest(app, [dump(per_topic=6)])
    rate(app, carol, "galaxy", 1, 3)
    explanation = services.explain_profile(app, carol)
    app.close()
    assert (explanation.recipe, len(explanation.interests)) == (name, 1)


# --------------------------------------------------------------------------------------- forgetting


def test_a_forgotten_thumb_teaches_nothing(any_app: App, cast: Cast, dump: Dump) -> None:
    carol = cast(any_app)["carol"]
    pipeline.ingest(any_app, [dump(per_topic=6)])
    (liked,) = rate(any_app, carol, "court", 1, 1)
    assert services.forget(any_app, carol.id, liked.id, via="page")
    assert not services.forget(any_app, carol.id, liked.id, via="page")
    (taste,) = services.explain_profile(any_app, carol).interests
    assert (taste.step, taste.papers) == ("trending", ())
    assert pipeline.current_vote(any_app, carol.id, liked.id) == 0


def test_a_forgotten_example_leaves_every_interest(app: App, carol: Subscriber) -> None:
    first, second = [paper for paper in list_papers(app) if "court" in paper.title][:2]
    pair = (
        Interest(name="a", papers=(first.name, second.name)),
        Interest(name="b", papers=(first.title,)),
    )
    subscriptions.change(app, carol.id, SubscriptionRequest(email="", interests=pair))
    assert services.forget(app, carol.id, first.id, via="page")
    assert subscriptions.get(app, carol.id).interests == (
        Interest(name="a", papers=(second.name,)),
    )


def test_starting_over_withdraws_every_thumb_and_keeps_the_interests(
    any_app: App, cast: Cast, dump: Dump
) -> None:
    people = cast(any_app)
    pipeline.ingest(any_app, [dump(per_topic=6)])
    for who in (people["alice"], people["bob"]):
        rate(any_app, who, "galaxy", 1, 3)
    assert services.start_over(any_app, people["alice"].id, via="page") == 3
    assert services.start_over(any_app, people["alice"].id, via="page") == 0
    assert (votes(any_app, people["alice"]), votes(any_app, people["bob"])) == (0, 3)
    assert subscriptions.get(any_app, people["alice"].id).interests == people["alice"].interests
    assert services.explain_profile(any_app, people["alice"]).interests[0].step == "keywords"
    with any_app.store.reading() as tx:
        interests = tx.exec_driver_sql(
            f"SELECT count(*) FROM feedback WHERE subscriber_id = {people['alice'].id}"
        ).scalar()
    assert interests == 3


def test_forgetting_an_unknown_paper_is_reported(app: App, carol: Subscriber) -> None:
    with pytest.raises(NotFoundError):
        services.forget(app, carol.id, 10**9, via="page")
    with pytest.raises(NotFoundError):
        services.start_over(app, 10**9, via="page")


# ----------------------------------------------------------------------------- the page and the API


@pytest.fixture
def client(app: App) -> Client:
    return Client(app)


def test_the_page_shows_what_was_learned_and_changes_nothing(
    client: Client, carol: Subscriber
) -> None:
    before = contents(client.app)
    text = client.get(client.path(Purpose.MANAGE, carol) + "/learned").text
    assert '<span dir="auto">galaxy</span>' in text
    assert text.count('value="forget"') == 6
    assert "4 up, 2 down." in text
    assert client.get(client.path(Purpose.MANAGE, carol)).text.count("/learned") == 1
    assert (
        client.request("HEAD", client.path(Purpose.MANAGE, carol) + "/learned").status_code == 200
    )
    assert contents(client.app) == before


def test_one_press_forgets_one_paper(client: Client, carol: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, carol) + "/learned"
    ident = next(paper.id for paper in list_papers(client.app) if "galaxy" in paper.title)
    assert "Forgotten." in client.post(path, data={"do": "forget", "paper": str(ident)}).text
    assert votes(client.app, carol) == 5
    assert "forgotten already" in client.post(path, data={"do": "forget", "paper": str(ident)}).text


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"do": "forget"},
        {"do": "forget", "paper": "x"},
        {"do": "forget", "paper": "9" * 40},
        {"do": "start-over"},
    ],
)
def test_mail_without_a_confirmed_request_changes_nothing(
    client: Client, carol: Subscriber, sent: dict[str, str]
) -> None:
    before = contents(client.app)
    answer = client.post(client.path(Purpose.MANAGE, carol) + "/learned", data=sent)
    assert answer.status_code == 200
    assert ("Forget all 6 thumbs?" in answer.text) == (sent.get("do") == "start-over")
    assert contents(client.app) == before


def test_starting_over_takes_two_presses(client: Client, carol: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, carol) + "/learned"
    assert 'value="start-over-now"' in client.post(path, data={"do": "start-over"}).text
    assert "All your thumbs are forgotten." in client.post(path, data={"do": "start-over-now"}).text
    assert votes(client.app, carol) == 0
    assert 'value="start-over"' not in client.get(path).text


def test_a_link_for_something_else_opens_nothing(client: Client, carol: Subscriber) -> None:
    token = client.path(Purpose.UNSUBSCRIBE, carol).rsplit("/", 1)[1]
    assert client.get(f"/m/{token}/learned").status_code == 404
    assert (
        client.post(f"/api/v1/readers/{token}/start-over", json={"confirm": True}).status_code
        == 404
    )
    assert votes(client.app, carol) == 6


def test_the_api_shows_and_forgets_the_same(client: Client, carol: Subscriber) -> None:
    api = "/api/v1/readers" + client.path(Purpose.MANAGE, carol).removeprefix("/m")
    explanation = client.get(f"{api}/learned").json()
    assert (
        explanation["thumbs_up"],
        explanation["thumbs_down"],
        len(explanation["interests"]),
    ) == (4, 2, 1)
    assert "email" not in explanation
    name = explanation["interests"][0]["papers"][0]["paper"]
    assert client.post(f"{api}/forget", json={"paper": name}).json() == {"forgotten": True}
    assert client.post(f"{api}/forget", json={"paper": "arxiv:9912.00001"}).status_code == 404
    for bad in ({}, {"confirm": False}, {"confirm": "yes"}):
        answer = client.post(f"{api}/start-over", json=bad)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
    assert votes(client.app, carol) == 5
    assert client.post(f"{api}/start-over", json={"confirm": True}).json() == {"forgotten": 5}


def test_titles_are_text_on_the_page(client: Client, carol: Subscriber, dump: Dump) -> None:
    row = {
        "arxiv": "2606.00777",
        "title": "<script>alert(1)</script> & co",
        "abstract": "x <b>y</b>",
        "authors": ["<i>J</i>"],
    }
    pipeline.ingest(client.app, [dump(TODAY + timedelta(days=1), [row])])
    services.rate(client.app, carol, "arxiv:2606.00777", 1)
    text = client.get(client.path(Purpose.MANAGE, carol) + "/learned").text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text or "alert(1)" in text


def test_what_all_readers_have_in_common_is_read_once(
    app: App, carol: Subscriber, dump: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpora, opened = services.CorpusCache(), []
    real = services.explain.open_view

    def count(*values: object, **named: object) -> object:
        opened.append(1)
        return real(*values, **named)

    monkeypatch.setattr(services.explain, "open_view", count)
    for _ in range(2):
        kept = services.explain_profile(app, carol, corpora)
        assert kept == services.explain_profile(app, carol)
    assert len(opened) == 1 + 2
    pipeline.ingest(app, [dump(rows=[{"title": "A galaxy that came later"}])])
    opened.clear()
    assert services.explain_profile(app, carol, corpora) == services.explain_profile(app, carol)
    services.explain_profile(app, carol, corpora)
    services.explain_profile(app.at(app.now() + timedelta(days=1)), carol, corpora)
    assert len(opened) == 2 + 1


def test_readers_who_are_explained_at_once_hear_of_their_own_papers_alone(
    app: App, carol: Subscriber
) -> None:
    readers = [carol]
    for number, topic in enumerate(["robot", "galaxy", "robot"]):
        reader = make_reader(app, topic, name=f"reader{number}")
        rate(app, reader, topic, 1, 2 + number)
        readers.append(reader)
    alone = [services.explain_profile(app, reader) for reader in readers]
    corpora = services.CorpusCache()
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda reader: services.explain_profile(app, reader, corpora), readers * 5)
        )
    assert [each.json for each in together] == [each.json for each in alone] * 5


def test_ratings_hold_the_papers_of_their_own_readers(app: App, carol: Subscriber) -> None:
    other = make_reader(app, "robot")
    liked = rate(app, other, "robot", 1, 3)
    with app.store.reading() as tx:
        view = open_view(tx, now=app.now(), until=TODAY, frequencies=load_frequencies(tx))
        for reader in (carol, other):
            votes_of_one = store.feedback.load_votes(tx, [reader.id])
            ratings = BatchRatings(tx, [reader], votes_of_one, view)
    assert sorted(ratings.papers) == sorted(paper.id for paper in liked)
    assert len(view.shelf.papers) > len(liked)
