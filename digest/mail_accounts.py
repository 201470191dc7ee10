"""Config -> the mail accounts that log in by OAuth 2.0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import quote, unquote, urlsplit

from digest.config import PROVIDERS, Config, find_provider
from digest.config.mail_presets import OAuthPreset
from digest.config.secret_files import read_first_line
from digest.errors import ConfigError
from digest.mail.oauth import AccessTokens, Account, Client
from digest.redaction import register_secrets


def list_accounts(config: Config) -> list[Account]:
    """List the accounts with auth = "oauth2", each once with all permissions that it needs.

    Raises:
        ConfigError: [oauth] or a provider lacks something.
    """
    accounts: dict[str, Account] = {}
    for username, provider, host, is_smtp in _logins(config):
        account = _make_account(config, username, provider, host, is_smtp=is_smtp)
        other = next((other for other in accounts.values() if other.client != account.client), None)
        if other is not None:
            raise ConfigError(
                f"{other.username} and {username}: two providers cannot share the one app of "
                "[oauth]. Use the same provider for both, or a password for one"
            )
        known = accounts.setdefault(username, account)
        scopes = tuple(dict.fromkeys(known.scopes + account.scopes))
        accounts[username] = replace(known, scopes=scopes)
    return list(accounts.values())


def access_tokens(config: Config, username: str) -> Callable[[str], str]:
    """Return what gives access tokens of an account.

    Raises:
        ConfigError: as `list_accounts`.
    """
    for account in list_accounts(config):
        if account.username == username:
            return AccessTokens(account)
    raise ConfigError(f'{username}: no server has this username and auth = "oauth2"')


def _logins(config: Config) -> Iterator[tuple[str, str, str, bool]]:
    """Yield username, provider, host, and whether it sends mail."""
    for server in (config.smtp, *config.smtp.more):
        if server.host and server.auth == "oauth2":
            yield server.username, server.provider, server.host, True
    mailbox = config.mailbox
    if mailbox.host and mailbox.auth == "oauth2":
        yield mailbox.username, mailbox.provider, mailbox.host, False
    for source in config.sources:
        if source.kind == "mailbox" and source.auth == "oauth2":
            address = urlsplit(source.url)
            yield unquote(address.username or ""), "", address.hostname or "", False


def _make_account(
    config: Config, username: str, provider: str, host: str, *, is_smtp: bool
) -> Account:
    oauth = config.oauth
    preset = _find_preset(username, provider, host)
    if not oauth.client_id:
        raise ConfigError(
            f'{username}: auth = "oauth2" needs [oauth] client_id, of an app that you register '
            "with the provider; deploy/README.md says how"
        )
    secret = oauth.client_secret.get_secret_value()
    if oauth.client_secret_file:
        secret = read_first_line(oauth.client_secret_file, "oauth.client_secret_file")
        register_secrets(secret)

    def complete(own: str, preset_url: str) -> str:
        return own or preset_url.format(tenant=oauth.tenant)

    client = Client(
        client_id=oauth.client_id,
        client_secret=secret,
        token_url=complete(oauth.token_url, preset.token_url if preset else ""),
        device_url=complete(oauth.device_url, preset.device_url if preset else ""),
        authorize_url=complete(oauth.authorize_url, preset.authorize_url if preset else ""),
    )
    if not client.token_url or not (client.device_url or client.authorize_url):
        raise ConfigError(
            f'{username}: the provider of {host} is not known. Set provider = "gmail" or '
            '"microsoft365", or [oauth] token_url, device_url (or authorize_url) and scopes'
        )
    scopes = oauth.scopes
    if not scopes and preset:
        scopes = (preset.smtp_scope if is_smtp else preset.imap_scope, *preset.more_scopes)
    return Account(
        username=username,
        client=client,
        scopes=scopes,
        path=oauth.tokens / f"{quote(username, safe='@+')}.json",
    )


def _find_preset(username: str, provider: str, host: str) -> OAuthPreset | None:
    """Return how the provider gives tokens: the named one, else that of the server or address."""
    if provider:
        return PROVIDERS[provider].oauth
    for known in PROVIDERS.values():
        if host in (known.smtp.host, known.imap.host if known.imap else ""):
            return known.oauth
    name = find_provider(username.rpartition("@")[2])
    return PROVIDERS[name].oauth if name else None
