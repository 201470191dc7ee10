"""Votes, picks and suggestions in a browser, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from digest import serve, services
from digest.app import App
from digest.model import Purpose, Subscriber
from tests.browser.test_mails import tool
from tests.browser.test_pages import check_fit, heading, page, pages_app, path, wait

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["page", "pages_app"]

Cast = Callable[[App], dict[str, Subscriber]]


def test_a_reader_votes_and_suggests_and_the_operator_accepts(
    page: Page, pages_app: App, cast: Cast
) -> None:
    bob = cast(pages_app)["bob"]
    page.goto(path(pages_app, Purpose.MANAGE, bob))
    page.get_by_role("link", name="Vote and suggest").click()
    check_fit(page)
    wait(pages_app, 5)
    second = page.locator("article").nth(1)
    title = second.get_by_role("heading").inner_text()
    second.get_by_role("button", name="Up-vote").focus()
    page.keyboard.press("Enter")
    first = page.locator("article").first
    expect(first.get_by_role("heading")).to_have_text(title)
    expect(first).to_contain_text("1 upvote")
    first.get_by_role("link", name=title, exact=True).click()
    heading(page, title)
    page.get_by_role("button", name="Take my vote back").click()
    expect(page.get_by_role("button", name="Up-vote")).to_be_visible()
    assert services.list_voters(pages_app) == []
    page.get_by_role("button", name="Up-vote").click()
    heading(page, "Once more, please")
    page.go_back()
    wait(pages_app, 5)
    page.get_by_role("button", name="Up-vote").click()
    expect(page.get_by_role("button", name="Take my vote back")).to_be_visible()

    page.get_by_role("link", name="Suggest a paper").click()
    check_fit(page)
    wait(pages_app, 5)
    page.get_by_label("arXiv id, DOI or link").fill("https://doi.org/10.1000/sheep")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Please type its title")
    wait(pages_app, 5)
    page.get_by_label("Its title").fill("Of counting sheep")
    page.get_by_role("button", name="Suggest it").click()
    expect(page.locator("#yours")).to_contain_text("Waiting")
    (listed,) = services.list_submissions(pages_app)
    services.decide_submission(pages_app, listed.submission.id, accept=True)
    page.reload()
    page.get_by_role("link", name="Of counting sheep").click()
    heading(page, "Of counting sheep")
    wait(pages_app, 70)
    page.goto("/")
    expect(page.get_by_role("link", name="Of counting sheep")).to_be_visible()


def test_a_curator_picks_a_paper(page: Page, pages_app: App, cast: Cast) -> None:
    alice = cast(pages_app)["alice"]
    object.__setattr__(pages_app.config.web, "curators", (alice.email,))
    page.goto(f"{path(pages_app, Purpose.VOTE, alice)}/p/2")
    check_fit(page)
    wait(pages_app, 5)
    page.get_by_label("Why it is worth reading").fill("x" * 301)
    page.get_by_role("button", name="Pick it").click()
    expect(page.get_by_role("alert")).to_contain_text("shorten it to 300")
    check_fit(page)
    wait(pages_app, 5)
    page.get_by_label("Why it is worth reading").fill("Read this one.")
    page.get_by_label("Your name").fill("Alice")
    page.get_by_role("button", name="Pick it").click()
    expect(page.get_by_role("heading", name="You have picked this")).to_be_visible()
    wait(pages_app, 70)
    page.goto("/?order=picks")
    expect(page.locator("article")).to_contain_text("Picked by Alice: Read this one.")


_AXE = """() => axe.run(document, {resultTypes: ['violations']}).then(({violations}) =>
    violations.map(({id, nodes}) => [id, nodes[0].html.slice(0, 200)]))"""


def test_axe_finds_nothing_on_the_pages(browser: Browser, pages_app: App, cast: Cast) -> None:
    axe = tool("axe-core/axe.min.js").read_text("utf-8")
    alice = cast(pages_app)["alice"]
    object.__setattr__(pages_app.config.web, "curators", (alice.email,))
    services.pick(pages_app, alice.id, 1, name="Alice", note="Read this one.")
    services.suggest(pages_app, alice.id, "10.1000/sheep", "Of counting sheep")
    own = path(pages_app, Purpose.VOTE, alice)
    with serve.Background(pages_app) as address:
        page = browser.new_page(base_url=address, viewport={"width": 390, "height": 844})
        for place in ("/", "/p/1", own, f"{own}/p/1", f"{own}/p/2", f"{own}/suggest"):
            page.goto(place)
            page.evaluate(axe)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                assert (place, scheme, page.evaluate(_AXE)) == (place, scheme, [])
        page.close()
