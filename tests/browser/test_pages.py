"""The pages in a browser, with and without JavaScript."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from digest import pipeline, serve, services, store, subscriptions
from digest.app import App
from digest.model import Link, Purpose, Subscriber, SubscriberStatus
from tests.conftest import make_app
from tests.webclient import Clock, Write, fill

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Cast = Callable[[App], dict[str, Subscriber]]


class RunningClock(Clock):
    """A clock that runs: the form of the front page must be open for a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = time.monotonic()

    def __call__(self) -> datetime:
        return self.at + timedelta(seconds=time.monotonic() - self.begun)


@pytest.fixture
def pages_app(tmp_path: Path, dump: Write) -> Iterator[App]:
    app = replace(make_app(tmp_path, web__bind="127.0.0.1:0"), now=RunningClock())
    fill(app, dump)
    yield app
    app.close()


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request: pytest.FixtureRequest, browser: Browser, pages_app: App) -> Iterator[Page]:
    """A phone-sized page.

    At its end no error was logged, and nothing was fetched from another host.
    """
    with serve.Background(pages_app) as address:
        context = browser.new_context(
            base_url=address,
            java_script_enabled=request.param,
            viewport={"width": 390, "height": 844},
        )
        opened = context.new_page()
        opened.set_default_timeout(15_000)
        errors: list[str] = []
        foreign: list[str] = []

        def on_console(message: ConsoleMessage) -> None:
            # the browser logs every status from 400 on, and a refused form has one
            if message.type in ("error", "warning") and "status of 422" not in message.text:
                errors.append(message.text)

        def on_request(request: Request) -> None:
            if not request.url.startswith(address):
                foreign.append(request.url)

        opened.on("console", on_console)
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("request", on_request)
        yield opened
        context.close()
        assert errors == []
        assert foreign == []


def path(
    app: App, purpose: Purpose, subscriber: Subscriber, paper_id: int = 0, message_id: int = 0
) -> str:
    url = app.url(purpose, subscriber.id, paper_id=paper_id, message_id=message_id)
    return url.removeprefix(app.config.web.base_url)


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def check_fit(page: Page) -> None:
    """Check that nothing hangs out of the page and buttons fit a thumb."""
    width = page.locator("body").bounding_box()
    assert width is not None
    assert width["width"] <= 390
    for pressed in (
        *page.get_by_role("button").all(),
        *page.locator("a.button, label.choice, select, textarea").all(),
    ):
        box = pressed.bounding_box()
        assert box is not None
        assert box["height"] >= 44, pressed.inner_text()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390


def wait(pages_app: App, seconds: float) -> None:
    assert isinstance(pages_app.now, Clock)
    pages_app.now.wait(seconds)


def test_a_whole_digest_is_rated_on_one_page_by_keyboard(
    page: Page, pages_app: App, cast: Cast
) -> None:
    alice = cast(pages_app)["alice"]
    pipeline.compose(pages_app, only=alice)
    with pages_app.store.reading() as tx:
        (row,) = store.deliveries.list_messages(tx, subscriber_id=alice.id, state=None, limit=9)
    page.goto(path(pages_app, Purpose.RATE, alice, message_id=row["id"]))
    check_fit(page)
    for number, wish, said in ((1, "More like this", "more"), (2, "Less like this", "less")):
        wait(pages_app, 70)
        part = page.locator(f"#p{number}")
        part.get_by_role("button", name=wish).focus()
        page.keyboard.press("Enter")
        expect(part.get_by_role("status")).to_contain_text(f"Noted: {said} like this")
        assert page.url.endswith(f"#p{number}")
        expect(part).to_be_in_viewport()
        check_fit(page)
    part.get_by_role("button", name="Undo").click()
    expect(part.get_by_role("status")).to_contain_text("Taken back")
    link = Link(Purpose.RATE, alice.id, message_id=row["id"])
    rated = services.load_digest_papers(pages_app, link).items
    assert [listed.vote for listed in rated][:2] == [1, 0]
    page.get_by_role("link", name="How was this made?").click()
    heading(page, "How this was made")
    check_fit(page)


def test_a_thumb_is_given_taken_back_and_turned_round(
    page: Page, pages_app: App, cast: Cast
) -> None:
    alice = cast(pages_app)["alice"]
    page.goto(path(pages_app, Purpose.UP, alice, 1))
    heading(page, "More like this?")
    check_fit(page)
    page.get_by_role("button", name="More like this").click()
    heading(page, "Noted: more like this")
    check_fit(page)
    assert pipeline.current_vote(pages_app, alice.id, 1) == 1
    page.reload()
    page.get_by_role("button", name="Undo").click()
    heading(page, "Taken back")
    assert pipeline.current_vote(pages_app, alice.id, 1) == 0
    page.get_by_role("button", name="More like this").click()
    page.get_by_role("button", name="Less like this instead").click()
    heading(page, "Noted: less like this")
    assert pipeline.current_vote(pages_app, alice.id, 1) == -1
    page.get_by_role("button", name="Undo").click()
    assert pipeline.current_vote(pages_app, alice.id, 1) == 1


