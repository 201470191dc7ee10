"""A token server, and an account that is logged in at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.mail.oauth import (
    Account,
    Client,
    request_device_code,
    store_grant,
    wait_for_consent,
)
from tests.fakes.token_server import CLIENT_ID, TokenServer


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with TokenServer() as listening:
        yield listening


def make_account(server: TokenServer, folder: Path) -> Account:
    return Account(
        username="jane@example.org",
        client=Client(
            client_id=CLIENT_ID,
            token_url=server.url("/token"),
            device_url=server.url("/device"),
            authorize_url=server.url("/authorize"),
        ),
        scopes=("mail", "offline"),
        path=folder / "tokens" / "jane@example.org.json",
    )


def log_in(account: Account) -> None:
    store_grant(account, wait_for_consent(account, request_device_code(account), lambda _: None))


@pytest.fixture
def account(server: TokenServer, tmp_path: Path) -> Account:
    """An account that is logged in."""
    made = make_account(server, tmp_path)
    log_in(made)
    return made
