"""One polite request: in the host's own pace, tried again with patience, its answer bounded and on
disk. The only importer of httpx.

A host is asked no oftener than its published rule allows. Retry-After is obeyed, also across
processes. A redirect is followed only within the host and port that was asked. Knows no protocol
above HTTP.
"""

from __future__ import annotations

import os
import random
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx

from digest.errors import SourceError
from digest.sources.base import Ask, Later, Page, shown_url

#: seconds from request to request, by the end of the host's name:
#: https://info.arxiv.org/help/api/tou.html, E-utilities (3 a second), ...
PACE: Final[Mapping[str, float]] = {
    "arxiv.org": 3.0,
    "ncbi.nlm.nih.gov": 0.34,
    "biorxiv.org": 1.0,
    "medrxiv.org": 1.0,
    "openalex.org": 0.2,
    "crossref.org": 1.0,
    "huggingface.co": 1.0,
}
_OTHERS: Final = 1.0
#: a server that asks for more patience than this gets it from the next fetch, not from this one
MOST_PATIENCE: Final = 300.0
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
#: a body with these may say that a token or a kept search is gone
_TELLING: Final = frozenset({400, 404, 410, 422})
_MOST_REDIRECTS: Final = 5
#: a body that trickles is given up after so many times the timeout
_TRICKLE: Final = 10
_CHUNK: Final = 256 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came: a page, or None where nothing changed since.

    Only with status 200 the page is what was asked for.
    """

    page: Page | None
    status: int = 200
    etag: str = ""
    modified: str = ""


class _Failed(Exception):
    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        #: seconds that the server asked for
        self.after = after


@dataclass(kw_only=True)
class Web:
    """A client for all sources of a fetch, so that those at one host share its pace.

    Args:
        agent: the User-Agent, which names a contact.
        clock: epoch seconds; sleep: waits. Both are given, so that tests need not wait.
        asked: pace group -> when it was asked last; taken over from earlier processes and handed on
        to later ones.
        beat: called before each request; raises to stop.
    """

    agent: str
    attempts: int = 6
    timeout: float = 60.0
    cap: int = 100_000_000
    pace: Mapping[str, float] = field(default_factory=lambda: PACE)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    jitter: Callable[[], float] = random.random
    asked: dict[str, float] = field(default_factory=dict)
    beat: Callable[[], object] = lambda: None
    requests: int = 0
    repeated: int = 0

    def __post_init__(self) -> None:
        self._client = httpx.Client(
            timeout=self.timeout,
            follow_redirects=False,
            headers={"User-Agent": self.agent, "Accept-Encoding": "gzip, deflate"},
        )

    def close(self) -> None:
        self._client.close()

    def get(
        self,
        ask: Ask,
        into: Path,
        *,
        agent: str = "",
        etag: str = "",
        modified: str = "",
        attempt: int = 0,
    ) -> Answer:
        """Ask until there is an answer. `attempt`: tries that this question has used up already.

        Raises:
            Later: the server wants to be left alone for longer than this waits.
            SourceError: no answer after all attempts, or one that trying again would not change.
        """
        headers = {"If-None-Match": etag, "If-Modified-Since": modified, "User-Agent": agent}
        headers = {name: value for name, value in headers.items() if value}
        while True:
            attempt += 1
            try:
                return self._once(ask, into, headers)
            except _Failed as failure:
                told, after = f"{shown_url(ask.url)}: {failure}", failure.after
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                told, after = f"{shown_url(ask.url)}: {_plain(error)}", None
            if after is not None and after > MOST_PATIENCE:
                raise Later(f"{told}; it asks to be left alone for {after:,.0f} seconds", after)
            if attempt >= self.attempts:
                raise SourceError(f"{told}, after {attempt} tries")
            self.wait(attempt, after)

    def wait(self, attempt: int, after: float | None = None) -> None:
        """Before a question is asked again: as long as the server said, else longer each time and
        never in step with others.
        """
        self.repeated += 1
        backoff = min(120.0, 2.0**attempt) * (0.5 + self.jitter() / 2)
        self.sleep(max(after + self.jitter(), 0.0) if after is not None else backoff)

    def _once(self, ask: Ask, into: Path, headers: dict[str, str]) -> Answer:
        url = httpx.URL(ask.url)
        if ask.params:
            url = url.copy_merge_params(dict(ask.params))
        for _ in range(_MOST_REDIRECTS + 1):
            with self._open(url, headers) as response:
                if response.status_code not in _REDIRECTS:
                    return self._answer(response, into)
                url = self._redirected(url, response)
        raise SourceError(
            f"{shown_url(ask.url)}: more than {_MOST_REDIRECTS} redirects. "
            "Set the address that it ends at"
        )

    @contextmanager
    def _open(self, url: httpx.URL, headers: dict[str, str]) -> Iterator[httpx.Response]:
        self.beat()
        self._in_pace(url.host)
        self.requests += 1
        with self._client.stream("GET", url, headers=headers) as response:
            yield response

    def _in_pace(self, host: str) -> None:
        group = next((end for end in self.pace if host == end or host.endswith(f".{end}")), host)
        passed = self.clock() - self.asked.get(group, 0.0)
        rest = self.pace.get(group, _OTHERS) - passed
        # a clock that was set back must not stop everything
        if rest > 0 and passed >= 0:
            self.sleep(rest)
        self.asked[group] = self.clock()

    def _redirected(self, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        """Where a redirect goes on: at the host and port that the settings name, or nowhere.

        Neither parameters nor key travel along; what the server wants of them is in its answer.
        """
        place = shown_url(str(url))
        try:
            target = url.join(response.headers.get("Location", ""))
        except httpx.InvalidURL as error:
            raise SourceError(f"{place}: redirects to no address ({error})") from error
        if target.scheme not in ("http", "https") or (
            url.scheme == "https" and target.scheme == "http"
        ):
            raise SourceError(f"{place}: redirects to {target.scheme}:, which is not followed")
        if target.host != url.host or _port(target) not in _ports(url, target):
            other = target.netloc.decode("ascii", "replace").rpartition("@")[2]
            raise SourceError(
                f"{place}: redirects to {other}, which the settings do not name. "
                "If that is right, set it as the url"
            )
        return target

    def _answer(self, response: httpx.Response, into: Path) -> Answer:
        status = response.status_code
        if status == httpx.codes.NOT_MODIFIED:
            return Answer(page=None)
        if status in _AGAIN:
            raise _Failed(f"the server answers {status}", self._retry_after(response))
        if status in _TELLING:
            return Answer(page=Page(path=into, size=self._save(response, into)), status=status)
        if status != httpx.codes.OK:
            raise SourceError(
                f"{shown_url(str(response.url))}: the server answers {status} "
                f"{response.reason_phrase}. Check the settings of this source"
            )
        size = self._save(response, into)
        headers = response.headers
        return Answer(
            page=Page(path=into, size=size),
            etag=headers.get("ETag", "")[:500],
            modified=headers.get("Last-Modified", "")[:100],
        )

    def _retry_after(self, response: httpx.Response) -> float | None:
        """Seconds, given as such or as a date."""
        text = response.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - self.clock())
        except (ValueError, TypeError, OverflowError):
            return None

    def _save(self, response: httpx.Response, into: Path) -> int:
        size, until = 0, self.clock() + self.timeout * _TRICKLE
        with into.open("wb") as file:
            for piece in _unpacked(
                response.headers.get("Content-Encoding", ""), response.iter_raw()
            ):
                size += len(piece)
                if size > self.cap:
                    place = shown_url(str(response.url))
                    raise SourceError(
                        f"{place}: the answer is larger than {self.cap:,} bytes (fetch.max_mb)"
                    )
                if self.clock() > until:
                    raise _Failed(
                        f"the answer takes longer than {self.timeout * _TRICKLE:,.0f} seconds"
                    )
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        return size


_PORTS: Final = {"http": 80, "https": 443}


def _port(url: httpx.URL) -> int | None:
    return url.port or _PORTS.get(url.scheme)


def _ports(url: httpx.URL, target: httpx.URL) -> tuple[int | None, ...]:
    """Ports that a redirect may go to: the same one, or TLS's own from the plain one's."""
    upgrade = (url.scheme, _port(url), target.scheme) == ("http", 80, "https")
    return (443,) if upgrade else (_port(url),)


def _unpacked(encoding: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Unpacked in bounded steps: httpx itself would unpack whatever arrives at once, and a kilobyte
    may become a gigabyte.
    """
    if encoding in ("", "identity"):
        yield from pieces
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise SourceError(
            f"the server packs its answer with {encoding[:40]!r}, which was not asked for"
        )
    unpack = zlib.decompressobj(wbits=15 if encoding == "deflate" else 31)
    try:
        for piece in pieces:
            left = piece
            while left and not unpack.eof:
                yield unpack.decompress(left, _CHUNK)
                left = unpack.unconsumed_tail
        yield unpack.flush()
    except zlib.error as error:
        raise _Failed(f"the packed answer is damaged ({error})") from error
    if not unpack.eof:
        raise _Failed("the packed answer was cut off")


def _plain(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__
