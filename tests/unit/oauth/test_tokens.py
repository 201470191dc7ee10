"""Access tokens: renewed by need, shared between processes, and clear errors when they end."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from digest.errors import OAuthError
from digest.mail.oauth import (
    AccessTokens,
    Account,
    read_login,
)
from digest.mail.oauth.logins import Login
from digest.redaction import redact
from tests.fakes.token_server import CLIENT_ID, TokenServer
from tests.unit.oauth.conftest import log_in, make_account


def change_login(account: Account, **fields: object) -> None:
    login = msgspec.json.decode(account.path.read_bytes(), type=Login)
    account.path.write_bytes(msgspec.json.encode(msgspec.structs.replace(login, **fields)))


# ---------------------------------------------------------------------------------------- renewing


def test_a_valid_token_is_used_without_a_request(server: TokenServer, account: Account) -> None:
    tokens = AccessTokens(account)
    assert server.is_valid(tokens())
    assert tokens() == AccessTokens(account)()
    assert server.count("refresh_token") == 0


def test_a_token_is_renewed_before_it_ends(server: TokenServer, account: Account) -> None:
    first = AccessTokens(account)()
    change_login(account, expires_at=time.time() + 60)
    second = AccessTokens(account)()
    assert second != first
    assert server.is_valid(second)
    assert server.count("refresh_token") == 1


def test_a_rejected_token_is_renewed_once_it_is_not_fresh(
    server: TokenServer, account: Account
) -> None:
    tokens = AccessTokens(account)
    token = tokens()
    # A mail server that rejects a token of this very minute rejects the next one too.
    assert tokens(token) == token
    change_login(account, issued_at=time.time() - 600)
    renewed = tokens(token)
    assert renewed != token
    # Others still try the old one, and take what the first renewed.
    assert tokens(token) == renewed
    assert server.count("refresh_token") == 1


def test_a_clock_that_was_set_back_does_not_make_a_token_live_longer(
    server: TokenServer, account: Account
) -> None:
    hour_ahead = time.time() + 3600
    change_login(account, issued_at=hour_ahead, expires_at=hour_ahead + 3600)
    AccessTokens(account)()
    assert server.count("refresh_token") == 1


def test_a_rotated_refresh_token_is_kept(tmp_path: Path) -> None:
    with TokenServer(rotate=True) as server:
        account = make_account(server, tmp_path)
        log_in(account)
        for _ in range(5):
            change_login(account, expires_at=0.0)
            assert server.is_valid(AccessTokens(account)())
        assert {read_login(account).refresh_token} == server.refresh_tokens


def _renew_often(account: Account, count: int) -> None:
    tokens = AccessTokens(account)
    for _ in range(count):
        tokens(tokens())


def test_processes_and_threads_share_one_renewal(tmp_path: Path) -> None:
    """With rotation, a second renewal with the same refresh token would be refused."""
    with TokenServer(rotate=True) as server:
        server.delay = 0.05
        account = make_account(server, tmp_path)
        log_in(account)
        change_login(account, expires_at=0.0)
        context = multiprocessing.get_context("spawn")
        processes = [context.Process(target=_renew_often, args=(account, 3)) for _ in range(2)]
        for process in processes:
            process.start()
        with ThreadPoolExecutor(8) as pool:
            given = set(pool.map(lambda _: AccessTokens(account)(), range(8)))
        for process in processes:
            process.join(60)
        assert [process.exitcode for process in processes] == [0, 0]
        assert len(given) == 1
        assert server.count("refresh_token") == 1


def test_a_process_killed_while_it_renews_leaves_the_login_and_no_lock(tmp_path: Path) -> None:
    with TokenServer() as server:
        account = make_account(server, tmp_path)
        log_in(account)
        change_login(account, expires_at=0.0)
        server.delay = 30.0
        process = multiprocessing.get_context("fork").Process(
            target=AccessTokens(account), args=("",)
        )
        process.start()
        assert process.pid is not None
        deadline = time.monotonic() + 20
        while not _has_child_request(account) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.join(20)
        server.delay = 0.0
        assert server.is_valid(AccessTokens(account)())
        assert [path.name for path in account.path.parent.iterdir()] == [account.path.name]


def _has_child_request(account: Account) -> bool:
    """Return whether another process holds the lock."""
    import fcntl

    handle = os.open(account.path.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


# ------------------------------------------------------------------------------------------ errors


def test_an_outage_of_the_token_server_does_not_stop_a_token_that_still_lives(
    server: TokenServer, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    token = AccessTokens(account)()
    change_login(account, expires_at=time.time() + 60)
    server.outages = [503]
    with caplog.at_level(logging.WARNING):
        assert AccessTokens(account)() == token
    assert "answered with status 503" in caplog.text


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_outage_is_reported_as_one(server: TokenServer, account: Account, status: int) -> None:
    change_login(account, expires_at=0.0)
    server.outages = [status]
    with pytest.raises(OAuthError, match="asked again at the next connection"):
        AccessTokens(account)()
    assert AccessTokens(account)()  # and the next one succeeds


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>log in to this network"),
        (200, b"[]"),
        (200, b'{"access_token": 5}'),
        (200, b'{"access_token": ""}'),
        # a line break would end the command and begin another one
        (200, b'{"access_token": "a\\r\\nMAIL FROM:<x@example.org>", "expires_in": 3600}'),
        (200, b'{"access_token": "' + b"a" * 300_000 + b'"}'),
        (302, b""),
        (404, b"{}"),
        (400, b"\xff\xfe"),
    ],
)
def test_an_answer_that_is_none_is_an_outage_and_changes_nothing(
    server: TokenServer, account: Account, status: int, body: bytes
) -> None:
    change_login(account, expires_at=0.0)
    before = account.path.read_bytes()
    server.raw = [(status, body)]
    with pytest.raises(OAuthError, match="asked again at the next connection"):
        AccessTokens(account)()
    assert account.path.read_bytes() == before
    assert "/elsewhere" not in [path for path, _ in server.requests]
    assert server.is_valid(AccessTokens(account)())


@pytest.mark.parametrize("lifetime", [b"null", b'"soon"', b"-5", b"1e999", b"NaN"])
def test_a_strange_lifetime_is_taken_for_a_short_one(
    server: TokenServer, account: Account, lifetime: bytes
) -> None:
    change_login(account, expires_at=0.0)
    server.raw = [(200, b'{"access_token": "abc", "expires_in": ' + lifetime + b"}")]
    if lifetime in (b"1e999", b"NaN"):  # no JSON
        with pytest.raises(OAuthError, match="asked again"):
            AccessTokens(account)()
        return
    assert AccessTokens(account)() == "abc"
    assert 0 < read_login(account).expires_at - time.time() <= 300


def test_a_token_server_that_is_gone_is_named(tmp_path: Path) -> None:
    with TokenServer() as server:
        account = make_account(server, tmp_path)
        log_in(account)
        change_login(account, expires_at=0.0)
    host = server.url("").removeprefix("http://")
    with pytest.raises(OAuthError, match=f"{host} cannot be reached"):
        AccessTokens(account)()


def test_a_revoked_login_names_the_remedy(server: TokenServer, account: Account) -> None:
    server.revoke()
    change_login(account, expires_at=0.0)
    with pytest.raises(OAuthError, match=r"revoked or has expired.*Run `digest login` again"):
        AccessTokens(account)()
    log_in(account)
    assert server.is_valid(AccessTokens(account)())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "is not logged in yet. Run `digest login`"),
        (lambda path: path.write_bytes(b'{"refresh_token": '), "is no login of"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "is no login of"),
    ],
)
def test_a_missing_or_broken_login_names_the_remedy(
    account: Account, damage: object, message: str
) -> None:
    damage(account.path)  # type: ignore[operator]
    with pytest.raises(OAuthError, match=message):
        AccessTokens(account)()


def test_a_login_of_another_app_or_with_fewer_permissions_is_refused(account: Account) -> None:
    change_login(account, client_id="another")
    with pytest.raises(OAuthError, match="by another app"):
        read_login(account)
    change_login(account, client_id=CLIENT_ID, scopes=("mail",))
    with pytest.raises(OAuthError, match="lacks a permission: offline"):
        read_login(account)


def test_a_wrong_app_is_named_as_such(server: TokenServer, account: Account) -> None:
    server.client_secret = "changed"
    change_login(account, expires_at=0.0)
    with pytest.raises(OAuthError, match="client_id and client_secret"):
        AccessTokens(account)()


def test_a_full_disk_does_not_stop_the_mails(
    server: TokenServer,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    change_login(account, expires_at=0.0)

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", fail)
    assert server.is_valid(AccessTokens(account)())
    assert f"token not stored path={account.path}: " in caplog.text
    assert "No space left on device" in caplog.text
    assert [path.name for path in account.path.parent.iterdir()] == [account.path.name]


# ----------------------------------------------------------------------------------------- secrets


def test_only_the_owner_can_read_a_login_and_no_log_shows_it(
    server: TokenServer, account: Account
) -> None:
    assert stat.S_IMODE(account.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(account.path.parent.stat().st_mode) == 0o700
    login = read_login(account)
    for secret in (login.refresh_token, login.access_token):
        assert secret not in redact(f"the server said: {secret}")
    change_login(account, expires_at=0.0)
    token = AccessTokens(account)()
    assert token not in redact(token)
    assert stat.S_IMODE(account.path.stat().st_mode) == 0o600
