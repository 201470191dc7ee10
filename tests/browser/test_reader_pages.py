"""Signing up at length, and the pages of a reader, with and without JavaScript, small and large."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from digest import pipeline, serve, services, store, subscriptions
from digest.app import App
from digest.model import Purpose, Subscriber, SubscriberStatus
from tests.browser.test_mails import tool
from tests.browser.test_pages import heading, pages_app, path, wait
from tests.conftest import TODAY, invent_papers
from tests.webclient import Write, fill

pytestmark = [pytest.mark.browser, pytest.mark.slow]

__all__ = ["pages_app"]

Cast = Callable[[App], dict[str, Subscriber]]
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
BIBTEX = b"@misc{a, title={An essay on owls at night}, author={Roe, Richard}}\n"
_AXE = """() => axe.run(document, {resultTypes: ['violations']}).then(
    found => found.violations.map(one => one.id + ': ' + one.nodes[0].html))"""


@pytest.fixture(params=[("phone", False), ("phone", True), ("desktop", True)], ids=str)
def page(request: pytest.FixtureRequest, browser: Browser, pages_app: App) -> Iterator[Page]:
    """A page that logs no error, loads from no other host and never scrolls sideways."""
    size, has_script = request.param
    width, height = SIZES[size]
    with serve.Background(pages_app) as address:
        context = browser.new_context(
            base_url=address,
            java_script_enabled=has_script,
            viewport={"width": width, "height": height},
            timezone_id="Asia/Tokyo",
        )
        opened = context.new_page()
        opened.set_default_timeout(15_000)
        errors: list[str] = []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on(
            "request",
            lambda sent: None if sent.url.startswith(address) else errors.append(sent.url),
        )
        yield opened
        box = opened.locator("body").bounding_box()
        assert box is not None
        assert box["width"] <= width
        context.close()
        assert errors == []


def has_script(page: Page) -> bool:
    return page.get_by_label("Time zone").input_value() == "Asia/Tokyo"


def test_a_stranger_says_all_and_rates_the_first_papers(
    page: Page, pages_app: App, dump: Write
) -> None:
    fill(pages_app, dump, rows=invent_papers(TODAY, per_topic=4, start=1))
    page.goto("/subscribe")
    page.get_by_label("Keywords").fill("robot")
    expect(page.get_by_label("In your own words")).not_to_be_visible()
    page.get_by_text("Say more:").click()
    page.get_by_label("In your own words").fill("Arms that <b>fold</b> paper.")
    page.get_by_label("Category 1").fill("cs.RO")
    page.get_by_label("Authors to follow").fill("Jane Doe")
    page.get_by_label("Your library").set_input_files(
        {"name": "mine.bib", "mimeType": "text/plain", "buffer": BIBTEX}
    )
    page.get_by_text("When it comes").click()
    zone = "Asia/Tokyo" if has_script(page) else "UTC"
    page.get_by_label("Days").select_option("Monday to Friday")
    page.get_by_label("Not before").select_option("18:00")
    page.get_by_role("button", name="Show me what I would get today").click()
    heading(page, "What you would get today")
    expect(page.get_by_label("Papers you like")).to_have_value("An essay on owls at night")
    page.get_by_label("Your e-mail address").fill("dave@example.org")
    page.wait_for_timeout(2100)
    page.get_by_role("button", name="Subscribe").click()
    heading(page, "Check your mail")
    dave = subscriptions.find(pages_app, "dave@example.org")
    (interest,) = dave.interests
    assert interest.keywords == ("robot",)
    assert interest.text == "Arms that <b>fold</b> paper."
    assert interest.papers == ("An essay on owls at night",)
    assert (dave.timezone, dave.hour, dave.days) == (zone, 18, (1, 2, 3, 4, 5))
    page.goto(path(pages_app, Purpose.CONFIRM, dave))
    page.get_by_role("button", name="Yes, subscribe me").click()
    heading(page, "You are subscribed")
    assert subscriptions.get(pages_app, dave.id).status is SubscriberStatus.ACTIVE
    expect(page.locator("article.rated")).to_have_count(10)
    first = page.locator("#p1")
    first.get_by_role("button", name="More like this").click()
    expect(first.get_by_role("status")).to_contain_text("Noted: more like this")
    expect(page.locator("article.rated")).to_have_count(10)
    wait(pages_app, 70)
    first.get_by_role("button", name="Undo").click()
    expect(first.get_by_role("status")).to_contain_text("Taken back")


def test_a_reader_tends_thumbs_words_and_data(page: Page, pages_app: App, cast: Cast) -> None:
    alice = cast(pages_app)["alice"]
    for number, vote in ((1, 1), (2, -1), (3, 1)):
        services.rate(pages_app, alice, f"paper:{number}", vote)  # type: ignore[arg-type]
    page.goto(path(pages_app, Purpose.MANAGE, alice))
    page.get_by_role("link", name="Your thumbs").click()
    heading(page, "Your thumbs")
    page.get_by_role("button", name="Withdraw").first.click()
    expect(page.get_by_role("status")).to_contain_text("Withdrawn:")
    expect(page.locator("article.rated")).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("article.rated")).to_have_count(3)
    page.get_by_role("link", name="What has been learned").click()
    page.get_by_role("button", name="More of this").first.click()
    expect(page.get_by_role("status")).to_contain_text("is a keyword of yours now")
    assert len(subscriptions.get(pages_app, alice.id).interests[0].keywords) == 2
    own_pages = page.get_by_role("navigation", name="Your pages")
    own_pages.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Your data").click()
    page.get_by_label("Your address, typed out").fill(alice.email)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download everything").click()
    exported = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert exported["address"] == alice.email


def test_a_reader_moves_and_changes_their_mind(page: Page, pages_app: App, cast: Cast) -> None:
    alice = cast(pages_app)["alice"]
    page.goto(path(pages_app, Purpose.MANAGE, alice))
    page.get_by_role("link", name="Another address").click()
    page.get_by_label("New e-mail address").fill("alice@")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("alert")).to_contain_text("typing mistake")
    page.get_by_label("New e-mail address").fill("alice@new.example")
    page.get_by_role("button", name="Send the link").click()
    heading(page, "Check your mail")
    with ThreadPoolExecutor(1) as other_thread:  # the browser's event loop runs in this one
        other_thread.submit(pipeline.send, pages_app).result()
    with pages_app.store.reading() as tx:
        (change,) = store.address_changes.list_since(tx, alice.id, alice.created)
    pending = subscriptions.find(pages_app, "alice@new.example")
    page.goto(path(pages_app, Purpose.CONFIRM, pending, change.id))
    page.get_by_role("button", name="Yes, send it here").click()
    heading(page, "You have moved")
    assert subscriptions.get(pages_app, alice.id).email == "alice@new.example"
    page.goto(path(pages_app, Purpose.OBJECT, alice, change.id))
    page.get_by_role("button", name="Bring it back").click()
    heading(page, "It comes here again")
    assert subscriptions.get(pages_app, alice.id).email == alice.email


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_of_these_pages(
    browser: Browser, pages_app: App, cast: Cast, scheme: str
) -> None:
    axe = tool("axe-core/axe.min.js").read_text("utf-8")
    alice = cast(pages_app)["alice"]
    services.rate(pages_app, alice, "paper:1", 1)
    own = path(pages_app, Purpose.MANAGE, alice)
    pages = ["/subscribe", "/privacy", own]
    pages += [f"{own}/{name}" for name in ("thumbs", "first", "data", "address", "learned")]
    pages += [path(pages_app, Purpose.OBJECT, alice, 1), path(pages_app, Purpose.CONFIRM, alice, 1)]
    with serve.Background(pages_app) as address:
        context = browser.new_context(
            base_url=address,
            viewport={"width": 390, "height": 844},
            color_scheme=scheme,  # type: ignore[arg-type]
            bypass_csp=True,
        )
        page = context.new_page()
        for name in pages:
            page.goto(name)
            page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true })")
            page.evaluate(axe)
            assert page.evaluate(_AXE) == [], name
        context.close()
