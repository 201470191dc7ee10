"""Logging in: the device flow, and the page that sends the browser back."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from digest.errors import OAuthError
from digest.mail.oauth import (
    AccessTokens,
    BrowserFlow,
    read_login,
    request_device_code,
    store_grant,
    wait_for_consent,
)
from tests.fakes.token_server import TokenServer
from tests.unit.oauth.conftest import log_in, make_account


def test_the_device_flow_waits_for_consent_and_slows_down(
    server: TokenServer, tmp_path: Path
) -> None:
    server.consent, server.interval = "pending", 3
    account = make_account(server, tmp_path)
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            server.outages = [503]  # as RFC 8628 asks, the next question comes later
        if len(waits) == 3:
            server.consent = "granted"

    store_grant(account, wait_for_consent(account, request_device_code(account), sleep))
    assert waits == [3.0, 3.0, 8.0]
    assert read_login(account).scopes == ("mail", "offline")


def test_a_declined_or_expired_device_code_stores_nothing(
    server: TokenServer, tmp_path: Path
) -> None:
    account = make_account(server, tmp_path)
    server.consent = "denied"
    with pytest.raises(OAuthError, match="declined"):
        log_in(account)
    code = request_device_code(account)
    server._codes.clear()
    with pytest.raises(OAuthError, match="code has expired"):
        wait_for_consent(account, code, lambda _: None)
    assert not account.path.exists()


def test_the_browser_flow_takes_the_code_of_its_own_page_alone(
    server: TokenServer, tmp_path: Path
) -> None:
    account = make_account(server, tmp_path)
    with BrowserFlow(account) as flow:
        back = server.agree_in_browser(flow.url)
        stranger = f"{flow.redirect_url}?code=abc&state=forged"
        assert httpx.get(stranger, trust_env=False).status_code == 404
        assert not flow.wait(0.05)
        answer = httpx.get(back, trust_env=False)
        assert (answer.status_code, flow.wait(5)) == (200, True)
        store_grant(account, flow.finish())
    assert server.is_valid(AccessTokens(account)())


def test_the_address_can_be_pasted_when_the_browser_is_elsewhere(
    server: TokenServer, tmp_path: Path
) -> None:
    account = make_account(server, tmp_path)
    with BrowserFlow(account) as flow:
        back = server.agree_in_browser(flow.url)
        with pytest.raises(ValueError, match="not the address of this login"):
            flow.finish("http://localhost/?code=abc")
        store_grant(account, flow.finish(f"  {back}\n"))
    assert server.is_valid(AccessTokens(account)())


def test_a_declined_page_says_so(server: TokenServer, tmp_path: Path) -> None:
    server.consent = "denied"
    with BrowserFlow(make_account(server, tmp_path)) as flow:
        back = server.agree_in_browser(flow.url)
        with pytest.raises(OAuthError, match="declined"):
            flow.finish(back)
