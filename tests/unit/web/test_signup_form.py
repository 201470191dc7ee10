"""The long sign-up form: everything that it asks, a library, and the preview of all of it."""

from __future__ import annotations

import gzip
import re
import zipfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from digest import services, subscriptions
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Purpose, Subscriber, SubscriberStatus
from digest.web.form_timestamps import sign_timestamp
from digest.web.middleware import BODY_MAX, UPLOAD_MAX
from tests.conftest import TODAY, invent_papers, make_app
from tests.unit.web.conftest import heading
from tests.unit.web.test_lists import titles
from tests.webclient import Client, Write, contents, fill

XSS = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}"
BIBTEX = b"""@article{a, title={A robot arm that learns to fold paper}, author={Doe, Jane},
  eprint={2606.00001}, archiveprefix={arXiv}}
@misc{b, title={An essay on owls at night}, author={Roe, Richard}}
"""


def send(
    client: Client, path: str = "/subscribe", library: bytes = b"", **fields: str | list[str]
) -> str:
    """Send the form as a browser does, as multipart; return the answering page."""
    opened = sign_timestamp(client.app.keys()[-1], client.app.now() - timedelta(minutes=1))
    data = {"opened": opened, "homepage": "", **fields}
    files = {"library": ("library.bib", library, "application/octet-stream")}
    return client.post(path, data=data, files=files).text


def test_everything_that_is_asked_is_taken(client: Client) -> None:
    page = send(
        client,
        email="dave@example.org",
        keywords="proteins, cells",
        text="How proteins fold.\nAnd why.",
        categories=["q-bio", "cs.LG, stat.ML", ""],
        authors="Doe, Jane\nJohn Roe",
        papers="2606.00001\n10.1000/xyz",
        timezone="europe/berlin",
        hour="18",
        days="1,2,3,4,5",
        strictness="few",
    )
    assert heading(page) == "Check your mail"
    dave = subscriptions.find(client.app, "dave@example.org")
    (interest,) = dave.interests
    assert interest.keywords == ("proteins", "cells")
    assert interest.text == "How proteins fold.\nAnd why."
    assert interest.categories == ("q-bio", "cs.LG", "stat.ML")
    assert interest.authors == ("Doe, Jane", "John Roe")
    assert interest.papers == ("2606.00001", "10.1000/xyz")
    assert (dave.timezone, dave.hour, dave.days, dave.strictness) == (
        "Europe/Berlin",
        18,
        (1, 2, 3, 4, 5),
        "few",
    )


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("timezone", "Berlin", "Did you mean Europe/Berlin?"),
        ("timezone", XSS, "No time zone has this name."),
        ("hour", "24", "Choose an hour from 0 to 23."),
        ("hour", "9" * 400, "Choose an hour from 0 to 23."),
        ("hour", "²", "Choose an hour from 0 to 23."),
        ("days", "8", "Choose one of these."),
        ("days", "", ""),
        ("strictness", "1000", "Choose one of these."),
    ],
)
def test_a_bad_answer_is_named_beside_its_field(
    client: Client, field: str, value: str, told: str
) -> None:
    page = send(client, email="dave@example.org", keywords="cells", **{field: value})
    if not told:
        assert heading(page) == "Check your mail"
        return
    assert told in page
    assert f'id="{field}-error"' in page
    assert re.search(r'<details class="more" id="when" open>', page)
    assert "cells" in page
    with pytest.raises(NotFoundError):
        subscriptions.find(client.app, "dave@example.org")


@pytest.mark.parametrize(
    "field", ["email", "keywords", "text", "categories", "authors", "papers", "timezone", "hour"]
)
@pytest.mark.parametrize("path", ["/subscribe", "/preview"])
def test_hostile_text_stays_text(client: Client, path: str, field: str) -> None:
    page = send(client, path, **{"email": "nobody", field: XSS})
    assert "<script>alert" not in page
    assert "<img" not in page.replace('<img src="/icon.svg"', "")
    assert "49" not in re.sub(r"<(option|input type=.hidden).*", "", page)


