"""The pages for everybody: lists by day, papers, feeds, sitemap."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from datetime import date, timedelta
from pathlib import Path

import pytest

from digest import pipeline
from digest.app import App
from digest.model import Purpose, Subscriber
from tests.conftest import TODAY, make_app
from tests.unit.web.conftest import Cast, heading
from tests.webclient import Client, Clock, Person, Write, contents, fill

ROW = {"abstract": "We say what it does.", "authors": ["Jane Doe"], "categories": ["cs.LG"]}


def titles(text: str) -> list[str]:
    return re.findall(r'<h2 dir="auto"><a href="[^"]*">(.*?)</a></h2>', text)


def write_rows(day: date, *names: str, **more: object) -> list[dict[str, object]]:
    return [
        ROW | {"title": name, "arxiv": f"{day:%y%m}.{day.day:02d}{n:03d}"} | more
        for n, name in enumerate(names, start=1)
    ]


def test_the_home_page_lists_the_newest_day_with_papers(app: App, dump: Write) -> None:
    yesterday = TODAY - timedelta(days=1)
    fill(app, dump, day=yesterday, rows=write_rows(yesterday, "An older paper"))
    page = Client(app).get("/")
    assert heading(page.text).startswith("New papers of")
    assert titles(page.text) == ["An older paper"]
    assert page.headers["x-robots-tag"] == "index, follow"


def test_trending_counts_upvotes_and_newest_does_not(app: App, dump: Write) -> None:
    rows = write_rows(TODAY, "First", "Second", "Third")
    fill(app, dump, rows=[rows[0] | {"upvotes": 3}, rows[1] | {"upvotes": 9}, rows[2]])
    client = Client(app)
    assert titles(client.get("/").text) == ["Second", "First", "Third"]
    assert titles(client.get("/?order=new").text) == ["Third", "Second", "First"]


def test_days_weeks_and_months_lead_to_one_another(app: App, dump: Write) -> None:
    monday = TODAY - timedelta(days=TODAY.weekday())
    earlier = monday - timedelta(days=20)
    for day in (earlier, monday):
        fill(app, dump, day=day, rows=write_rows(day, f"Paper of {day}"))
    client = Client(app)
    page = client.get(f"/{monday}").text
    assert titles(page) == [f"Paper of {monday}"]
    assert f'rel="prev" href="/{earlier}"' in page
    assert 'rel="next"' not in page
    year, week, _ = monday.isocalendar()
    assert f'href="/{year}-W{week:02d}"' in page
    assert titles(client.get(f"/{year}-W{week:02d}").text) == [f"Paper of {monday}"]
    assert f"Paper of {monday}" in titles(client.get(f"/{monday:%Y-%m}").text)
    back = client.get(f"/{earlier}").text
    assert f'rel="next" href="/{monday}"' in back


def test_an_empty_day_says_so_and_leads_on(app: App, dump: Write) -> None:
    fill(app, dump, rows=write_rows(TODAY, "Only one"))
    page = Client(app).get(f"/{TODAY - timedelta(days=3)}")
    assert page.status_code == 200
    assert "No papers yet" in page.text
    assert f'rel="next" href="/{TODAY}"' in page.text


@pytest.mark.parametrize("name", ["2026-02-30", "2026-13", "2026-W60", "0000-01-01", "1e99-01-01"])
def test_an_impossible_day_is_not_found(app: App, name: str) -> None:
    assert Client(app).get(f"/{name}").status_code == 404


def test_a_field_narrows_the_list(app: App, dump: Write) -> None:
    rows = write_rows(TODAY, "Of learning", "Of vision", "Of groups")
    rows[1] |= {"categories": ["cs.CV"]}
    rows[2] |= {"categories": ["math.GR"]}
    fill(app, dump, rows=rows)
    client = Client(app)
    assert titles(client.get("/?category=cs.CV").text) == ["Of vision"]
    assert set(titles(client.get("/?category=CS").text)) == {"Of learning", "Of vision"}
    assert "1 paper in math.GR" in client.get("/?category=math.GR").text


def test_a_long_list_has_pages_that_hold_every_paper_once(app: App, dump: Write) -> None:
    fill(app, dump, rows=write_rows(TODAY, *(f"Paper {n}" for n in range(60))))
    client = Client(app)
    seen: list[str] = []
    for number in (1, 2, 3):
        seen += titles(client.get(f"/?page={number}").text)
    assert sorted(seen) == sorted(f"Paper {n}" for n in range(60))
    assert client.get("/?page=4").status_code == 404
    assert client.get("/?page=0").status_code == 422


def test_new_papers_show_within_a_minute_and_the_tag_saves_the_transfer(
    app: App, dump: Write
) -> None:
    client = Person(app, Clock())
    fill(app, dump, rows=write_rows(TODAY, "First"))
    answer = client.get("/p/1")
    tag = answer.headers["etag"]
    again = client.request("GET", "/p/1", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    fill(app, dump, rows=write_rows(TODAY, "First", "Second"))
    assert set(titles(client.get("/").text)) == {"First", "Second"}


def test_looking_changes_nothing(app: App, dump: Write) -> None:
    fill(app, dump, rows=write_rows(TODAY, "First"))
    client = Client(app)
    before = contents(app)
    for path in ("/", f"/{TODAY}", "/p/1", "/p/1.bib", "/feed.atom", "/feed.json", "/sitemap.xml"):
        for method in ("GET", "HEAD"):
            assert client.request(method, path).status_code == 200, path
        assert client.post(path).status_code == (422 if path == "/" else 405), path
    assert contents(app) == before


def test_a_paper_has_a_page_with_its_sources_and_for_reference_managers(
    app: App, dump: Write
) -> None:
    fill(app, dump, rows=write_rows(TODAY, "A & B: <i>not a tag"))
    client = Client(app)
    page = client.get("/p/1").text
    assert '<h1 dir="auto">A &amp; B: &lt;i&gt;not a tag</h1>' in page
    assert "Jane Doe" in page
    assert "jsonl" in page
    name = write_rows(TODAY, "x")[0]["arxiv"]
    assert client.get(f"/p/arxiv:{name}").headers["location"] == "/p/1"
    assert client.get(f"/p/{name}").headers["location"] == "/p/1"
    assert client.get("/p/1.bib").text.startswith("@misc{doe2026")
    assert client.get("/p/1.ris").text.startswith("TY  - GEN")
    assert client.get("/p/1.json").json()[0]["author"] == [{"family": "Doe", "given": "Jane"}]
    for path in ("/p/2", f"/p/{10**30}", "/p/1.pdf", "/p/2401.00001", "/p/nothing/at/all"):
        assert client.get(path).status_code == 404, path


def test_a_paper_leads_to_the_form_that_names_it(app: App, dump: Write) -> None:
    fill(app, dump, rows=write_rows(TODAY, "Folding arms"))
    client = Client(app)
    found = re.search(r'href="(/subscribe[?]papers=[^"]+)"', client.get("/p/1").text)
    assert found is not None
    form = client.get(found[1]).text
    field = re.search(r'<textarea id="papers"[^>]*>\s*([^<]*)</textarea>', form)
    assert field is not None
    assert field[1].strip() == write_rows(TODAY, "x")[0]["arxiv"]
    assert '<details class="more" id="more" open>' in form


def test_a_merged_paper_is_found_by_its_old_number(app: App, dump: Write) -> None:
    fill(app, dump, rows=[ROW | {"title": "One", "doi": "10.1000/1"}])
    fill(app, dump, rows=[ROW | {"title": "Two", "arxiv": "2606.01234"}])
    both = ROW | {"title": "One", "doi": "10.1000/1", "arxiv": "2606.01234"}
    pipeline.ingest(app, [dump(TODAY + timedelta(days=1), [both])], seen="name")
    client = Client(app)
    pages = [client.get(f"/p/{number}") for number in (1, 2)]
    assert [page.status_code for page in pages] == [200, 200]
    assert 'rel="canonical" href="http://127.0.0.1:8025/p/1"' in pages[1].text


def test_feeds_hold_the_list(app: App, dump: Write) -> None:
    fill(app, dump, rows=write_rows(TODAY, "First <b>", "Second & more"))
    client = Client(app)
    answer = client.get("/feed.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    atom = "{http://www.w3.org/2005/Atom}"
    root = ET.fromstring(answer.text)
    assert {entry.findtext(f"{atom}title") for entry in root.iter(f"{atom}entry")} == {
        "First <b>",
        "Second & more",
    }
    feed = json.loads(client.get("/feed.json").text)
    assert {item["title"] for item in feed["items"]} == {"First <b>", "Second & more"}
    assert feed["items"][0]["url"].startswith("http://127.0.0.1:8025/p/")
    assert f"/{TODAY}</loc>" in client.get("/sitemap.xml").text


def test_an_empty_service_has_an_empty_home_page_and_feed(app: App) -> None:
    client = Client(app)
    assert "No papers yet" in client.get("/").text
    assert "<entry>" not in client.get("/feed.atom").text


def test_without_lists_the_form_is_the_home_page_and_robots_are_sent_away(
    tmp_path: Path, dump: Write
) -> None:
    app = make_app(tmp_path, web__papers="false")
    fill(app, dump, rows=write_rows(TODAY, "Not for everybody"))
    client = Client(app)
    assert "Not for everybody" not in client.get("/").text
    assert heading(client.get("/").text) == heading(client.get("/subscribe").text)
    for path in (f"/{TODAY}", "/p/1", "/feed.atom", "/search?q=everybody", "/sitemap.xml"):
        assert client.get(path).status_code == 404, path
    assert client.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"
    app.close()


def test_the_box_on_the_home_page_subscribes(app: App, dump: Write) -> None:
    fill(app, dump, rows=write_rows(TODAY, "First"))
    page = Client(app).get("/").text
    assert '<form class="offer wide" method="post" action="/subscribe"' in page
    answer = Client(app).sign_up(email="dave@example.org", keywords="yeast")
    assert heading(answer.text) == "Check your mail"


def test_votes_of_few_readers_stay_secret(app: App, cast: Cast, dump: Write) -> None:
    """A count below the least number of readers would tell what a single one liked."""
    fill(app, dump, rows=write_rows(TODAY, "First", "Second"))
    client = Client(app)
    readers: list[Subscriber] = list(cast(app).values())
    client.post(client.path(Purpose.UP, readers[0], 1))
    page = Client(app).get("/").text
    assert "upvote" not in page
    assert titles(page) == ["Second", "First"]
