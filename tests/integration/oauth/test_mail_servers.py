"""Access tokens at real mail servers: aiosmtpd and Dovecot, which ask who gave the token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from digest import config as settings
from digest import doctor, mail_accounts, mail_setup
from digest.config import Config
from digest.errors import MailboxError, MailerError
from digest.mail.imap import Mailbox
from digest.mail.mailer import RateLimiters, SmtpMailer
from digest.mail.oauth import request_device_code, store_grant, wait_for_consent
from digest.mail.oauth.logins import Login
from tests.conftest import skip_or_fail
from tests.fakes.bearer_smtp import BearerSmtp
from tests.fakes.dovecot import Dovecot, program
from tests.fakes.token_server import TokenServer
from tests.integration.mailer.conftest import message, yes

JANE = "jane@example.org"


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    with TokenServer() as listening:
        yield listening


def write_config(folder: Path, tokens: TokenServer, *, smtp: int = 0, imap: int = 0) -> Config:
    text = tokens.settings + f'[mail]\nsender = "{JANE}"\n'
    login = f'host = "127.0.0.1"\nusername = "{JANE}"\nauth = "oauth2"\n'
    if smtp:
        text += f'[smtp]\ntls = "none"\nport = {smtp}\n{login}'
    if imap:
        text += f'[mailbox]\nport = {imap}\n{login}ca_file = "ca.pem"\n'
    path = folder / "config.toml"
    path.write_text(text)
    return settings.load(path, {})


def log_in(config: Config) -> None:
    (account,) = mail_accounts.list_accounts(config)
    code = request_device_code(account)
    store_grant(account, wait_for_consent(account, code, lambda _: None))


def age_login(config: Config, seconds: float) -> None:
    """Make the stored access token that much older."""
    (account,) = mail_accounts.list_accounts(config)
    login = msgspec.json.decode(account.path.read_bytes(), type=Login)
    changed = msgspec.structs.replace(login, issued_at=time.time() - seconds)
    account.path.write_bytes(msgspec.json.encode(changed))


def send(config: Config, count: int = 1) -> list[str]:
    """Send mails; return their outcomes."""

    async def deliver() -> list[str]:
        mailer = SmtpMailer(mail_setup.smtp_servers(config, "here"), RateLimiters())
        await mailer.open()
        try:
            deliveries = await asyncio.gather(
                *(mailer.deliver(message(), yes) for _ in range(count))
            )
        finally:
            await mailer.close()
        return [delivery.outcome for delivery in deliveries]

    return asyncio.run(deliver())


# -------------------------------------------------------------------------------------------- SMTP


@pytest.mark.parametrize("mechanisms", [("XOAUTH2",), ("OAUTHBEARER",), ("OAUTHBEARER", "XOAUTH2")])
def test_mails_are_sent_with_a_token(
    tmp_path: Path, tokens: TokenServer, mechanisms: tuple[str, ...]
) -> None:
    with BearerSmtp(tokens.is_valid, *mechanisms) as server:
        config = write_config(tmp_path, tokens, smtp=server.port)
        log_in(config)
        assert send(config, 20) == ["accepted"] * 20
        assert len(server.recipients) == 20
        assert {user for _, user, _ in server.attempts} == {JANE}
        assert {mechanism for mechanism, _, _ in server.attempts} == {mechanisms[-1]}
    assert tokens.count("refresh_token") == 0


def test_a_token_that_ended_early_is_renewed_and_the_mail_is_sent(
    tmp_path: Path, tokens: TokenServer
) -> None:
    with BearerSmtp(tokens.is_valid, "XOAUTH2") as server:
        config = write_config(tmp_path, tokens, smtp=server.port)
        log_in(config)
        tokens.expire()
        age_login(config, 600)
        assert send(config, 5) == ["accepted"] * 5
    assert tokens.count("refresh_token") == 1


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_refused_login_is_not_asked_for_again_and_again(
    tmp_path: Path, tokens: TokenServer, mechanism: str
) -> None:
    with BearerSmtp(lambda _: False, mechanism) as server:
        config = write_config(tmp_path, tokens, smtp=server.port)
        log_in(config)
        age_login(config, 600)
        for _ in range(3):
            with pytest.raises(MailerError, match="Username and token not accepted"):
                send(config)
    assert tokens.count("refresh_token") == 1


def test_a_revoked_login_stops_the_send_with_the_remedy(
    tmp_path: Path, tokens: TokenServer
) -> None:
    with BearerSmtp(tokens.is_valid) as server:
        config = write_config(tmp_path, tokens, smtp=server.port)
        log_in(config)
        tokens.revoke()
        age_login(config, 600)
        with pytest.raises(MailerError, match=r"was revoked or has expired.*`digest login`"):
            send(config)
        assert server.recipients == []


def test_a_server_without_such_a_login_is_named(tmp_path: Path, tokens: TokenServer) -> None:
    with BearerSmtp(tokens.is_valid, "XOAUTH2") as server:
        server._controller.SMTP_kwargs["auth_exclude_mechanism"] = ("XOAUTH2",)
        config = write_config(tmp_path, tokens, smtp=server.port)
        log_in(config)
        with pytest.raises(MailerError, match="offers no login by access token"):
            send(config)


# -------------------------------------------------------------------------------------------- IMAP


@pytest.fixture(params=["xoauth2", "oauthbearer"])
def dovecot(tokens: TokenServer, request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    if program() is None:
        skip_or_fail("no Dovecot is installed (Debian: dovecot-imapd)")
    with Dovecot(
        JANE, introspection_url=tokens.url("/introspect"), mechanisms=request.param
    ) as server:
        yield server


def read_mailbox(config: Config) -> list[int]:
    server = mail_setup.imap_server(config)
    assert server is not None
    with Mailbox(server) as opened:
        return opened.find_uids(0, unread=True, limit=10)


def test_dovecot_lets_in_by_a_token_and_no_further_than_it_lives(
    tmp_path: Path, tokens: TokenServer, dovecot: Dovecot
) -> None:
    (tmp_path / "ca.pem").write_bytes(dovecot.certificate.read_bytes())
    config = write_config(tmp_path, tokens, imap=dovecot.tls)
    log_in(config)
    assert read_mailbox(config) == []
    assert ("/introspect") in {path for path, _ in tokens.requests}
    # it ended early, and is renewed within the same connection
    tokens.expire()
    age_login(config, 600)
    assert read_mailbox(config) == []
    assert tokens.count("refresh_token") == 1
    tokens.revoke()
    age_login(config, 600)
    with pytest.raises(MailboxError, match=r"was revoked or has expired.*`digest login`"):
        read_mailbox(config)


def test_a_source_reads_its_mailbox_with_the_login_of_the_bounces(
    tmp_path: Path, tokens: TokenServer, dovecot: Dovecot
) -> None:
    (tmp_path / "ca.pem").write_bytes(dovecot.certificate.read_bytes())
    write_config(tmp_path, tokens, imap=dovecot.tls)
    path = tmp_path / "config.toml"
    path.write_text(
        path.read_text() + '[[sources]]\nname = "lists"\nkind = "mailbox"\nauth = "oauth2"\n'
        f'url = "imaps://jane%40example.org@127.0.0.1:{dovecot.tls}/INBOX"\nca_file = "ca.pem"\n'
    )
    config = settings.load(path, {})
    log_in(config)  # there is one account
    with mail_setup.open_source_mailbox(config, config.sources[0]) as folder:
        assert folder.find_uids(0, unread=False, limit=10) == []


# ------------------------------------------------------------------------------------------ doctor


def test_doctor_says_whether_the_login_works(tmp_path: Path, tokens: TokenServer) -> None:
    with BearerSmtp(tokens.is_valid) as server:
        config = write_config(tmp_path, tokens, smtp=server.port)

        def findings() -> list[tuple[str, str]]:
            return [
                (finding.level, f"{finding.what} {finding.remedy}")
                for finding in doctor.examine(config)
                if finding.area == "mail server"
            ]

        before = findings()
        assert [level for level, _ in before] == ["bad", "bad"]
        assert all("is not logged in yet. Run `digest login`" in text for _, text in before)
        assert not any("app password" in text for _, text in before)
        log_in(config)
        after = findings()
        assert [level for level, _ in after] == ["good", "good"]
        assert "is logged in by OAuth 2.0" in after[0][1]
        assert f"logs in {JANE}" in after[1][1]
        tokens.revoke()
        age_login(config, 600)
        revoked = findings()
        assert [level for level, _ in revoked] == ["good", "bad"]
        assert "was revoked or has expired" in revoked[1][1]
