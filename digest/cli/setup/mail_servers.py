"""Guess the mail server: by the sender's domain, or one that answers on this machine."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from digest import config as settings
from digest.errors import ResolverError
from digest.escaping import escape_to_one_line

#: names under which nothing exists on the internet (RFC 6761), so nobody is asked about them
_NOWHERE = ("test", "example", "invalid", "localhost", "local", "lan", "internal")
_EXAMPLES = ("example.org", "example.com", "example.net")
#: seconds for the local server's greeting, and for the DNS
_PATIENCE = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess:
    """A mail server, and what speaks for it."""

    #: name of a provider; "" = it is `host`
    provider: str = ""
    host: str = ""
    port: int = 587
    #: why it was guessed, in words
    reason: str

    @property
    def answer(self) -> str:
        """What the operator would type."""
        return self.provider or self.host


def guess_mail_servers(
    sender: str,
    *,
    name_servers: Sequence[tuple[str, int]] = (),
    local_port: int = 25,
) -> list[Guess]:
    """Guess the mail server of a sender, the likeliest first.

    Asks the DNS which mail exchangers the sender's domain has, and this machine whether a mail
    server answers.

    Args:
        sender: The address that mails come from.
        name_servers: Address and port of those to ask; none = those of the system.
        local_port: Port of a mail server on this machine.
    """
    domain = sender.rpartition("@")[2].lower()
    if provider := settings.find_provider(domain):
        title = settings.PROVIDERS[provider].title
        return [Guess(provider=provider, reason=f"{domain} is {title}")]
    guesses = []
    if provider := settings.find_provider_of_exchangers(_find_exchangers(domain, name_servers)):
        title = settings.PROVIDERS[provider].title
        guesses.append(Guess(provider=provider, reason=f"the mail of {domain} is at {title}"))
    greeting = _greet_local_server(local_port)
    if greeting is not None:
        reason = f"a mail server answers on this machine{f': {greeting}' if greeting else ''}"
        guesses.append(Guess(host="localhost", port=local_port, reason=reason))
    return guesses


def _find_exchangers(domain: str, name_servers: Sequence[tuple[str, int]]) -> list[str]:
    from digest.doctor.resolver import Resolver

    is_reserved = domain in _EXAMPLES or domain.rpartition(".")[2] in _NOWHERE
    if "." not in domain or is_reserved:
        return []
    try:
        return Resolver(name_servers, seconds=_PATIENCE).mx(domain)
    except ResolverError:
        return []


def _greet_local_server(port: int) -> str | None:
    """Return how the mail server on this machine calls itself; None if there is none."""
    try:
        with socket.create_connection(("localhost", port), timeout=_PATIENCE) as connection:
            greeting = connection.recv(512).decode("ascii", "replace")
            connection.sendall(b"QUIT\r\n")
    except OSError:
        return None
    if not greeting.startswith("220"):
        return None
    match = re.search(r"\b(Postfix|Exim|Sendmail|OpenSMTPD|OpenSMTPd)\b", greeting, re.IGNORECASE)
    return match[0] if match else escape_to_one_line(greeting[4:80].strip())
