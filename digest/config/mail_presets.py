"""Mail servers of known providers: `[smtp] provider`, `[mailbox] provider`.

One table with what each provider publishes for programs. What the config sets by itself wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

#: a Microsoft tenant stands here
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerPreset:
    """Where a provider's server is; `{region}` in the host stands for a setting."""

    host: str
    port: int
    tls: Literal["starttls", "tls"]

    @property
    def settings(self) -> dict[str, str | int]:
        return {"host": self.host, "port": self.port, "tls": self.tls}


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuthPreset:
    """How a provider gives access tokens for mail (OAuth 2.0)."""

    token_url: str
    #: of the device flow (RFC 8628); "" = the provider refuses it for mail
    device_url: str = ""
    #: page where the account's owner agrees, for the authorization code flow; "" = none
    authorize_url: str = ""
    smtp_scope: str
    imap_scope: str
    #: scopes without which no refresh token comes
    more_scopes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """A provider of mail."""

    #: its name in sentences
    title: str
    smtp: ServerPreset
    imap: ServerPreset | None = None
    oauth: OAuthPreset | None = None
    #: passwords no longer work, so OAuth 2.0 is the default
    needs_oauth: bool = False
    #: login that is the same for everybody; "" = what `login` says
    username: str = ""
    #: the login is the address that mails come from
    by_address: bool = False
    #: what the login and its password are
    login: str = "your address, with its password"
    #: domains of addresses that it hosts
    domains: tuple[str, ...] = ()
    #: ends of names of mail exchangers (MX) of domains that it hosts
    exchangers: tuple[str, ...] = field(default=())


def _starttls(host: str, port: int = 587) -> ServerPreset:
    return ServerPreset(host=host, port=port, tls="starttls")


def _tls(host: str, port: int = 465) -> ServerPreset:
    return ServerPreset(host=host, port=port, tls="tls")


_APP_PASSWORD = "your address, with an app password"  # noqa: S105
_MICROSOFT_OAUTH = OAuthPreset(
    token_url=f"{_MICROSOFT}/token",
    device_url=f"{_MICROSOFT}/devicecode",
    authorize_url=f"{_MICROSOFT}/authorize",
    smtp_scope="https://outlook.office.com/SMTP.Send",
    imap_scope="https://outlook.office.com/IMAP.AccessAsUser.All",
    more_scopes=("offline_access",),
)
_GOOGLE_OAUTH = OAuthPreset(
    token_url="https://oauth2.googleapis.com/token",  # noqa: S106
    # Google's device flow answers invalid_scope for mail, so there is no device_url.
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    smtp_scope="https://mail.google.com/",
    imap_scope="https://mail.google.com/",
)

