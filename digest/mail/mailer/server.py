"""Address, login and limits of a mail server, and connection errors."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds to wait for each reply (RFC 5321, 4.5.3.2).

    Whoever gives up on the reply to the final dot too early sends duplicates.
    """

    connect: float = 30.0
    #: the greeting, and each step until the login is done
    greeting: float = 300.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    dot: float = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpServer:
    """Where a server is, how to log in, and how much it is given."""

    host: str
    port: int
    tls: Literal["auto", "none", "starttls", "tls"] = "auto"
    username: str = ""
    password: str = field(default="", repr=False)
    #: gives an access token instead of a password; its argument is one that was not accepted.
    #: It blocks, and raises OAuthError
    access_token: Callable[[str], str] | None = field(default=None, repr=False, compare=False)
    #: certificates (PEM) to trust instead of the system's
    ca_file: Path | None = None
    #: our name in EHLO
    hello: str = "localhost"
    #: connections at once, messages over each
    connections: int = 10
    per_connection: int = 100
    #: messages a minute; 0 = no limit
    per_minute: int = 0
    #: share of the messages where servers share them; 0 = a stand-in for the servers before it
    weight: int = 0
    timeouts: Timeouts = Timeouts()

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def implicit_tls(self) -> bool:
        """Whether the connection begins with TLS, without STARTTLS."""
        return self.tls == "tls" or (self.tls == "auto" and self.port == 465)

    @property
    def requires_tls(self) -> bool:
        """Whether to refuse a connection without TLS.

        Somebody on the way may strip STARTTLS, and no password may leave in the clear.
        """
        return self.tls in ("starttls", "tls") or (
            self.tls == "auto" and bool(self.port == 465 or self.username or self.ca_file)
        )


class ConnectError(ConnectionError):
    """A server cannot be used. `busy` = it says that it will be usable later."""

    def __init__(self, text: str, *, busy: bool = False) -> None:
        super().__init__(text)
        self.busy = busy


class StaleError(ConnectionError):
    """The server had closed an idle connection; the message was not touched."""


def tls_context(server: SmtpServer) -> ssl.SSLContext:
    """Verification by the server's `ca_file`, else by the system's certificates.

    Raises:
        ConnectError: the certificates cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except OSError as error:
        raise ConnectError(
            f"ca_file {server.ca_file}: no certificates can be read from it ({error})"
        ) from error
