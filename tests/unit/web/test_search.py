"""The search page."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from digest import services, subscriptions
from digest.app import App
from digest.subscriptions import SubscriptionRequest
from digest.web import search
from tests.conftest import TODAY
from tests.unit.web.test_lists import write_rows
from tests.webclient import Client, Write, contents, fill

TITLES = (
    "Gaussian splatting for street scenes",
    "Splatting Gaussians on a telephone",
    "A survey of yeast genes",
    "Müller cells of the zebrafish retina",
)


@pytest.fixture
def client(app: App, dump: Write) -> Client:
    rows = write_rows(TODAY, *TITLES)
    rows[2] |= {"authors": ["Kim Roe"], "categories": ["q-bio.GN"]}
    fill(app, dump, rows=rows)
    return Client(app)


def found(client: Client, query: str) -> list[str]:
    answer = client.get(f"/search?{query}")
    assert answer.status_code == 200
    listed = answer.text.partition("Near in meaning")[0]
    marked = re.findall(r'<h3 dir="auto"><a href="[^"]*">(.*?)</a></h3>', listed)
    return [re.sub(r"</?mark>", "", title) for title in marked]


def test_all_words_must_occur_in_any_order_and_form(client: Client) -> None:
    assert set(found(client, "q=gaussian+splatting")) == set(TITLES[:2])
    assert found(client, "q=yeast+gene") == [TITLES[2]]
    assert found(client, "q=yeast+splatting") == []


def test_a_phrase_stands_together_and_a_minus_excludes(client: Client) -> None:
    assert found(client, "q=%22gaussian+splatting%22") == [TITLES[0]]
    assert found(client, "q=splatting+-telephone") == [TITLES[0]]


@pytest.mark.parametrize("word", ["muller", "Müller", "MÜLLER"])
def test_accents_and_case_do_not_matter(client: Client, word: str) -> None:
    assert found(client, f"q={word}") == [TITLES[3]]


def test_filters_narrow_the_search(client: Client) -> None:
    assert found(client, "author=roe") == [TITLES[2]]
    assert found(client, "q=gaussian&author=roe") == []
    assert found(client, "category=q-bio") == [TITLES[2]]
    assert found(client, "q=yeast&category=cs.LG") == []
    assert found(client, f"q=yeast&since={TODAY}&until={TODAY}") == [TITLES[2]]
    assert found(client, "q=yeast&until=2020-01-01") == []
    assert found(client, "q=yeast&source=jsonl") == [TITLES[2]]
    assert found(client, "q=yeast&source=bibtex") == []


def test_an_identifier_or_a_link_finds_its_paper(client: Client) -> None:
    name = write_rows(TODAY, "x")[0]["arxiv"]
    for query in (f"q={name}", f"q=arxiv:{name}", f"q=https://arxiv.org/abs/{name}"):
        assert found(client, query) == [TITLES[0]]


def test_papers_near_in_meaning_follow_where_few_hold_all_words(client: Client) -> None:
    page = client.get("/search?q=gaussian+splatting+nowhere").text
    listed, _, near = page.partition("Near in meaning")
    assert "No paper holds all of these words" in listed
    assert "street scenes" in near
    assert "yeast" not in near


def test_papers_of_a_readers_library_alone_are_found_by_nobody(
    client: Client, tmp_path: Path
) -> None:
    request = SubscriptionRequest(email="eve@example.org", timezone="UTC")
    eve = subscriptions.subscribe(client.app, request, origin="command").subscriber
    library = tmp_path / "library.bib"
    library.write_text("@article{a, title={A secret love of moss}, doi={10.1000/secret}}")
    services.import_library(client.app, eve, library)
    for query in ("q=10.1000/secret", "q=secret+moss", "author=nobody", "category=none"):
        assert found(client, query) == []
    (paper,) = [services.find_paper(client.app, "10.1000/secret").id]
    for path in (f"/p/{paper}", "/p/doi:10.1000/secret"):
        assert client.get(path).status_code == 404, path
    assert client.get_with_key("/api/v1/papers?q=10.1000/secret").json()["papers"] == []


HOSTILE = [
    "%22", "%22%22", "-", "*", "a*", "AND", "OR", "NOT", "NEAR(a+b)", "title:yeast", "^yeast",
    "%27%29%3B+DROP+TABLE+papers", "%00", "%22unclosed", "()", "{}", ":", "a:b:c", "%F0%9F%98%80",
    "x" * 500, "-only+-minus", "%25_%5C",
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE)
def test_signs_are_words_and_never_operators(client: Client, query: str) -> None:
    before = contents(client.app)
    for place in ("q", "author", "category", "source"):
        for path in ("/search", "/search.atom"):
            answer = client.get(f"{path}?{place}={query}")
            assert answer.status_code == 200, (place, query)
    assert contents(client.app) == before


def test_what_was_typed_comes_back_as_text(client: Client) -> None:
    page = client.get("/search?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E&author=%22onfocus%3D").text
    assert "<script>" not in page
    assert 'value="&lt;script&gt;' in page
    assert 'value="&#34;onfocus=' in page


def test_a_search_can_be_subscribed_to(client: Client) -> None:
    assert "A survey of yeast genes" in client.get("/search.atom?q=yeast").text
    page = client.get('/search?q=yeast+genes+"gene+map"+-mouse&category=q-bio&author=Kim+Roe').text
    form = page.partition('action="/subscribe"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert fields == {
        "keywords": "gene map\nyeast genes\n-mouse",
        "categories": "q-bio",
        "authors": "Kim Roe",
    }
    filled = client.get(f"/subscribe?{urlencode(fields)}").text
    for name in ("keywords", "authors"):
        assert re.search(rf'<textarea id="{name}"[^>]*>\s*{fields[name]}</textarea>', filled), name
    assert '<input name="categories" list="known-categories" value="q-bio"' in filled
    answer = client.sign_up(email="eve@example.org", **fields)
    assert "Check your mail" in answer.text
    eve = subscriptions.find(client.app, "eve@example.org")
    assert eve.interests[0].keywords == ("gene map", "yeast genes", "-mouse")
    assert (eve.interests[0].categories, eve.interests[0].authors) == (("q-bio",), ("Kim Roe",))


def test_a_pasted_abstract_is_found_by_meaning_and_is_no_keyword(client: Client) -> None:
    text = "gaussian splatting of scenes in the street " * 30
    page = client.get(f"/search?{urlencode({'q': text[:2000]})}").text
    assert "<mark>street</mark>" in page
    assert 'name="text"' in page
    assert 'name="keywords"' not in page
    assert client.get(f"/search?q={'x' * 2001}").status_code == 422


def test_the_order_of_meaning_needs_no_word(client: Client) -> None:
    page = client.get("/search?q=gaussian+splatting+nowhere&order=meaning").text
    assert "near in meaning" in page
    assert "street scenes" in page
    assert "yeast" not in page
    assert "Nothing is near these words" in client.get("/search?q=qqq&order=meaning").text
    answer = client.get_with_key("/api/v1/papers?q=gaussian+splatting+nowhere&order=meaning").json()
    assert {paper["title"] for paper in answer["papers"]} == set(TITLES[:2])


@pytest.mark.parametrize(
    ("words", "text", "marked"),
    [
        (["grasping"], "Grasp, GRASPED and regrasp", ["Grasp", "GRASPED"]),
        (["gan"], "A GAN, gans, a gang", ["GAN"]),
        (["few-shot learning"], "learned a few shots", ["learned", "few"]),
        (["C++", "?"], "c and C++ code", ["c", "C"]),
        (["?"], "what?", []),
        (["naïve"], "naive and Naïvely", ["Naïvely"]),
    ],
)
def test_words_of_one_stem_are_marked(words: list[str], text: str, marked: list[str]) -> None:
    pieces = search._mark(text, search._compile_words(words))
    assert "".join(piece for piece, _ in pieces) == text
    assert [piece for piece, is_marked in pieces if is_marked] == marked


def test_a_search_is_not_indexed(client: Client) -> None:
    answer = client.get("/search?q=yeast")
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert "noindex" in answer.text
