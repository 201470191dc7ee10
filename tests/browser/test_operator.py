"""The operator's pages in a browser: a login, acts and plots, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from digest import pipeline, serve, services, subscriptions
from digest.app import App
from digest.model import Subscriber, SubscriberStatus
from tests.browser.test_pages import check_fit, heading
from tests.conftest import TODAY, make_app

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def operated_app(
    tmp_path: Path, dump: Callable[..., Path], cast: Callable[[App], dict[str, Subscriber]]
) -> Iterator[App]:
    app = make_app(tmp_path, web__bind="127.0.0.1:0")
    pipeline.ingest(app, [dump(TODAY)], seen=TODAY)
    alice = cast(app)["alice"]
    pipeline.compose(app)
    services.rate(app, alice, "paper:1", 1)
    yield app
    app.close()


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request: pytest.FixtureRequest, browser: Browser, operated_app: App) -> Iterator[Page]:
    with serve.Background(operated_app) as address:
        context = browser.new_context(
            base_url=address,
            java_script_enabled=request.param,
            viewport={"width": 390, "height": 844},
        )
        opened = context.new_page()
        opened.set_default_timeout(15_000)
        problems: list[str] = []
        opened.on("console", lambda message: problems.append(message.text))
        yield opened
        context.close()
        # the browser logs each refusal
        assert [text for text in problems if "status of 403" not in text] == []


def test_a_link_logs_in_once_and_readers_are_looked_after(page: Page, operated_app: App) -> None:
    page.goto("/operator")
    heading(page, "These pages are the operator’s")
    link = services.make_operator_link(operated_app)
    link = link.removeprefix(operated_app.config.web.base_url)
    page.goto(link)
    page.reload()
    check_fit(page)
    page.get_by_role("button", name="Log in").click()
    heading(page, "Overview")
    check_fit(page)
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/operator")

    page.get_by_role("link", name="Readers", exact=True).click()
    page.get_by_label("Find by the whole address").fill("bob@example.org")
    page.keyboard.press("Enter")
    heading(page, "bob@example.org")
    check_fit(page)
    page.get_by_role("button", name="Pause").click()
    heading(page, "Pause this reader?")
    check_fit(page)
    page.get_by_role("link", name="Back, change nothing").click()
    bob = subscriptions.find(operated_app, "bob@example.org")
    assert bob.status is SubscriberStatus.ACTIVE
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Paused.")
    assert subscriptions.get(operated_app, bob.id).status is SubscriberStatus.PAUSED
    page.get_by_role("link", name="Digest of 9 June").click()
    expect(page.get_by_role("heading", name="Attempts")).to_be_visible()

    for name in ("Deliveries", "Bounces", "Suppressed", "Dumps", "Report", "Moderation"):
        page.get_by_role("link", name=name, exact=True).click()
        check_fit(page)

    page.get_by_role("link", name="Sessions", exact=True).click()
    page.get_by_role("button", name="End session 1").click()
    heading(page, "You are logged out")
    assert page.context.cookies() == []
    page.goto(link)
    page.get_by_role("button", name="Log in").click()
    heading(page, "This link does not work any more")


def test_another_site_cannot_press_a_button(browser: Browser, operated_app: App) -> None:
    with serve.Background(operated_app) as address:
        # else the policy of the other page keeps its form from being sent at all
        context = browser.new_context(bypass_csp=True)
        page = context.new_page()
        link = services.make_operator_link(operated_app)
        page.goto(address + link.removeprefix(operated_app.config.web.base_url))
        page.get_by_role("button", name="Log in").click()
        heading(page, "Overview")
        # as same-site as can be: another port of the same host
        with serve.Background(operated_app) as other:
            page.goto(other)
            page.evaluate(
                """address => {
                  const form = document.createElement("form")
                  form.method = "post"
                  form.action = address + "/operator/logout"
                  document.body.append(form)
                  form.submit()
                }""",
                address,
            )
            heading(page, "This form did not come from its page")
        assert len(services.list_operator_sessions(operated_app)) == 1
        context.close()
