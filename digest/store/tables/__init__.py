"""The tables, by subject as in `model`.

A test checks that the migrations make the same.
"""

from digest.store.tables.columns import Instant, metadata
from digest.store.tables.consents import address_changes, consents
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

__all__ = [
    "Instant",
    "address_changes",
    "alarms",
    "bounces",
    "calibrations",
    "consents",
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
    "word_vectors",
]
