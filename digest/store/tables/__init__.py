"""The tables, by subject as in `model`.

A test checks that the migrations make the same.
"""

from digest.store.tables.api import api_answers, api_keys
from digest.store.tables.columns import Instant, metadata
from digest.store.tables.digests import calibrations, digest_items, digests
from digest.store.tables.messages import bounces, deliveries, mailboxes, messages, pauses
from digest.store.tables.papers import (
    dumps,
    encoders,
    encodings,
    frequencies,
    identities,
    papers,
    picks,
    records,
    rejects,
    removals,
    splits,
    vectors,
    word_vectors,
)
from digest.store.tables.service import alarms, installation, link_keys, rounds, source_states
from digest.store.tables.subscribers import (
    feedback,
    interests,
    presses,
    signups,
    subscribers,
    suppressions,
)
from digest.store.tables.webhooks import (
    provider_events,
    recommendations,
    webhook_deliveries,
    webhooks,
)

__all__ = [
    "Instant",
    "alarms",
    "api_answers",
    "api_keys",
    "bounces",
    "calibrations",
    "deliveries",
    "digest_items",
    "digests",
    "dumps",
    "encoders",
    "encodings",
    "feedback",
    "frequencies",
    "identities",
    "installation",
    "interests",
    "link_keys",
    "mailboxes",
    "messages",
    "metadata",
    "papers",
    "pauses",
    "picks",
    "presses",
    "provider_events",
    "recommendations",
    "records",
    "rejects",
    "removals",
    "rounds",
    "signups",
    "source_states",
    "splits",
    "subscribers",
    "suppressions",
    "vectors",
    "webhook_deliveries",
    "webhooks",
    "word_vectors",
]