def test_leaving_and_coming_back(page: Page, pages_app: App, cast: Cast) -> None:
    alice = cast(pages_app)["alice"]
    page.goto(path(pages_app, Purpose.UNSUBSCRIBE, alice))
    check_fit(page)
    page.get_by_role("button", name="Unsubscribe").click()
    heading(page, "You have left")
    assert subscriptions.get(pages_app, alice.id).status is SubscriberStatus.LEFT
    page.get_by_role("button", name="Come back").click()
    heading(page, "Do you want to come back?")  # at the same moment, as a robot might
    check_fit(page)
    wait(pages_app, 5)
    page.get_by_role("button", name="Yes, I want to come back").click()
    heading(page, "Welcome back")
    assert subscriptions.get(pages_app, alice.id).status is SubscriberStatus.ACTIVE


def test_settings_are_refused_with_a_reason_then_saved(
    page: Page, pages_app: App, cast: Cast
) -> None:
    alice = cast(pages_app)["alice"]
    page.goto(path(pages_app, Purpose.MANAGE, alice))
    check_fit(page)
    page.get_by_label("Papers in a digest").fill("0")
    page.get_by_label("Keywords").fill("tactile sensing\n-survey")
    page.get_by_label("Time zone").fill("Berlin")
    page.get_by_label("Sunday").uncheck()
    page.get_by_label("Only the surest").check()
    page.get_by_label("Not before").select_option("18:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("2 answers need another look")
    expect(page.get_by_label("Papers in a digest")).to_have_accessible_description(
        "Write a whole number from 1 to 100."
    )
    expect(page.get_by_label("Keywords")).to_have_value("tactile sensing\n-survey")
    check_fit(page)
    assert subscriptions.get(pages_app, alice.id) == alice
    page.get_by_label("Papers in a digest").fill("5")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    saved = subscriptions.get(pages_app, alice.id)
    assert (saved.size, saved.timezone, saved.hour, saved.days, saved.strictness) == (
        5,
        "Europe/Berlin",
        18,
        (1, 2, 3, 4, 5, 6),
        "few",
    )
    assert saved.interests[0].keywords == ("tactile sensing", "-survey")


def test_a_pause_and_then_the_way_out(page: Page, pages_app: App, cast: Cast) -> None:
    alice = cast(pages_app)["alice"]
    page.goto(path(pages_app, Purpose.MANAGE, alice))
    page.get_by_role("button", name="Pause").click()
    assert subscriptions.get(pages_app, alice.id).status is SubscriberStatus.PAUSED
    page.get_by_role("button", name="Resume").click()
    assert subscriptions.get(pages_app, alice.id).status is SubscriberStatus.ACTIVE
    page.get_by_role("link", name="Unsubscribe").click()
    heading(page, "Stop the digest?")


def test_subscribing_and_confirming(page: Page, pages_app: App) -> None:
    page.goto("/")
    check_fit(page)
    # on a phone the home page shows papers first, and asks for no address
    expect(page.get_by_label("Your e-mail address")).to_be_hidden()
    page.get_by_role("link", name="Subscribe", exact=True).click()
    check_fit(page)
    page.get_by_label("Your e-mail address").fill("dave@")
    page.wait_for_timeout(2100)
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("alert")).to_contain_text("Something is missing, such as @example.org.")
    page.get_by_label("Your e-mail address").fill("dave@example.org")
    page.wait_for_timeout(2100)
    page.get_by_role("button", name="Subscribe").click()
    heading(page, "Check your mail")
    dave = subscriptions.find(pages_app, "dave@example.org")
    page.goto(path(pages_app, Purpose.CONFIRM, dave))
    page.get_by_role("button", name="Yes, subscribe me").click()
    heading(page, "You are subscribed")
    assert subscriptions.get(pages_app, dave.id).status is SubscriberStatus.ACTIVE


def test_a_visitor_looks_round_tries_it_and_subscribes(page: Page, pages_app: App) -> None:
    page.goto("/")
    check_fit(page)
    first = page.locator("article").first.bounding_box()
    assert first is not None
    assert first["y"] < 700
    page.get_by_role("link", name="Newest").click()
    page.locator("article h2 a").first.click()
    check_fit(page)
    expect(page.get_by_role("link", name="BibTeX")).to_be_visible()
    page.get_by_role("link", name="Search", exact=True).click()
    page.get_by_label("Words, a phrase").fill("robot arm")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2).first).to_contain_text("paper")
    check_fit(page)
    page.get_by_role("button", name="Get new papers like these by mail").click()
    expect(page.get_by_label("Keywords")).to_have_value("robot arm")
    page.get_by_role("button", name="Show me what I would get today").click()
    heading(page, "What you would get today")
    check_fit(page)
    expect(page.get_by_label("Keywords")).to_have_value("robot arm")
    page.get_by_label("Your e-mail address").fill("dave@example.org")
    page.wait_for_timeout(2100)
    page.get_by_role("button", name="Subscribe").click()
    heading(page, "Check your mail")
    dave = subscriptions.find(pages_app, "dave@example.org")
    assert dave.interests[0].keywords == ("robot arm",)


