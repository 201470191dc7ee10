"""The way to the operator's pages: links that work once, sessions, cookies, forged forms."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from sqlalchemy import select

from digest import services
from digest.app import App
from digest.errors import LinkError
from digest.services.operator_login import IDLE_LIFETIME, LINK_LIFETIME, SESSION_LIFETIME
from digest.store import tables
from digest.web.operator.access import AttemptLimiter
from tests.conftest import make_app
from tests.operator_client import OperatorClient
from tests.webclient import Clock

#: every page; those of one row have an id that is not stored
PAGES = (
    *("", "/sessions", "/deliveries", "/deliveries/7", "/bounces", "/suppressed", "/dumps"),
    *("/dumps/7", "/readers", "/readers/7", "/thumbs", "/report", "/nothing", "/a/b/c"),
)
GONE = "These pages are the operator’s"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def browser(app: App, clock: Clock) -> OperatorClient:
    return OperatorClient(replace(app, now=clock))


@pytest.fixture
def operator(browser: OperatorClient) -> OperatorClient:
    browser.log_in()
    return browser


# ------------------------------------------------------------------------------------ the link


def test_opening_the_link_shows_a_button_and_does_not_use_it_up(browser: OperatorClient) -> None:
    link = browser.link()
    for method in ("GET", "HEAD", "GET"):
        answer = browser.request(method, link)
        assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert browser.post(link).status_code == 303
    assert browser.get("/operator").status_code == 200


def test_a_link_works_once(browser: OperatorClient) -> None:
    link = browser.link()
    browser.post(link)
    other = OperatorClient(browser.app)
    answer = other.post(link)
    assert (answer.status_code, other.cookie) == (403, "")
    assert "does not work any more" in answer.text
    services.end_all_operator_sessions(browser.app)
    assert other.post(link).status_code == 403


def test_a_link_works_once_on_every_database(any_app: App) -> None:
    url = services.make_operator_link(any_app)
    secret = url.rpartition("/")[2]
    begun = services.log_in(any_app, secret, browser="Firefox")
    for wrong in (secret, secret.upper(), begun.secret, "", "a" * 55):
        with pytest.raises(LinkError):
            services.log_in(any_app, wrong)
    found = services.find_operator_session(any_app, begun.secret)
    assert found is not None
    assert [session.browser for session in services.list_operator_sessions(any_app)] == ["Firefox"]
    assert services.find_operator_session(any_app, secret) is None
    services.end_operator_session(any_app, found.id)
    assert services.find_operator_session(any_app, begun.secret) is None


def test_a_link_expires(browser: OperatorClient, clock: Clock) -> None:
    early, late = browser.link(), browser.link()
    clock.wait(LINK_LIFETIME.total_seconds() - 1)
    assert browser.post(early).status_code == 303
    clock.wait(1)
    assert browser.post(late).status_code == 403


@pytest.mark.parametrize(
    "secret", ["", "a", "A" * 55, "a" * 54, "a" * 56, "1" * 55, "a" * 54 + "%00", "<script>" * 7]
)
def test_what_is_no_link_shows_no_button(browser: OperatorClient, secret: str) -> None:
    answer = browser.get(f"/operator/login/{secret}")
    assert answer.status_code == 403
    assert "<button" not in answer.text


def test_only_hashes_are_stored(operator: OperatorClient) -> None:
    unused = operator.link()
    with operator.app.store.reading() as tx:
        stored = repr(tx.execute(select(tables.operator_sessions)).all())
    assert len(stored) > 100
    for secret in (operator.cookie.partition("=")[2], unused.rpartition("/")[2]):
        assert secret not in stored


def test_wrong_links_are_limited_for_each_client(browser: OperatorClient, clock: Clock) -> None:
    wrong = f"/operator/login/{'b' * 55}"
    statuses = [browser.post(wrong).status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]
    answer = browser.post(browser.link())
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 600
    clock.wait(600)
    assert browser.post(browser.link()).status_code == 303


def test_the_limiter_forgets_who_failed_longest_ago() -> None:
    limiter = AttemptLimiter(Clock(), most=1, clients=3)
    for client in "abcd":
        limiter.record(client)
    limiter.check("a")
    for client in "bcd":
        with pytest.raises(Exception, match="too many"):
            limiter.check(client)


def test_secrets_stay_out_of_the_log(
    browser: OperatorClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    link = browser.link()
    browser.post(link)
    cookie = browser.cookie.partition("=")[2]
    browser.post(link)
    browser.act("/operator/sessions", {"session": "all"})
    assert "act=login session=1" in caplog.text
    ours = "".join(each.getMessage() for each in caplog.records if each.name != "httpx")
    assert link.rpartition("/")[2] not in ours
    assert cookie not in ours


# ----------------------------------------------------------------------------------- the session


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_without_a_session_every_page_answers_alike(browser: OperatorClient, method: str) -> None:
    answers = {
        (answer.status_code, answer.text)
        for cookie in ("", "digest-operator=" + "a" * 55, 'digest-operator="\\"', "x=y")
        for page in (PAGES[1:] if method == "POST" else PAGES)
        for sent in [{"cookie": cookie} if cookie else {}]
        for answer in [browser.request(method, f"/operator{page}", headers=sent)]
    }
    assert len(answers) == 1
    ((status, text),) = answers
    assert status == 403
    assert method == "HEAD" or GONE in text


def test_a_session_ends_an_hour_after_the_last_request(
    operator: OperatorClient, clock: Clock
) -> None:
    for _ in range(3):
        clock.wait(IDLE_LIFETIME.total_seconds() - 60)
        assert operator.get("/operator").status_code == 200
    clock.wait(IDLE_LIFETIME.total_seconds())
    assert operator.get("/operator").status_code == 403
    assert services.list_operator_sessions(operator.app) == []


def test_a_session_ends_after_twelve_hours_in_any_case(
    operator: OperatorClient, clock: Clock
) -> None:
    for _ in range(23):
        clock.wait(1800)
        assert operator.get("/operator").status_code == 200
    clock.wait(1800)
    assert clock.at - Clock().at == SESSION_LIFETIME
    assert operator.get("/operator").status_code == 403


def test_log_out_ends_the_session_and_deletes_the_cookie(operator: OperatorClient) -> None:
    kept = operator.cookie
    answer = operator.act("/operator/logout")
    assert "You are logged out" in answer.text
    assert operator.cookie == ""
    assert operator.get("/operator").status_code == 403
    assert operator.request("GET", "/operator", headers={"cookie": kept}).status_code == 403


def test_sessions_are_listed_and_ended(operator: OperatorClient) -> None:
    other = OperatorClient(operator.app)
    other.request("POST", other.link(), headers={"user-agent": "<b>Mosaic</b>"})
    page = operator.get("/operator/sessions").text
    assert "&lt;b&gt;Mosaic&lt;/b&gt;" in page
    assert "Session 1, this one" in page
    assert operator.act("/operator/sessions", {"session": "2"}).status_code == 303
    assert other.get("/operator").status_code == 403
    assert operator.act("/operator/sessions", {"session": "2"}).status_code == 303
    unused = other.link()
    question = operator.act("/operator/sessions", {"session": "all"}, sure=False)
    assert "End all sessions?" in question.text
    assert operator.get("/operator").status_code == 200
    operator.act("/operator/sessions", {"session": "all"})
    assert operator.get("/operator").status_code == 403
    assert other.post(unused).status_code == 403


def test_a_login_gives_a_new_secret_and_ends_the_session_before(browser: OperatorClient) -> None:
    planted = "digest-operator=" + "c" * 55
    browser.cookie = planted
    browser.log_in()
    first = browser.cookie
    assert first != planted
    browser.log_in()
    assert browser.cookie not in (first, planted)
    for old in (first, planted):
        assert browser.request("GET", "/operator", headers={"cookie": old}).status_code == 403
    assert len(services.list_operator_sessions(browser.app)) == 1


def test_a_link_that_fails_does_not_end_the_session(operator: OperatorClient) -> None:
    assert operator.post(f"/operator/login/{'b' * 55}").status_code == 403
    assert operator.get("/operator").status_code == 200


# ------------------------------------------------------------------------------------ the cookie


@pytest.mark.parametrize(
    ("base_url", "name", "path", "secure"),
    [
        ("http://127.0.0.1:8080", "digest-operator", "/operator", False),
        ("https://papers.example.org", "__Secure-digest-operator", "/operator", True),
        ("https://example.org/digest", "__Secure-digest-operator", "/digest/operator", True),
    ],
)
def test_the_cookie_is_as_narrow_as_can_be(
    tmp_path: Path, base_url: str, name: str, path: str, secure: bool
) -> None:
    app = make_app(tmp_path, web__base_url=base_url)
    browser = OperatorClient(app)
    for answer in (browser.log_in(), browser.act("/operator/logout")):
        ((given, cookie),) = SimpleCookie(answer.headers["set-cookie"]).items()
        assert given == name
        assert cookie["path"] == path
        assert bool(cookie["secure"]) is secure
        assert cookie["httponly"]
        assert cookie["samesite"] == "strict"
        assert cookie["domain"] == ""
    app.close()


def test_all_works_below_a_path(tmp_path: Path) -> None:
    app = make_app(tmp_path, web__base_url="https://example.org/digest")
    browser = OperatorClient(app)
    assert browser.log_in().headers["location"] == "/digest/operator"
    for prefix in ("", "/digest"):  # a proxy removes it or not
        page = browser.get(f"{prefix}/operator")
        assert page.status_code == 200
        links = re.findall(r'(?:href|action)="(/[^"]*)"', page.text)
        assert len(links) > 10
        assert [link for link in links if not link.startswith("/digest/")] == []
    app.close()


def test_no_answer_is_kept_or_indexed(operator: OperatorClient) -> None:
    for path in ("/operator", "/operator/readers", operator.link(), "/operator/x"):
        for client in (operator, OperatorClient(operator.app)):
            headers = client.get(path).headers
            assert headers["cache-control"] == "no-store"
            assert "noindex" in headers["x-robots-tag"]
            assert headers["referrer-policy"] == "no-referrer"
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy


# ---------------------------------------------------------------------------------- forged forms


#: every form that changes something
FORMS = (
    ("/operator/logout", {}),
    ("/operator/sessions", {"session": "all"}),
    ("/operator/sessions", {"session": "1"}),
    ("/operator/deliveries/1", {"state": "accepted"}),
    ("/operator/suppressed", {"address": "a@example.org"}),
    ("/operator/readers/1", {"do": "forget"}),
    ("/operator/report", {}),
    ("/operator/moderation", {"submission": "1", "do": "accept"}),
    ("/operator/moderation/picks", {"paper": "1", "reader": "1"}),
    ("/operator/moderation/votes", {"reader": "1"}),
)


def test_a_form_without_the_token_of_its_session_changes_nothing(
    operator: OperatorClient,
) -> None:
    other = OperatorClient(operator.app)
    other.log_in()
    own = operator.csrf()
    for token in ("", "x", own[:-1], own.upper(), other.csrf(), "é" * 64):
        for path, fields in FORMS:
            answer = operator.post(path, data={"csrf": token, "sure": "yes", **fields})
            assert answer.status_code == 403, path
            assert "did not come from its page" in answer.text
    assert len(services.list_operator_sessions(operator.app)) == 2


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),
        ({"origin": "null"}, True),
        ({"origin": "http://127.0.0.1:8080"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8080"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "https://127.0.0.1:8080"}, False),
        ({"origin": "http://127.0.0.1:8080.evil.example"}, False),
    ],
)
def test_a_form_of_another_site_is_refused_whatever_it_knows(
    tmp_path: Path, headers: dict[str, str], passes: bool
) -> None:
    app = make_app(tmp_path, web__base_url="http://127.0.0.1:8080")
    browser = OperatorClient(app)
    link = browser.link()
    assert browser.request("POST", link, headers=headers).status_code == (303 if passes else 403)
    if not passes:
        assert browser.post(link).status_code == 303  # it was not used up
    sent = {"csrf": browser.csrf(), "session": "99"}
    answer = browser.request("POST", "/operator/sessions", headers=headers, data=sent)
    assert answer.status_code == (303 if passes else 403)
    app.close()