#: name in the config -> provider
PROVIDERS: Final[Mapping[str, Provider]] = {
    "gmail": Provider(
        title="Gmail or Google Workspace",
        smtp=_starttls("smtp.gmail.com"),
        imap=_tls("imap.gmail.com", 993),
        oauth=_GOOGLE_OAUTH,
        by_address=True,
        login=f"{_APP_PASSWORD} (it needs two-step verification)",
        domains=("gmail.com", "googlemail.com"),
        exchangers=("google.com", "googlemail.com"),
    ),
    "microsoft365": Provider(
        title="Microsoft 365",
        smtp=_starttls("smtp.office365.com"),
        imap=_tls("outlook.office365.com", 993),
        oauth=_MICROSOFT_OAUTH,
        needs_oauth=True,
        by_address=True,
        login="your address, logged in by `digest login` (the mailbox must allow SMTP AUTH)",
        exchangers=("mail.protection.outlook.com", "mx.microsoft"),
    ),
    "outlook": Provider(
        title="Outlook.com",
        smtp=_starttls("smtp-mail.outlook.com"),
        imap=_tls("outlook.office365.com", 993),
        oauth=_MICROSOFT_OAUTH,
        needs_oauth=True,
        by_address=True,
        login="your address, logged in by `digest login`",
        domains=("outlook.com", "hotmail.com", "live.com", "msn.com"),
    ),
    "icloud": Provider(
        title="iCloud Mail",
        smtp=_starttls("smtp.mail.me.com"),
        imap=_tls("imap.mail.me.com", 993),
        by_address=True,
        login=_APP_PASSWORD,
        domains=("icloud.com", "me.com", "mac.com"),
        exchangers=("mail.icloud.com",),
    ),
    "yahoo": Provider(
        title="Yahoo Mail",
        smtp=_starttls("smtp.mail.yahoo.com"),
        imap=_tls("imap.mail.yahoo.com", 993),
        by_address=True,
        login=_APP_PASSWORD,
        domains=("yahoo.com",),
    ),
    "fastmail": Provider(
        title="Fastmail",
        smtp=_tls("smtp.fastmail.com"),
        imap=_tls("imap.fastmail.com", 993),
        by_address=True,
        login=_APP_PASSWORD,
        domains=("fastmail.com", "fastmail.fm"),
        exchangers=("messagingengine.com",),
    ),
    "zoho": Provider(
        title="Zoho Mail",
        smtp=_starttls("smtp.zoho.com"),
        imap=_tls("imap.zoho.com", 993),
        by_address=True,
        login=_APP_PASSWORD,
        domains=("zoho.com",),
        exchangers=("zoho.com",),
    ),
    "gmx": Provider(
        title="GMX",
        smtp=_starttls("mail.gmx.net"),
        imap=_tls("imap.gmx.net", 993),
        by_address=True,
        login="your address and its password, after IMAP and POP3 were allowed in the settings",
        domains=("gmx.de", "gmx.net", "gmx.at", "gmx.ch"),
    ),
    "web.de": Provider(
        title="WEB.DE",
        smtp=_starttls("smtp.web.de"),
        imap=_tls("imap.web.de", 993),
        by_address=True,
        login="your address and its password, after IMAP and POP3 were allowed in the settings",
        domains=("web.de",),
    ),
    "posteo": Provider(
        title="Posteo",
        smtp=_starttls("posteo.de"),
        imap=_tls("posteo.de", 993),
        by_address=True,
        domains=("posteo.de", "posteo.net"),
        exchangers=("posteo.de",),
    ),
    "mailbox.org": Provider(
        title="mailbox.org",
        smtp=_starttls("smtp.mailbox.org"),
        imap=_tls("imap.mailbox.org", 993),
        by_address=True,
        domains=("mailbox.org",),
        exchangers=("mailbox.org",),
    ),
    "ses": Provider(
        title="Amazon SES",
        smtp=_starttls("email-smtp.{region}.amazonaws.com"),
        login="the SMTP credentials that SES makes (not an access key)",
    ),
    "postmark": Provider(
        title="Postmark",
        smtp=_starttls("smtp.postmarkapp.com"),
        login="the SMTP token of a message stream: its access key, with its secret key",
    ),
    "mailgun": Provider(
        title="Mailgun (US)",
        smtp=_starttls("smtp.mailgun.org"),
        login="the SMTP credentials of your domain, such as postmaster@mg.example.org",
    ),
    "mailgun-eu": Provider(
        title="Mailgun (EU)",
        smtp=_starttls("smtp.eu.mailgun.org"),
        login="the SMTP credentials of your domain, such as postmaster@mg.example.org",
    ),
    "sendgrid": Provider(
        title="SendGrid",
        smtp=_starttls("smtp.sendgrid.net"),
        username="apikey",
        login='the word "apikey", with an API key that may send',
    ),
    "brevo": Provider(
        title="Brevo",
        smtp=_starttls("smtp-relay.brevo.com"),
        login="the SMTP login that Brevo shows, with an SMTP key",
    ),
    "mailjet": Provider(
        title="Mailjet",
        smtp=_starttls("in-v3.mailjet.com"),
        login="an API key, with its secret key",
    ),
}
#: providers with a mailbox
MAILBOX_PROVIDERS: Final = tuple(name for name, provider in PROVIDERS.items() if provider.imap)


def find_provider(domain: str) -> str:
    """Return the name of the provider that hosts the addresses of a domain; "" if none is known."""
    return next(
        (name for name, provider in PROVIDERS.items() if domain.lower() in provider.domains), ""
    )


def find_provider_of_exchangers(exchangers: list[str]) -> str:
    """Return the name of the provider that a domain's mail exchangers belong to, or ""."""
    names = [exchanger.rstrip(".").lower() for exchanger in exchangers]
    for name, provider in PROVIDERS.items():
        ends = provider.exchangers
        if any(mx == end or mx.endswith(f".{end}") for mx in names for end in ends):
            return name
    return ""


def fill_in(
    values: Mapping[str, object], *, kind: Literal["smtp", "imap"], region: str = ""
) -> dict[str, object]:
    """Add what the provider named in a table says to what the table sets itself.

    Args:
        values: The keys of the table as written; unknown providers are left to later checks.
        kind: Which server of the provider.
        region: For hosts that have a region in their name.

    Raises:
        ValueError: the provider needs a setting that is missing, or has no such server.
    """
    name = values.get("provider")
    provider = PROVIDERS.get(name) if isinstance(name, str) else None
    if provider is None:
        return dict(values)
    server = provider.smtp if kind == "smtp" else provider.imap
    if server is None:
        raise ValueError(
            f'provider = "{name}": {provider.title} has no mailbox to read. Known here: '
            f"{', '.join(MAILBOX_PROVIDERS)}"
        )
    settings: dict[str, object] = dict(server.settings)
    if "{region}" in server.host:
        if not region and "host" not in values:
            raise ValueError(
                f'provider = "{name}": needs the setting region, such as region = "eu-central-1"'
            )
        settings["host"] = server.host.format(region=region)
    if provider.username:
        settings["username"] = provider.username
    if provider.needs_oauth:
        settings["auth"] = "oauth2"
    merged = {**settings, **values}
    if not merged.get("username"):
        raise ValueError(
            f'provider = "{name}": needs the setting username; {provider.title} wants '
            f"{provider.login}"
        )
    return merged