def test_every_page_can_be_used_with_the_keyboard(page: Page, pages_app: App, cast: Cast) -> None:
    alice = cast(pages_app)["alice"]
    page.goto(path(pages_app, Purpose.DOWN, alice, 2))
    button = page.get_by_role("button", name="Less like this")
    for _ in range(9):
        page.keyboard.press("Tab")
        if button.evaluate("element => element === document.activeElement"):
            break
    expect(button).to_be_focused()
    assert button.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    heading(page, "Noted: less like this")
    assert pipeline.current_vote(pages_app, alice.id, 2) == -1


def test_a_second_interest_is_added_and_removed(page: Page, pages_app: App, cast: Cast) -> None:
    alice = cast(pages_app)["alice"]
    page.goto(path(pages_app, Purpose.MANAGE, alice))
    page.get_by_role("button", name="Add another interest").click()
    check_fit(page)
    second = page.get_by_role("group", name="One more interest")
    second.get_by_label("Name").fill("Courts")
    second.get_by_label("Share").fill("3")
    second.get_by_label("Keywords").fill("statute")
    second.get_by_label("Keywords").press("Tab")
    second.get_by_label("Name").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    check_fit(page)
    assert [
        (interest.name, interest.share)
        for interest in subscriptions.get(pages_app, alice.id).interests
    ] == [
        ("main", 1),
        ("Courts", 3),
    ]
    page.get_by_role("group", name="Courts").get_by_label("Remove this interest").check()
    page.get_by_role("button", name="Save", exact=True).click()
    assert [interest.name for interest in subscriptions.get(pages_app, alice.id).interests] == [
        "main"
    ]


def test_the_learned_profile_is_shown_and_forgotten(page: Page, pages_app: App, cast: Cast) -> None:
    alice = cast(pages_app)["alice"]
    for number, vote in ((1, 1), (2, -1), (3, 1)):
        services.rate(pages_app, alice, f"paper:{number}", vote)  # type: ignore[arg-type]
    page.goto(path(pages_app, Purpose.MANAGE, alice))
    page.get_by_role("link", name="What has been learned").click()
    heading(page, "What has been learned")
    check_fit(page)
    page.get_by_role("button", name="Forget").first.click()
    expect(page.get_by_role("status")).to_contain_text("Forgotten.")
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_role("alert")).to_contain_text("Forget all 2 thumbs?")
    check_fit(page)
    keep, forget = (
        page.get_by_role("link", name="Keep them"),
        page.get_by_role("button", name="Forget all thumbs"),
    )
    colours = [button.evaluate("it => getComputedStyle(it).color") for button in (keep, forget)]
    assert colours[0] == colours[1], "the harmless way must not look like the dangerous one"
    keep.click()
    page.get_by_role("button", name="Start over").click()
    wait(pages_app, 5)
    forget.click()
    expect(page.get_by_role("status")).to_contain_text("All your thumbs are forgotten.")
    assert all(pipeline.current_vote(pages_app, alice.id, number) == 0 for number in (1, 2, 3))


def test_a_reader_deletes_everything_by_typing_their_address(
    page: Page, pages_app: App, cast: Cast
) -> None:
    alice = cast(pages_app)["alice"]
    page.goto(path(pages_app, Purpose.MANAGE, alice))
    page.get_by_role("link", name="delete everything").click()
    heading(page, "Delete everything?")
    check_fit(page)
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was deleted.")
    check_fit(page)
    page.get_by_label("Your address, typed out").fill(alice.email)
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing is stored about you any more")
    check_fit(page)
    assert alice.email not in [reader.email for reader in subscriptions.list_subscribers(pages_app)]


def test_a_search_is_subscribed_to_in_one_step(page: Page, pages_app: App) -> None:
    page.goto("/search?q=robot+arm&category=cs.RO")
    check_fit(page)
    page.get_by_role("link", name="Nearest in meaning").click()
    heading(page, "Search")
    expect(page.get_by_label("Words, a phrase")).to_have_value("robot arm")
    page.get_by_role("button", name="Get new papers like these by mail").click()
    expect(page.get_by_label("Keywords")).to_have_value("robot arm")
    expect(page.get_by_label("Category 1")).to_have_value("cs.RO")
    page.get_by_label("Your e-mail address").fill("eve@example.org")
    wait(pages_app, 3)
    page.get_by_role("button", name="Subscribe").click()
    heading(page, "Check your mail")
    eve = subscriptions.find(pages_app, "eve@example.org")
    assert eve.interests[0].keywords == ("robot arm",)
    assert eve.interests[0].categories == ("cs.RO",)
