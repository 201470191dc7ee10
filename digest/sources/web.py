"""HTTP with rate limits, exponential backoff and answers of bounded size on disk.

The only importer of httpx. Keeps the published rate limit of each host, and obeys Retry-After, also
across processes. Follows redirects only within the host and port of the request. Knows no protocol
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
from functools import cached_property
from pathlib import Path
from typing import Final

import httpx

from digest import encodings
from digest.errors import SourceError
from digest.sources.base import Page, Request, RetryLater, redact_url

#: end of the host's name -> seconds between requests: https://info.arxiv.org/help/api/tou.html,
#: E-utilities (3 a second), ...
MIN_INTERVALS: Final[Mapping[str, float]] = {
    "arxiv.org": 3.0,
    "ncbi.nlm.nih.gov": 0.34,
    "biorxiv.org": 1.0,
    "medrxiv.org": 1.0,
    "openalex.org": 0.2,
    "crossref.org": 1.0,
    "huggingface.co": 1.0,
    "dblp.org": 2.0,
}
#: of other hosts
_DEFAULT_INTERVAL: Final = 1.0
#: seconds; if a server asks for a longer pause, this fetch ends and the next one waits
MAX_WAIT: Final = 300.0
_RETRIED_STATUS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECT_STATUS: Final = frozenset({301, 302, 303, 307, 308})
#: the body may say that a token or a kept search is lost
_STATUS_WITH_REASON: Final = frozenset({400, 404, 410, 422})
_REDIRECT_LIMIT: Final = 5
#: a slow body is given up after this many times the timeout
_SLOW_FACTOR: Final = 10
_CHUNK: Final = 256 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer; `page` is None if nothing has changed.

    Only with status 200 the page is what was requested.
    """

    page: Page | None
    status: int = 200
    etag: str = ""
    modified: str = ""


class _RequestFailed(Exception):
    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        #: seconds that the server asks to wait
        self.after = after


