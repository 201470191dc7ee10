"""What webhooks need that knows no store: signatures, checked addresses, and HTTP.

Reading order: `signatures` (Standard Webhooks), `addresses` (which hosts may be reached),
`transport` (the only importer of httpx beside the sources).
"""

from digest.webhooks.addresses import RefusedAddressError, check_url
from digest.webhooks.signatures import format_secret, parse_secret, sign, verify
from digest.webhooks.transport import Reply, TransportError, fetch, post

__all__ = [
    "RefusedAddressError",
    "Reply",
    "TransportError",
    "check_url",
    "fetch",
    "format_secret",
    "parse_secret",
    "post",
    "sign",
    "verify",
]