def test_a_library_becomes_names_of_papers(client: Client, readers: dict[str, Subscriber]) -> None:
    send(client, email="dave@example.org", papers="10.1000/xyz", library=BIBTEX)
    (interest,) = subscriptions.find(client.app, "dave@example.org").interests
    assert interest.papers[0] == "10.1000/xyz"
    # a stored paper by its name; one that is not stored by its title, whose words are used
    assert interest.papers[2] == "An essay on owls at night"
    assert len(interest.papers) == 3


def test_a_library_stores_no_paper_and_goes_with_the_sign_up(client: Client, app: App) -> None:
    before = contents(app)
    send(client, "/preview", library=BIBTEX)
    assert contents(app) == before
    send(client, email="dave@example.org", library=BIBTEX)
    later = app.at(app.now() + timedelta(days=15))
    assert subscriptions.delete_unconfirmed(later) == 1
    after = contents(later)
    assert not [line for line in after if "owls" in line or "dave" in line]


def test_the_preview_keeps_the_library_and_all_that_was_typed(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    page = send(
        client,
        "/preview",
        keywords="galaxy",
        text="the night sky",
        categories=["astro-ph"],
        hour="9",
        library=BIBTEX,
    )
    assert heading(page) == "What you would get today"
    assert titles(page)
    assert "An essay on owls at night" in page
    assert "Read: 2 papers of your library" in page
    assert "the night sky" in page
    assert 'value="astro-ph"' in page
    assert '<option value="9" selected>' in page
    assert "your own words" in page


def test_the_preview_works_from_all_of_it(client: Client, readers: dict[str, Subscriber]) -> None:
    by_words = titles(send(client, "/preview", keywords="robot"))
    by_text = titles(send(client, "/preview", text="A galaxy, its stars and the dust between."))
    by_library = titles(
        send(client, "/preview", library=b"@misc{a, title={Galaxy clusters and dark stars}}")
    )
    assert by_words != by_text
    assert by_words != by_library


def packed(content: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("library.bib", content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("library", "told"),
    [
        (b"\x00\xff" * 999, "is no BibTeX"),
        (b"%PDF-1.7 nothing", "is no BibTeX"),
        (b"<html><body>hello</body></html>", "is no BibTeX"),
        (b'{"title": "a dump of records", "abstract": "x", "id": "1"}\n' * 9, "is no BibTeX"),
        (gzip.compress(b"0" * 9_000_000), "unpack the file"),
        (packed(b"@misc{a, title={b}}" * 100_000), "unpack the file"),
        (b"@misc{a, title={One of many papers}}\n" * 2_001, "too many entries"),
    ],
)
def test_a_hostile_file_is_refused_with_the_reason(
    client: Client, library: bytes, told: str
) -> None:
    page = send(client, email="dave@example.org", keywords="cells", library=library)
    assert told.lower() in page.lower()
    assert 'id="library-error"' in page
    assert "cells" in page
    with pytest.raises(NotFoundError):
        subscriptions.find(client.app, "dave@example.org")


def test_an_xml_bomb_ends_quickly(client: Client) -> None:
    entities = "".join(f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' for number in range(1, 9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY a0 "ha">{entities}]><xml>&a8;</xml>'
    page = send(client, email="dave@example.org", library=bomb.encode())
    assert heading(page) in ("Check your mail", "The few new papers worth your time")
    assert len(page) < 100_000


def test_a_library_of_many_papers_is_cut(app: App) -> None:
    many = b"".join(b"@misc{a%d, title={Paper of number %d}}\n" % (n, n) for n in range(600))
    library = services.read_library_names(app, many)
    assert len(library.names) == 500
    assert library.left_out == 100


def test_only_pages_with_a_library_take_large_bodies(client: Client) -> None:
    large = b"% " + b"a" * BODY_MAX
    for path, status in (
        ("/preview", 200),
        ("/api/v1/subscribers", 413),
        ("/subscribers/subscribe", 413),
    ):
        answer = client.post(path, files={"library": ("a.bib", large)})
        assert answer.status_code == status, path
    too_large = b"a" * (BODY_MAX + UPLOAD_MAX)
    assert client.post("/preview", files={"library": ("a.bib", too_large)}).status_code == 413


def test_uploads_work_below_a_path(tmp_path: Path) -> None:
    app = make_app(tmp_path, web__base_url="https://example.org/digest")
    client = Client(app)
    page = client.get("/subscribe").text
    assert 'action="/digest/subscribe"' in page
    assert 'src="/digest/timezone.js"' in page
    large = b"% " + b"a" * BODY_MAX
    for path in ("/preview", "/digest/preview"):
        assert client.post(path, files={"library": ("a.bib", large)}).status_code == 200
    app.close()


# ---------------------------------------------------------------------------- after confirming


def confirm(client: Client, **fields: str) -> tuple[str, Subscriber]:
    send(client, email="dave@example.org", **fields)
    reader = subscriptions.find(client.app, "dave@example.org")
    return client.post(client.path(Purpose.CONFIRM, reader)).text, reader


def test_ten_papers_to_rate_come_after_confirming(
    client: Client, dump: Write, readers: dict[str, Subscriber]
) -> None:
    fill(client.app, dump, rows=invent_papers(TODAY, per_topic=4, start=1))
    page, dave = confirm(client, keywords="robot", timezone="Europe/Berlin")
    assert heading(page) == "You are subscribed"
    assert "The first mail comes <strong>" in page
    assert page.count('class="rated"') == 10
    assert client.path(Purpose.MANAGE, dave) in page
    assert subscriptions.get(client.app, dave.id).status is SubscriberStatus.ACTIVE
    again = client.post(client.path(Purpose.CONFIRM, dave)).text
    assert 'class="rated"' not in again


def test_the_first_papers_are_rated_turned_and_taken_back(
    client: Client, dump: Write, readers: dict[str, Subscriber]
) -> None:
    fill(client.app, dump, rows=invent_papers(TODAY, per_topic=4, start=1))
    page, dave = confirm(client, keywords="robot")
    path = f"{client.path(Purpose.MANAGE, dave)}/first"
    shown = re.findall(r'name="shown" value="([\d ]+)"', page)[0]
    first, second = map(int, shown.split()[:2])

    def press(page: str, paper: int, **more: str) -> str:
        token = re.findall(r'name="form" value="([0-9a-f.]+)\.1a"', page)
        answers = re.findall(r'name="answers" value="([^"]*)"', page)[0]
        data = {
            "paper": str(paper),
            "shown": shown,
            "form": f"{(token or ['0'])[0]}.1a",
            "answers": answers,
        }
        return client.post(path, data=data | more).text

    page = press(page, first, vote="1")
    assert "Noted: more like this" in page
    assert "1 of 10 rated" in page
    assert re.findall(r'name="shown" value="([\d ]+)"', page)[0] == shown
    votes = {
        paper.id: vote
        for paper, vote in services.load_rated_papers(client.app, dave.id, [first, second])
    }
    assert votes == {first: 1, second: 0}
    listed = client.get(path).text
    assert f'name="paper" value="{first}"' not in listed
    assert listed.count('class="rated"') == 10


def test_looking_at_the_first_papers_changes_nothing(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    path = f"{client.path(Purpose.MANAGE, readers['alice'])}/first"
    before = contents(client.app)
    for method in ("GET", "HEAD", "GET"):
        assert client.request(method, path).status_code == 200
    for data in ({}, {"vote": "1"}, {"vote": "9", "paper": "1"}, {"vote": "1", "paper": "x"}):
        assert client.post(path, data=data | {"shown": "1 2 x ² 99999999999"}).status_code == 200
    assert contents(client.app) == before
