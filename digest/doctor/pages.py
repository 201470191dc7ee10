"""Check that the pages answer at web.base_url."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime

from digest.config import Config
from digest.doctor.clocks import compare_clock
from digest.doctor.findings import Finding, good, warning
from digest.mail import messages

_HTTP_SECONDS = 10.0


def check_pages(config: Config) -> Iterator[Finding]:
    """Check that the pages answer at web.base_url, and compare their clock with ours."""
    url = config.web.base_url
    if not messages.is_public_url(url):
        return
    context = ssl.create_default_context()
    remedy = (
        "Is `digest serve` running, and does the proxy forward to web.bind? Some networks "
        "cannot reach their own public address"
    )
    try:
        address = f"{url}/healthz"  # `reachable` above allows only http and https
        with urllib.request.urlopen(address, timeout=_HTTP_SECONDS, context=context) as answer:  # noqa: S310
            date = answer.headers.get("Date", "")
            health = json.loads(answer.read(100_000))
    except urllib.error.HTTPError as error:
        yield warning("pages", f"{url}/healthz answers {error.code}", remedy)
        error.close()
        return
    except (OSError, ValueError) as error:
        yield warning("pages", f"{url}/healthz: {getattr(error, 'reason', error)}", remedy)
        return
    if not isinstance(health, dict) or health.get("status") != "ok":
        yield warning("pages", f"{url}/healthz answers, but is not this service", remedy)
    else:
        yield good("pages", f"{url} answers")
    try:
        their_time = parsedate_to_datetime(date)
    except ValueError:
        return
    yield from compare_clock(
        f"the server at {url}", their_time if their_time.tzinfo else their_time.replace(tzinfo=UTC)
    )
