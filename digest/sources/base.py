"""The words that kinds, web and harvest share. Holds no protocol."""

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

#: how far a source was fetched: JSON values only, kept between runs
State = dict[str, Any]
#: where inside a window the next request stands: JSON values only
Position = dict[str, Any]


class Later(SourceError):
    """The server asked for more time than a fetch waits; `seconds` from now it may be
    asked again."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Stopped(SourceError):
    """Whoever started the fetch wants it to end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One source as the operator wants it."""

    name: str
    kind: str
    #: "" = the kind's public address; it may hold a login
    url: str = field(default="", repr=False)
    folder: Path | None = None
    categories: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    prefix: str = ""
    query: str = ""
    contact: str = ""
    key: str = field(default="", repr=False)
    days: int = DEFAULT_DAYS

    @property
    def fingerprint(self) -> str:
        """Of what is asked for: a state belongs to this question, and to no other."""
        asked = (
            self.kind,
            self.url,
            str(self.folder),
            self.categories,
            self.sets,
            self.prefix,
            self.query,
        )
        return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]

    def known(self, state: State) -> State:
        """The state if it is of this question, else that of a source which was never fetched (whose
        files keep their numbers).
        """
        if state.get("of") == self.fingerprint:
            return dict(state)
        kept = {key: state[key] for key in ("number", "unread") if key in state}
        return kept | {"of": self.fingerprint}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One request.

    Parameters are apart from the address since they may hold a key: messages show the address
    alone.
    """

    url: str = field(repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: ask for it only if it changed since it was kept last
    conditional: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """The body of an answer, on disk; nobody has read it yet."""

    path: Path
    size: int

    def head(self, size: int = 65_536) -> bytes:
        with self.path.open("rb") as file:
            return file.read(size)

    def bytes(self) -> bytes:
        return self.path.read_bytes()

    def json(self) -> Any:
        """Raises Bad where it is none, as when it was cut off."""
        try:
            return json.loads(self.bytes())
        except (ValueError, RecursionError) as error:
            raise Bad(f"no JSON, or cut off ({self.size:,} bytes)") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What an answer means for the way on."""

    #: where to go on; None = the window is done
    next: Position | None = None
    #: whether it holds entries; an answer that says "nothing" is not kept
    entries: bool = True
    note: str = ""


def shown_url(url: str) -> str:
    """An address without what may hold a login or a key."""
    try:
        parts = urlsplit(url)
        place = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "an address that is none"
    return f"{parts.scheme}://{place}{parts.path}"


def whole_number(value: object) -> int | None:
    """A count as JSON has it, a number or a text; None where it is neither."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


class Then(Enum):
    """What to do about an answer that is none."""

    RETRY = "ask again"
    RESTART = "begin the window again"
    GIVE_UP = "tell the operator"


class Bad(Exception):
    """An answer that is none, though the server said it was: an error page, a cut-off body, a bad
    token.
    """

    def __init__(self, reason: str, then: Then = Then.RETRY, accept: Turn | None = None) -> None:
        super().__init__(reason)
        self.then = then
        #: how to take the answer if the server insists on it
        self.accept = accept


@dataclass(kw_only=True, slots=True)
class Harvested:
    """What one source gave."""

    name: str
    #: "fetched", "unchanged" (nothing new there), "failed", "waiting" (not due, or the server asked
    #: for time), "stopped"
    outcome: str = "fetched"
    requests: int = 0
    #: requests made again after a failure
    repeated: int = 0
    #: windows begun again because of a token that the server no longer knew
    restarted: int = 0
    bytes: int = 0
    files: list[Path] = field(default_factory=list)
    error: str = ""
    notes: list[str] = field(default_factory=list)


class Kind(Protocol):
    """One protocol. Every method is pure; a Position is JSON, so that it outlives the process."""

    #: public address; "" where there is none
    home: str
    #: minutes between two looks
    every: int
    #: of the files
    suffix: str

    def begin(self, wanted: Wanted, since: date, until: date) -> Position:
        """The first request of a window of days, both inclusive."""
        ...

    def ask(self, wanted: Wanted, position: Position) -> Ask: ...

    def take(self, wanted: Wanted, position: Position, page: Page) -> Turn:
        """Raises Bad where the page is no answer to that question."""
        ...
