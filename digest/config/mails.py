"""Settings of mails that go out and come back: `[smtp]`, `[mail]`, `[mailbox]`, `[bounces]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from digest.config.checks import Address, Hello, Host, OptionalPath, Port, Section, Selector


class Server(Section):
    """What a mail server needs to be told; the first stands in [smtp], further ones in
    [[smtp.more]].
    """

    host: Host = Field(
        "", description='name of the mail server; "" = write mails as .eml files to outbox instead'
    )
    port: Port = Field(587, description="587 (STARTTLS), 465 (TLS) or 25")
    tls: Literal["auto", "none", "starttls", "tls"] = Field(
        "auto",
        description=(
            '"auto" = TLS on port 465, else STARTTLS when offered (demanded with a login or '
            'ca_file); "none", "starttls", "tls" fix it'
        ),
    )
    username: str = Field("", description="login; empty = no login")
    password: SecretStr = Field(
        SecretStr(""),
        description="better: password_file, or the variable DIGEST_SMTP__PASSWORD",
        strict=False,
    )
    password_file: OptionalPath = Field(
        None, description='file that holds the password on its first line; "" = none'
    )
    ca_file: OptionalPath = Field(
        None,
        description=(
            "file of certificates (PEM) that are trusted instead of the system's: for a private "
            'CA; "" = none'
        ),
    )
    hello: Hello = Field("", description='name to greet with; "" = mail.domain')
    connections: Annotated[int, Field(ge=1, le=1000)] = Field(
        10, description="connections at once at most"
    )
    per_connection: Annotated[int, Field(ge=1, le=100_000)] = Field(
        100, description="messages over one connection before another is made"
    )
    per_minute: Annotated[int, Field(ge=0, le=10_000_000)] = Field(
        0, description="messages a minute at most; 0 = no limit but what the server's replies teach"
    )
    weight: Annotated[int, Field(ge=0, le=1000)] = Field(
        0,
        description=(
            "share of the messages, a weight for every server; 0 everywhere = each stands in when "
            "those before it cannot"
        ),
    )
    timeout: Annotated[int, Field(ge=1, le=3600)] = Field(
        300,
        description=(
            "seconds to wait for each reply (DATA: 120 at most) but the last, which always gets "
            "ten minutes"
        ),
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.ca_file and self.tls == "none":
            raise ValueError('ca_file is for TLS, and tls = "none" allows none; change one of them')
        return self


class MoreServer(Server):
    """A further mail server, with the keys of [smtp] that speak of a server.

    Repeat the table for each.
    """

    host: Annotated[Host, Field(min_length=1)] = Field(description="name of the mail server")


class SmtpSection(Server):
    """The mail server that takes the mails."""

    domain_per_minute: Annotated[int, Field(ge=0, le=10_000_000)] = Field(
        0,
        description=(
            "messages a minute to any one recipient domain; 0 = no limit but what replies teach"
        ),
    )
    outbox: Path = Field(
        Path("outbox"), description="folder for .eml files when host is empty", strict=False
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


class MailSection(Section):
    """How the mails present themselves."""

    sender: Address = Field("digest@localhost", description="address in From")
    name: str = Field("Digest", description="name in From, and the name of the list")
    reply_to: Address = Field(
        "",
        description="address that takes replies, and thumbs, confirmations and unsubscribes by "
        "mail; "
        '"" = the one of [mailbox], or sender where readers cannot reach base_url',
    )
    domain: str = Field("", description='domain of Message-ID and List-Id; "" = that of sender')
    bounce_domain: str = Field(
        "",
        description=(
            "domain all of whose addresses come to you, so that each mail has its own for bounces; "
            '"" = they go to sender'
        ),
    )
    dkim_key_file: OptionalPath = Field(
        None,
        description=(
            'private RSA key that signs the mails (`digest dkim` makes one); "" = the mail server '
            "signs, or nobody"
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
        description="folder whose templates win over the shipped ones, laid out like them; "
        'they run as code: use none that you do not trust; "" = none',
    )
    postal_address: str = Field(
        "",
        description=(
            "shown in the foot of every mail; the law asks for it where digests are sent to the "
            "public"
        ),
    )


class MailboxSection(Section):
    """The mailbox that bounces, complaints and requests by mail come to; read over IMAP.

    Nothing in it is ever deleted.
    """

    host: Host = Field("", description='name of the IMAP server; "" = no mailbox is read')
    port: Port = Field(993, description="993 (TLS) or 143 (STARTTLS)")
    tls: Literal["tls", "starttls", "none"] = Field(
        "tls", description='"tls", "starttls", or "none" for a server on this machine'
    )
    username: str = Field("", description="login")
    password: SecretStr = Field(
        SecretStr(""),
        description="better: password_file, or the variable DIGEST_MAILBOX__PASSWORD",
        strict=False,
    )
    password_file: OptionalPath = Field(
        None, description='file that holds the password on its first line; "" = none'
    )
    ca_file: OptionalPath = Field(
        None,
        description=(
            "file of certificates (PEM) that are trusted instead of the system's: for a private "
            'CA; "" = none'
        ),
    )
    folder: str = Field("INBOX", description="folder that is read")
    processed: str = Field(
        "",
        description=(
            'folder that mails go to once they are dealt with; "" = they are marked as read'
        ),
    )
    minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        5, description="minutes between two looks of `serve`"
    )
    timeout: Annotated[int, Field(ge=1, le=3600)] = Field(
        60, description="seconds to wait for each answer"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.host and not self.username:
            raise ValueError(f"{self.host}: needs the key username")
        if self.processed and self.processed == self.folder:
            raise ValueError(
                f"processed = {self.processed!r}: is the folder that is read; name another one, or "
                f"leave it empty"
            )
        return self


class BouncesSection(Section):
    """When an address is left alone because mail to it comes back; one that does not exist is at
    once.
    """

    soft: Annotated[int, Field(ge=1, le=100)] = Field(
        5, description="soft bounces (full, unreachable, refused without a clear reason) ..."
    )
    days: Annotated[int, Field(ge=1, le=366)] = Field(
        14, description="... within so many days suppress the address"
    )