@dataclass(kw_only=True)
class Web:
    """An HTTP client for all sources of a fetch.

    Sources at one host share its rate limit.

    Args:
        agent: The User-Agent, which names a contact.
        attempts: Requests until one counts as failed.
        timeout: Seconds.
        cap: Bytes of an answer.
        pace: End of a host's name -> seconds between requests.
        clock: Returns epoch seconds.
        sleep: Waits for seconds.
        jitter: Returns a random number from 0 to 1.
        last_requests: Host group -> time of its last request; kept from process to process.
        beat: Is called before each request, and raises to stop.
    """

    agent: str
    attempts: int = 6
    timeout: float = 60.0
    cap: int = 100_000_000
    pace: Mapping[str, float] = field(default_factory=lambda: MIN_INTERVALS)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    jitter: Callable[[], float] = random.random
    last_requests: dict[str, float] = field(default_factory=dict)
    beat: Callable[[], object] = lambda: None
    requests: int = 0
    retries: int = 0

    @cached_property
    def _client(self) -> httpx.Client:
        """The client, made at the first request: most ticks of `serve` ask nobody."""
        return httpx.Client(
            timeout=self.timeout,
            follow_redirects=False,
            headers={"User-Agent": self.agent, "Accept-Encoding": "gzip, deflate"},
        )

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    def get(
        self,
        request: Request,
        into: Path,
        *,
        agent: str = "",
        etag: str = "",
        modified: str = "",
        attempt: int = 0,
    ) -> Answer:
        """Repeat a request until it is answered.

        Args:
            request: The request.
            into: The file for the body.
            agent: The User-Agent, if not the client's.
            etag: Of the last answer.
            modified: The Last-Modified of the last answer.
            attempt: Attempts that have been used already.

        Raises:
            RetryLater: If the server asks for a longer pause than a fetch waits.
            SourceError: If no attempt is answered, or if repeating cannot help.
        """
        headers = {"If-None-Match": etag, "If-Modified-Since": modified, "User-Agent": agent}
        headers = {name: value for name, value in headers.items() if value} | dict(request.headers)
        while True:
            attempt += 1
            try:
                return self._send(request, into, headers)
            except _RequestFailed as failure:
                message, after = f"{redact_url(request.url)}: {failure}", failure.after
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                message, after = f"{redact_url(request.url)}: {_describe_error(error)}", None
            if after is not None and after > MAX_WAIT:
                raise RetryLater(
                    f"{message}; it asks to be left alone for {after:,.0f} seconds", after
                )
            if attempt >= self.attempts:
                raise SourceError(f"{message}, after {attempt} tries")
            self.wait(attempt, after)

    def wait(self, attempt: int, after: float | None = None) -> None:
        """Wait before a request is repeated.

        As long as the server asks, else with exponential backoff and jitter.
        """
        self.retries += 1
        backoff = min(120.0, 2.0**attempt) * (0.5 + self.jitter() / 2)
        self.sleep(max(after + self.jitter(), 0.0) if after is not None else backoff)

    def _send(self, request: Request, into: Path, headers: dict[str, str]) -> Answer:
        url = httpx.URL(request.url)
        if request.params:
            url = url.copy_merge_params(dict(request.params))
        for _ in range(_REDIRECT_LIMIT + 1):
            with self._open(url, headers) as response:
                if response.status_code not in _REDIRECT_STATUS:
                    return self._read_answer(response, into)
                url = self._follow_redirect(url, response)
        raise SourceError(
            f"{redact_url(request.url)}: more than {_REDIRECT_LIMIT} redirects. "
            "Set the address that it ends at"
        )

    @contextmanager
    def _open(self, url: httpx.URL, headers: dict[str, str]) -> Iterator[httpx.Response]:
        self.beat()
        self._keep_rate_limit(url.host)
        self.requests += 1
        with self._client.stream("GET", url, headers=headers) as response:
            yield response

    def _keep_rate_limit(self, host: str) -> None:
        group = next(
            (suffix for suffix in self.pace if host == suffix or host.endswith(f".{suffix}")), host
        )
        elapsed = self.clock() - self.last_requests.get(group, 0.0)
        remaining = self.pace.get(group, _DEFAULT_INTERVAL) - elapsed
        # After the clock was set back, do not wait.
        if remaining > 0 and elapsed >= 0:
            self.sleep(remaining)
        self.last_requests[group] = self.clock()

    def _follow_redirect(self, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        """Return the target of a redirect, which must be at the same host and port.

        Parameters and keys are not sent along; the server puts what it needs into the target.

        Raises:
            SourceError: If the redirect leads anywhere else.
        """
        address = redact_url(str(url))
        try:
            target = url.join(response.headers.get("Location", ""))
        except httpx.InvalidURL as error:
            raise SourceError(f"{address}: redirects to no address ({error})") from error
        if target.scheme not in ("http", "https") or (
            url.scheme == "https" and target.scheme == "http"
        ):
            raise SourceError(f"{address}: redirects to {target.scheme}:, which is not followed")
        if target.host != url.host or _port(target) not in _allowed_ports(url, target):
            other = target.netloc.decode("ascii", "replace").rpartition("@")[2]
            raise SourceError(
                f"{address}: redirects to {other}, which the settings do not name. "
                "If that is right, set it as the url"
            )
        return target

    def _read_answer(self, response: httpx.Response, into: Path) -> Answer:
        status = response.status_code
        if status == httpx.codes.NOT_MODIFIED:
            return Answer(page=None)
        if status in _RETRIED_STATUS:
            raise _RequestFailed(f"the server answers {status}", self._read_retry_after(response))
        if status in _STATUS_WITH_REASON:
            return Answer(page=Page(path=into, size=self._save_body(response, into)), status=status)
        if status != httpx.codes.OK:
            raise SourceError(
                f"{redact_url(str(response.url))}: the server answers {status} "
                f"{response.reason_phrase}. Check the settings of this source"
            )
        self._save_body(response, into)
        size = encodings.recode_file(into, response.charset_encoding or "")
        headers = response.headers
        return Answer(
            page=Page(path=into, size=size),
            etag=headers.get("ETag", "")[:500],
            modified=headers.get("Last-Modified", "")[:100],
        )

    def _read_retry_after(self, response: httpx.Response) -> float | None:
        """Read the seconds of Retry-After, which may be a date."""
        text = response.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - self.clock())
        except (ValueError, TypeError, OverflowError):
            return None

    def _save_body(self, response: httpx.Response, into: Path) -> int:
        size, deadline = 0, self.clock() + self.timeout * _SLOW_FACTOR
        with into.open("wb") as file:
            for chunk in _decompress(
                response.headers.get("Content-Encoding", ""), response.iter_raw()
            ):
                size += len(chunk)
                if size > self.cap:
                    address = redact_url(str(response.url))
                    raise SourceError(
                        f"{address}: the answer is larger than {self.cap:,} bytes (fetch.max_mb)"
                    )
                if self.clock() > deadline:
                    raise _RequestFailed(
                        f"the answer takes longer than {self.timeout * _SLOW_FACTOR:,.0f} seconds"
                    )
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        return size


_PORTS: Final = {"http": 80, "https": 443}


def _port(url: httpx.URL) -> int | None:
    return url.port or _PORTS.get(url.scheme)


def _allowed_ports(url: httpx.URL, target: httpx.URL) -> tuple[int | None, ...]:
    """Return the ports of a redirect: the same one, or 443 from plain HTTP on port 80."""
    upgrade = (url.scheme, _port(url), target.scheme) == ("http", 80, "https")
    return (443,) if upgrade else (_port(url),)


def _decompress(encoding: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress in bounded steps.

    httpx would decompress a whole piece at once, and a kilobyte may become a gigabyte.
    """
    if encoding in ("", "identity"):
        yield from pieces
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise SourceError(
            f"the server packs its answer with {encoding[:40]!r}, which was not asked for"
        )
    decompressor = zlib.decompressobj(wbits=15 if encoding == "deflate" else 31)
    try:
        for piece in pieces:
            pending = piece
            while pending and not decompressor.eof:
                yield decompressor.decompress(pending, _CHUNK)
                pending = decompressor.unconsumed_tail
        yield decompressor.flush()
    except zlib.error as error:
        raise _RequestFailed(f"the packed answer is damaged ({error})") from error
    if not decompressor.eof:
        raise _RequestFailed("the packed answer was cut off")


def _describe_error(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__
