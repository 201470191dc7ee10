"""Check the logins of mail accounts by OAuth 2.0, without asking the provider.

Whether a mail server accepts them is checked by connecting to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from digest.config import Config
from digest.doctor.findings import Finding, bad, good
from digest.errors import ConfigError, OAuthError
from digest.mail.oauth import read_login
from digest.mail_accounts import list_accounts


def check_logins(config: Config) -> Iterator[Finding]:
    """Check that each account with auth = "oauth2" was logged in."""
    try:
        accounts = list_accounts(config)
    except ConfigError as error:
        yield bad("mail server", str(error), "Until this works nothing is sent or read there")
        return
    for account in accounts:
        try:
            login = read_login(account)
        except OAuthError as error:
            yield bad("mail server", str(error), "Until this works nothing is sent or read with it")
            continue
        renewed = datetime.fromtimestamp(login.issued_at, UTC)
        yield good(
            "mail server",
            f"{account.username} is logged in by OAuth 2.0; last renewed "
            f"{renewed:%Y-%m-%d %H:%M} UTC",
        )
