"""The only place that speaks SQL: one module per noun; rows become nouns here, and nothing else leaves."""

from digest.store import arrivals, deliveries, digests, dumps, feedback, keys, ledger, owners, papers, rounds, schema, sources, subscribers
from digest.store.engine import Connection, Store

__all__ = [
    "Connection",
    "Store",
    "arrivals",
    "deliveries",
    "digests",
    "dumps",
    "feedback",
    "keys",
    "ledger",
    "owners",
    "papers",
    "rounds",
    "schema",
    "sources",
    "subscribers",
]
