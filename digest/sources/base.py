"""Types that `kinds`, `web` and `harvest` share. Holds no protocol."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from digest.errors import SourceError

#: days that a first fetch goes back
DEFAULT_DAYS: Final = 3

#: how far a source was fetched: JSON values, kept between runs
State = dict[str, Any]
#: the next request of a window: JSON values
Position = dict[str, Any]


class RetryLater(SourceError):
    """The server asked for more time than a fetch waits; ask again in `seconds`."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Stopped(SourceError):
    """The caller wants the fetch to end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceSettings:
    """The settings of a source."""

    name: str
    kind: str
    #: "" = the public address of the kind; may hold a login
    url: str = field(default="", repr=False)
    folder: Path | None = None
    categories: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    prefix: str = ""
    query: str = ""
    contact: str = ""
    key: str = field(default="", repr=False)
    days: int = DEFAULT_DAYS
    #: papers to find similar ones of, as Semantic Scholar names them; they change by the day
    papers: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """A hash of what is requested; a state is only valid for the same request."""
        requested = (
            self.kind,
            self.url,
            str(self.folder),
            self.categories,
            self.sets,
            self.prefix,
            self.query,
        )
        return hashlib.sha256(repr(requested).encode()).hexdigest()[:16]

    def restore_state(self, state: State) -> State:
        """Return the state if its fingerprint matches, else a new state.

        The new state keeps the file number.
        """
        if state.get("of") == self.fingerprint:
            return dict(state)
        remaining = {key: state[key] for key in ("number", "unread") if key in state}
        return remaining | {"of": self.fingerprint}


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request.

    Parameters and headers may hold a key, so messages only show the address.
    """

    url: str = field(repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: besides those of every request
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: only if it has changed since it was kept last
    conditional: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """The unread body of an answer, on disk."""

    path: Path
    size: int

    def head(self, size: int = 65_536) -> bytes:
        with self.path.open("rb") as file:
            return file.read(size)

    def bytes(self) -> bytes:
        return self.path.read_bytes()

    def json(self) -> Any:
        """Decode the body.

        Raises:
            BadAnswer: If it is not JSON, for example because it was cut off.
        """
        try:
            return json.loads(self.bytes())
        except (ValueError, RecursionError) as error:
            raise BadAnswer(f"no JSON, or cut off ({self.size:,} bytes)") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class PageResult:
    """What a page means for the next request."""

    #: the next request; None = the window is complete
    next: Position | None = None
    #: whether it holds entries; a page without entries is not kept
    entries: bool = True
    note: str = ""
    #: why the harvest ends after this page; the next fetch asks for it again
    error: str = ""
    #: a status of an error that means no more than "unknown here": the harvest goes on
    unknown: bool = False


def redact_url(url: str) -> str:
    """Remove the parts of an address that may hold a login or a key."""
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "an invalid address"
    return f"{parts.scheme}://{host}{parts.path}"


def parse_count(value: object) -> int | None:
    """Parse a count that is a number or a text; None if it is neither."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


class Recovery(Enum):
    """What to do after a bad answer."""

    RETRY = "repeat the request"
    RESTART = "begin the window again"
    GIVE_UP = "report the error"


class BadAnswer(Exception):
    """An unusable answer with a good status.

    An error page, a cut-off body, or a bad token.
    """

    def __init__(
        self, reason: str, recovery: Recovery = Recovery.RETRY, fallback: PageResult | None = None
    ) -> None:
        super().__init__(reason)
        self.recovery = recovery
        #: the result if the server repeats the answer
        self.fallback = fallback


@dataclass(kw_only=True, slots=True)
class SourceReport:
    """The report of a fetch of one source."""

    name: str
    #: "fetched", "unchanged" (nothing new), "failed", "stopped", or "waiting" (not due, or the
    #: server asked for time)
    outcome: str = "fetched"
    requests: int = 0
    #: requests repeated after a failure
    retries: int = 0
    #: windows begun again since the server no longer knew the resumption token
    restarts: int = 0
    bytes: int = 0
    files: list[Path] = field(default_factory=list)
    error: str = ""
    #: fetches in a row that failed before this one
    failed_before: int = 0
    notes: list[str] = field(default_factory=list)


class Kind(Protocol):
    """A protocol, with pure methods; a Position is JSON, so it outlives the process."""

    #: public address; "" if there is none
    base_url: str
    #: minutes between two fetches
    interval_minutes: int
    #: of the files
    suffix: str

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        """Return the first request of a window of days, both inclusive."""
        ...

    def build_request(self, settings: SourceSettings, position: Position) -> Request: ...

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        """Find out what a page means for the next request.

        Raises:
            BadAnswer: If the page does not answer the request.
        """
        ...
