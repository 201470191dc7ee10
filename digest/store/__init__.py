"""The only place that speaks SQL: one module per noun; rows become nouns here, and nothing else leaves."""

from digest.store import (
    arrivals,
    bounces,
    deliveries,
    digests,
    dumps,
    feedback,
    keys,
    ledger,
    mailboxes,
    owners,
    papers,
    past,
    rounds,
    schema,
    sources,
    subscribers,
    suppressions,
)
from digest.store.engine import Connection, Store

__all__ = [
    "Connection",
    "Store",
    "arrivals",
    "bounces",
    "deliveries",
    "digests",
    "dumps",
    "feedback",
    "keys",
    "ledger",
    "mailboxes",
    "owners",
    "papers",
    "past",
    "rounds",
    "schema",
    "sources",
    "subscribers",
    "suppressions",
]
