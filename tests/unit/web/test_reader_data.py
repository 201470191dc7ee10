"""The page of a reader's data, its downloads, and the privacy page."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest import services, subscriptions
from digest.model import Purpose, Subscriber
from tests.conftest import make_app
from tests.unit.web.conftest import heading
from tests.webclient import Client, contents


@pytest.fixture
def path(client: Client, alice: Subscriber) -> str:
    services.rate(client.app, alice, "paper:1", 1)
    return client.path(Purpose.MANAGE, alice)


def test_everything_is_downloaded_by_who_knows_the_address(
    client: Client, path: str, alice: Subscriber
) -> None:
    before = contents(client.app)
    answer = client.post(f"{path}/data", data={"address": f" {alice.email.upper()} "})
    assert answer.headers["content-disposition"] == 'attachment; filename="digest.json"'
    assert answer.headers["cache-control"] == "no-store"
    export = answer.json()
    assert export["address"] == alice.email
    assert export["tables"]["feedback"][0]["vote"] == 1
    assert contents(client.app) == before


@pytest.mark.parametrize("address", ["", "bob@example.org", "alice@example.or", '"><script>'])
def test_the_link_alone_gives_no_address_away(
    client: Client, path: str, alice: Subscriber, address: str
) -> None:
    answer = client.post(f"{path}/data", data={"address": address})
    assert answer.status_code == 422
    assert "all of it" in answer.text
    assert "<script" not in answer.text
    for page in ("data", "thumbs-up.bib", "thumbs-up.ris", "thumbs-down.bib", "thumbs"):
        assert alice.email not in client.get(f"{path}/{page}").text


def test_thumbs_are_downloaded_by_the_link(client: Client, path: str) -> None:
    before = contents(client.app)
    title = services.get_paper(client.app, 1).title
    bib = client.get(f"{path}/thumbs-up.bib")
    assert title in bib.text
    assert bib.headers["content-type"].startswith("application/x-bibtex")
    assert title in client.get(f"{path}/thumbs-up.ris").text
    assert client.get(f"{path}/thumbs-down.ris").text == ""
    for wrong in ("thumbs-left.bib", "thumbs-up.exe", "thumbs-up.bib.ris"):
        assert client.get(f"{path}/{wrong}").status_code == 404
    assert contents(client.app) == before


def test_what_was_agreed_to_is_shown_as_it_was_worded(client: Client, path: str) -> None:
    page = client.get(f"{path}/data").text
    assert "The operator of this service added you" in page
    form = client.get("/subscribe").text
    assert subscriptions.WORDING in form
    client.sign_up(email="dave@example.org")
    dave = subscriptions.find(client.app, "dave@example.org")
    confirm = client.path(Purpose.CONFIRM, dave)
    assert subscriptions.WORDING in client.get(confirm).text
    client.post(confirm)
    page = client.get(f"{client.path(Purpose.MANAGE, dave)}/data").text
    assert "You asked for the digest on this site" in page
    assert "You confirmed your address on this site" in page
    assert page.count(subscriptions.WORDING) == 2


def test_the_privacy_page_says_what_the_config_says(tmp_path: Path) -> None:
    app = make_app(
        tmp_path,
        web__operator="<b>The Library</b>",
        web__contact="privacy@example.org",
        web__pending_days="3",
        web__backups_days="90",
        mail__postal_address="Main Street 1\nTown",
    )
    client = Client(app)
    page = client.get("/privacy").text
    assert heading(page) == "Privacy"
    for words in ("&lt;b&gt;The Library", "privacy@example.org", "3 days", "90 days", "Town"):
        assert words in page
    assert 'href="/privacy"' in client.get("/subscribe").text
    app.close()


def test_the_privacy_page_has_defaults(tmp_path: Path) -> None:
    app = make_app(
        tmp_path,
        web__backups_days="0",
        mail__reply_to="hello@example.org",
        web__base_url="https://example.org/digest",
    )
    client = Client(app)
    page = client.get("/privacy").text
    assert "hello@example.org" in page
    assert "keeps no backups" in page
    assert 'href="/digest/privacy"' in page
    app.close()
