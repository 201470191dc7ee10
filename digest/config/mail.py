"""Settings for mail: `[smtp]`, `[mail]`, `[mailbox]`, `[bounces]`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from digest.config.mail_presets import MAILBOX_PROVIDERS, PROVIDERS, fill_in
from digest.config.value_types import Address, Hello, Host, OptionalPath, Port, Section, Selector


def _one_of(names: Collection[str]) -> AfterValidator:
    """Make a validator for the name of a provider; "" is none."""

    def check(name: str) -> str:
        if name and name not in names:
            raise ValueError("no such provider")
        return name

    return AfterValidator(check)


#: how to prove who logs in
Auth = Literal["password", "oauth2"]


class Server(Section):
    """A mail server: the first is in [smtp], more are in [[smtp.more]]."""

    provider: Annotated[str, _one_of(PROVIDERS)] = Field(
        "",
        description=f"fills in host, port and tls: {', '.join(PROVIDERS)}",
    )
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]*$")] = Field(
        "", description='provider "ses": the region, such as "eu-central-1"'
    )
    host: Host = Field(
        "",
        description='name of the mail server; "" = write mails as .eml files to the folder outbox',
    )
    port: Port = Field(587, description="587 (STARTTLS), 465 (TLS) or 25")
    tls: Literal["auto", "none", "starttls", "tls"] = Field(
        "auto",
        description=(
            '"auto" = TLS on port 465, else STARTTLS if offered (required with a login or '
            'ca_file); or always "none", "starttls" or "tls"'
        ),
    )
    username: str = Field("", description="login; empty = no login")
    auth: Auth = Field(
        "password",
        description='"password", or "oauth2" after `digest login` (see [oauth]); '
        'provider "microsoft365" and "outlook": "oauth2" by default',
    )
    password: SecretStr = Field(
        SecretStr(""),
        description="password; better use password_file, or the variable DIGEST_SMTP__PASSWORD",
        strict=False,
    )
    password_file: OptionalPath = Field(
        None, description='file with the password on its first line; "" = none'
    )
    ca_file: OptionalPath = Field(
        None,
        description=(
            "certificates (PEM) to trust instead of the system's, for a private CA; "
            '"" = those of the system'
        ),
    )
    hello: Hello = Field("", description='name in EHLO; "" = mail.domain')
    connections: Annotated[int, Field(ge=1, le=1000)] = Field(
        10, description="connections at the same time, at most"
    )
    per_connection: Annotated[int, Field(ge=1, le=100_000)] = Field(
        100, description="messages over one connection before a new one is opened"
    )
    per_minute: Annotated[int, Field(ge=0, le=10_000_000)] = Field(
        0, description="messages a minute, at most; 0 = as many as the server's replies allow"
    )
    weight: Annotated[int, Field(ge=0, le=1000)] = Field(
        0,
        description=(
            "relative share of the messages; 0 for all servers = the first one, and the others "
            "only when it fails"
        ),
    )
    timeout: Annotated[int, Field(ge=1, le=3600)] = Field(
        300,
        description=(
            "seconds to wait for each reply (DATA: at most 120); the last reply always gets ten "
            "minutes"
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return fill_in(values, kind="smtp", region=str(values.get("region", "")))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.ca_file and self.tls == "none":
            raise ValueError(
                'ca_file needs TLS, and tls = "none" turns TLS off; change one of them'
            )
        _check_auth(self)
        return self


def _check_auth(server: Server | MailboxSection) -> None:
    """Refuse a login by OAuth 2.0 that lacks an account, or that has a password."""
    if server.auth != "oauth2" or not server.host:
        return
    if not server.username:
        raise ValueError('auth = "oauth2" needs the setting username: the address of the account')
    if server.password_file or server.password.get_secret_value():
        raise ValueError(
            'auth = "oauth2" takes no password; remove it, or set auth = "password" if the server '
            "still allows passwords"
        )


class MoreServer(Server):
    """One more mail server, with keys as in [smtp]. Repeat the table for each."""

    host: Annotated[Host, Field(min_length=1)] = Field(description="name of the mail server")


class SmtpSection(Server):
    """The mail server that mails are handed to."""

    domain_per_minute: Annotated[int, Field(ge=0, le=10_000_000)] = Field(
        0,
        description=(
            "messages a minute to one recipient domain, at most; 0 = as many as replies allow"
        ),
    )
    processes: Annotated[int, Field(ge=1, le=64)] = Field(
        1,
        description=(
            "processes that send at the same time, if 1,000 messages wait for each; connections "
            "and messages a minute are shared out among them"
        ),
    )
    per_day: Annotated[int, Field(ge=0, le=1_000_000_000)] = Field(
        0, description="messages a day (UTC), at most; further digests wait; 0 = no limit"
    )
    ramp_start: Annotated[int, Field(ge=0, le=10_000_000)] = Field(
        0,
        description=(
            "messages on the first day from a fresh sender domain or server; each day then allows "
            "more, up to per_day, as a warm-up; 0 = no ramp"
        ),
    )
    ramp_growth: Annotated[float, Field(ge=1.05, le=10)] = Field(
        1.5,
        strict=False,
        description="factor by which a day allows more than the last, if half of that was used",
    )
    outbox: Path = Field(
        Path("outbox"), description="folder for .eml files if host is empty", strict=False
    )
    more: tuple[MoreServer, ...] = Field((), strict=False)

    @model_validator(mode="after")
    def _servers(self) -> Self:
        if self.more and not self.host:
            raise ValueError("[[smtp.more]] needs a first server: set host in [smtp]")
        weights = [self.weight, *(server.weight for server in self.more)]
        if any(weights) and not all(weights):
            raise ValueError(
                "some servers have a weight and some have none; give one to [smtp] and each "
                "[[smtp.more]], or to none"
            )
        return self

    @model_validator(mode="after")
    def _has_shares(self) -> Self:
        """Check that each process gets a share of everything."""
        limits = [("[smtp] domain_per_minute", self.domain_per_minute)]
        servers: tuple[Server, ...] = (self, *self.more)
        for number, server in enumerate(servers):
            section = "[smtp]" if number == 0 else f"[[smtp.more]] number {number}:"
            limits += [
                (f"{section} connections", server.connections),
                (f"{section} per_minute", server.per_minute),
            ]
        for name, limit in limits:
            if 0 < limit < self.processes:
                raise ValueError(
                    f"processes = {self.processes}: {name} = {limit} is less, and each process "
                    f"needs at least 1 of it; lower processes, or raise the other"
                )
        return self


class MailSection(Section):
    """Sender, signatures and templates of the mails."""

    sender: Address = Field("digest@localhost", description="address in From")
    name: str = Field(
        "Digest",
        description="name of the service: in From and List-Id, in mails and on pages",
    )
    reply_to: Address = Field(
        "",
        description="address for replies, and for thumbs, confirmations and unsubscribes by mail; "
        '"" = that of [mailbox], or sender if readers cannot reach base_url',
    )
    domain: str = Field("", description='domain of Message-ID and List-Id; "" = that of sender')
    bounce_domain: str = Field(
        "",
        description=(
            "domain of which you receive all addresses, so that each mail gets its own bounce "
            'address; "" = bounces go to sender'
        ),
    )
    dkim_key_file: OptionalPath = Field(
        None,
        description=(
            'private RSA key that signs the mails (`digest dkim` makes one); "" = leave signing '
            "to the mail server"
        ),
    )
    dkim_selector: Selector = Field(
        "digest", description="its name in the DNS: <selector>._domainkey.<domain of sender>"
    )
    dkim_ed25519_key_file: OptionalPath = Field(
        None, description='private Ed25519 key for a second signature; "" = none'
    )
    dkim_ed25519_selector: Selector = Field("digest-ed25519", description="its name in the DNS")
    templates: OptionalPath = Field(
        None,
        description="folder with your own templates, in the same layout as the shipped ones; "
        'templates run as code, so use only what you trust; "" = none',
    )
    postal_address: str = Field(
        "",
        description=(
            "shown at the end of every mail; the law of many countries requires it for mail to "
            "the public"
        ),
    )


class MailboxSection(Section):
    """The IMAP mailbox that receives bounces, complaints and requests.

    Nothing in it is deleted.
    """

    provider: Annotated[str, _one_of(MAILBOX_PROVIDERS)] = Field(
        "",
        description=f"fills in host, port and tls: {', '.join(MAILBOX_PROVIDERS)}",
    )
    host: Host = Field("", description='name of the IMAP server; "" = no mailbox is read')
    port: Port = Field(993, description="993 (TLS) or 143 (STARTTLS)")
    tls: Literal["tls", "starttls", "none"] = Field(
        "tls", description='"tls", "starttls", or "none" for a server on this machine'
    )
    username: str = Field("", description="login")
    auth: Auth = Field(
        "password", description='"password", or "oauth2" after `digest login` (see [oauth])'
    )
    password: SecretStr = Field(
        SecretStr(""),
        description="password; better use password_file, or the variable DIGEST_MAILBOX__PASSWORD",
        strict=False,
    )
    password_file: OptionalPath = Field(
        None, description='file with the password on its first line; "" = none'
    )
    ca_file: OptionalPath = Field(
        None,
        description=(
            "certificates (PEM) to trust instead of the system's, for a private CA; "
            '"" = those of the system'
        ),
    )
    folder: str = Field("INBOX", description="folder to read")
    processed: str = Field(
        "",
        description=('folder to move processed mails to; "" = mark them as read instead'),
    )
    minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        5, description="minutes between two reads by `serve`"
    )
    timeout: Annotated[int, Field(ge=1, le=3600)] = Field(
        60, description="seconds to wait for each reply"
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        return fill_in(values, kind="imap") if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.host and not self.username:
            raise ValueError(f"{self.host}: needs the setting username")
        _check_auth(self)
        if self.processed and self.processed == self.folder:
            raise ValueError(
                f"processed = {self.processed!r}: is the same as folder; use another one, or "
                f"leave it empty"
            )
        return self


class BouncesSection(Section):
    """When bounces suppress an address, and stop all sending.

    A hard bounce (no such address) suppresses at once.
    """

    soft: Annotated[int, Field(ge=1, le=100)] = Field(
        5, description="soft bounces (mailbox full, server unreachable, no clear reason) ..."
    )
    days: Annotated[int, Field(ge=1, le=366)] = Field(
        14, description="... within this number of days suppress the address"
    )
    stop_last: Annotated[int, Field(ge=100, le=100_000)] = Field(
        1000, description="all sending stops when, of so many messages that were sent last, ..."
    )
    stop_bounces: Annotated[float, Field(ge=0, le=100)] = Field(
        10.0,
        strict=False,
        description=(
            "... more than this share bounced, in per cent (full mailboxes do not count), ..."
        ),
    )
    stop_complaints: Annotated[float, Field(ge=0, le=100)] = Field(
        0.5,
        strict=False,
        description=(
            "... or more than this share were marked as spam; 0 = never. `digest send --resume` "
            "goes on"
        ),
    )
