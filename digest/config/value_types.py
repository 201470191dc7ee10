"""Types of values, with the error text for a value that does not fit."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from digest.locales import languages
from digest.model import STRICTNESS_WORDS, time_zones
from digest.redaction import redact


def _zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("no such time zone; use a name like Europe/Berlin")
    return name


def _threshold(value: int | str) -> int | str:
    if value not in ("good", "strong") and (isinstance(value, str) or not 0 <= value <= 100):
        raise ValueError('must be a whole number from 0 to 100, "good" or "strong"')
    return value


def _strictness(value: int | str) -> int | str:
    if value not in STRICTNESS_WORDS and (isinstance(value, str) or not 1 <= value <= 99):
        words = ", ".join(f'"{word}"' for word in STRICTNESS_WORDS)
        raise ValueError(f"must be {words}, or a whole number from 1 to 99")
    return value


def _http(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")


def _root(url: str) -> str:
    """Check a base URL: every link of every mail begins with it."""
    _http(url)
    try:
        parts = urlsplit(url)
        complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        complete = False
    if not complete or "@" in parts.netloc or re.search(r"[\s<>\"\\?#\x00-\x1f\x7f]", url):
        raise ValueError(
            "must be a scheme, a host, and perhaps a port and a path, such as "
            "https://papers.example.org/digest"
        )
    return url.rstrip("/")


def _bind(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError("must be host:port, for example 127.0.0.1:8025")
    return address


def _dask_address(address: str) -> str:
    if not address:
        return address
    try:
        parts = urlsplit(address)
        complete = bool(parts.hostname and parts.port)
    except ValueError:
        complete = False
    if not complete or not re.fullmatch(r"(tcp|tls)://[^/?#@\s]+", address):
        raise ValueError(
            "must be the address of a scheduler, such as tcp://scheduler.example.org:8786 or "
            "tls://scheduler.example.org:8786"
        )
    return address


def _host(name: str) -> str:
    if "://" in name or re.search(r"[\s/@\x00-\x1f\x7f\[\]]", name):
        raise ValueError(
            "must be a name such as smtp.example.org, or an address such as 192.0.2.25"
        )
    if name.count(":") == 1:
        raise ValueError("must be a name without its port, which is a key of its own")
    return name


def _mailbox(address: str) -> str:
    if address and (address.count("@") != 1 or any(c.isspace() for c in address)):
        raise ValueError("must be an e-mail address")
    return address


def _http_or_none(url: str) -> str:
    if url:
        _http(url)
    return url  # unchanged: on some servers a slash at the end makes a different address


def _source_url(url: str) -> str:
    """Check the address of a source; the kind decides whether it may be a mailbox."""
    if not url.startswith(("imap://", "imaps://")):
        return _http_or_none(url)
    try:
        parts = urlsplit(url)
        complete = bool(parts.hostname and parts.username) and parts.port != 0
    except ValueError:
        complete = False
    if not complete:
        raise ValueError(
            "must have a login and a host, such as imaps://jane@imap.example.org/Lists"
        )
    return url


def _matches(pattern: str, rule: str) -> AfterValidator:
    """Make a validator: the whole name must match, or `rule` is the error text."""

    def check(name: str) -> str:
        if not re.fullmatch(pattern, name):
            raise ValueError(rule)
        return name

    return AfterValidator(check)


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        rule = "must be an address or a network, such as 10.0.0.5 or 10.0.0.0/8"
        raise ValueError(rule) from None


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("must be a day written YYYY-MM-DD") from None


def _language(text: str) -> str:
    if text not in languages():
        raise ValueError(f"must be one of {', '.join(languages())}")
    return text


Language = Annotated[str, AfterValidator(_language)]
Zone = Annotated[str, AfterValidator(_zone)]
Hour = Annotated[int, Field(ge=0, le=23)]
Weekday = Annotated[int, Field(ge=1, le=7)]
Address = Annotated[str, AfterValidator(_mailbox)]
Strictness = Annotated[int | str, AfterValidator(_strictness)]
#: the old name of a strictness, until 0.3.0
Threshold = Annotated[int | str, AfterValidator(_threshold)]
Selector = Annotated[
    str,
    _matches(
        r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?",
        "must be letters, digits, - and .: it names a DNS record",
    ),
]
Network = Annotated[str, AfterValidator(_network)]
Day = Annotated[str, AfterValidator(_day)]
FolderName = Annotated[
    str,
    _matches(
        r"[a-z0-9][a-z0-9_-]{0,39}",
        "must be 1 to 40 small letters, digits, - and _: it names a folder",
    ),
]
#: "" = the domain that mails come from
Hello = Annotated[
    str,
    _matches(
        r"|[A-Za-z0-9._-]+|\[[A-Za-z0-9:.]+\]",
        "must be a name such as mail.example.org, or an address such as [192.0.2.25]",
    ),
]
#: of a server; "" = none
Host = Annotated[str, AfterValidator(_host)]
Root = Annotated[str, AfterValidator(_root)]
SourceUrl = Annotated[str, AfterValidator(_source_url)]
#: "" = none
HttpUrl = Annotated[str, AfterValidator(_http_or_none)]
#: of the scheduler of a Dask cluster; "" = none
DaskAddress = Annotated[str, AfterValidator(_dask_address)]
Bind = Annotated[str, AfterValidator(_bind)]
#: host:port; "" = none
OptionalBind = Annotated[str, AfterValidator(lambda address: address and _bind(address))]
Port = Annotated[int, Field(ge=1, le=65535)]
#: a file or folder; "" = none
OptionalPath = Annotated[
    Path | None, Field(strict=False), BeforeValidator(lambda path: path or None)
]


class Section(BaseModel):
    """A table of settings: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Return the values as pydantic does, with secrets in URLs hidden."""
        for name, value in super().__repr_args__():
            yield name, redact(value) if isinstance(value, str) else value
