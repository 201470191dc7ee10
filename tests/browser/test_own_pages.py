"""Pages of one reader in a browser: past digests, saved papers, mutes, feed and catch-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from digest import pipeline, serve, services, store, subscriptions
from digest.app import App
from digest.model import Purpose, Subscriber
from tests.browser.test_mails import tool
from tests.browser.test_pages import RunningClock, check_fit, heading, path
from tests.conftest import make_app
from tests.webclient import Write, fill

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Cast = Callable[[App], dict[str, Subscriber]]
_AXE = "() => axe.run().then(found => found.violations.map(({id, nodes}) => [id, nodes[0].html]))"


@pytest.fixture
def own_app(tmp_path: Path, dump: Write, cast: Cast) -> Iterator[App]:
    """A service whose readers got a digest each."""
    app = replace(make_app(tmp_path, web__bind="127.0.0.1:0"), now=RunningClock())
    fill(app, dump)
    cast(app)
    pipeline.compose(app)
    # in a thread of its own, since the browser's event loop runs in this one
    with ThreadPoolExecutor(1) as thread:
        thread.submit(pipeline.send, app).result()
    yield app
    app.close()


@pytest.fixture
def alice(own_app: App) -> Subscriber:
    readers = subscriptions.list_subscribers(own_app)
    return next(reader for reader in readers if reader.email.startswith("alice"))


@pytest.fixture
def rate(own_app: App, alice: Subscriber) -> str:
    """The path of the page that rates alice's digest."""
    with own_app.store.reading() as tx:
        (past,) = store.archive.list_digests(tx, alice.id, limit=9)
    return path(own_app, Purpose.RATE, alice, message_id=past.message_id)


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request: pytest.FixtureRequest, browser: Browser, own_app: App) -> Iterator[Page]:
    """A phone-sized page; it fetches nothing from other hosts."""
    with serve.Background(own_app) as address:
        context = browser.new_context(
            base_url=address,
            java_script_enabled=request.param,
            viewport={"width": 390, "height": 844},
        )
        opened = context.new_page()
        opened.set_default_timeout(15_000)
        foreign: list[str] = []
        opened.on(
            "request",
            lambda sent: None if sent.url.startswith(address) else foreign.append(sent.url),
        )
        yield opened
        context.close()
        assert foreign == []


def test_from_the_archive_to_the_mail_and_a_saved_paper(
    page: Page, own_app: App, alice: Subscriber
) -> None:
    page.goto(path(own_app, Purpose.MANAGE, alice))
    page.get_by_role("link", name="Past digests").click()
    heading(page, "Your past digests")
    check_fit(page)
    page.get_by_role("link", name="As sent").click()
    expect(page.get_by_text("This mail as it was sent to you.")).to_be_visible()
    check_fit(page)
    page.get_by_role("button", name="Save for later").first.press("Enter")
    saved = page.locator("#p1").get_by_text("Saved for later.")
    expect(saved).to_be_visible()
    page.get_by_role("link", name="Saved", exact=True).click()
    heading(page, "Saved for later")
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Remove")).to_have_count(1)
    check_fit(page)


def test_a_thumb_down_an_author_left_out_and_taken_back(
    page: Page, own_app: App, alice: Subscriber, rate: str
) -> None:
    page.goto(rate)
    page.get_by_role("link", name="Less of an author or topic").first.click()
    heading(page, "Less of an author or topic")
    check_fit(page)
    assert isinstance(own_app.now, RunningClock)
    own_app.now.wait(10)
    page.get_by_role("button", name="Leave out: Jane Doe").press("Enter")
    heading(page, "Left out from now on")
    own_app.now.wait(10)
    page.get_by_role("button", name="Undo").click()
    heading(page, "Taken back")
    assert subscriptions.get(own_app, alice.id).interests == alice.interests


def test_catching_up_and_a_new_feed_address(page: Page, own_app: App, alice: Subscriber) -> None:
    page.goto(path(own_app, Purpose.MANAGE, alice) + "/catch-up")
    heading(page, "The best of the last 14 days")
    check_fit(page)
    page.get_by_role("button", name="More like this").first.click()
    expect(page.get_by_role("status")).to_have_text("Noted: more like this")
    page.get_by_role("link", name="Feed").click()
    page.get_by_role("button", name="Make a feed address").click()
    first = page.get_by_label("Atom").input_value()
    page.get_by_role("button", name="Make a new feed address").click()
    expect(page.get_by_label("Atom")).not_to_have_value(first)
    check_fit(page)


def test_axe_finds_nothing_in_light_or_dark(
    browser: Browser, own_app: App, alice: Subscriber, rate: str
) -> None:
    axe = tool("axe-core/axe.min.js").read_text("utf-8")
    services.renew_feed(own_app, alice.id, 0, is_open=True)
    services.save_paper(own_app, alice.id, 1)
    own = path(own_app, Purpose.MANAGE, alice)
    down = path(own_app, Purpose.DOWN, alice, 1) + "/less"
    paths = [rate, f"{rate}/mail", f"{rate}/p/1", down]
    paths += [f"{own}/{end}" for end in ("digests", "saved", "feed", "catch-up")]
    with serve.Background(own_app) as address:
        opened = browser.new_page(base_url=address, bypass_csp=True)
        for where in paths:
            opened.goto(where)
            opened.evaluate(axe)
            for scheme in ("light", "dark"):
                opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                assert (where, opened.evaluate(_AXE)) == (where, [])
        opened.close()
