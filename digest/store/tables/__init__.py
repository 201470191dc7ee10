"""The tables, by subject as in `model`.

A test checks that the migrations make the same.
"""

from digest.store.tables.api import api_answers, api_keys
from digest.store.tables.columns import Instant, metadata
from digest.store.tables.community import curator_picks, submissions, upvotes
from digest.store.tables.consents import address_changes, consents
from digest.store.tables.digests import calibrations, digest_items, digests
from digest.store.tables.messages import (
    bounces,
    deliveries,
    mailboxes,
    messages,
    pauses,
    sending_ramps,
    sending_stops,
)
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
from digest.store.tables.service import (
    alarms,
    installation,
    link_keys,
    operator_sessions,
    prunings,
    rounds,
    source_states,
)
from digest.store.tables.subscribers import (
    feedback,
    feeds,
    interests,
    presses,
    saved_papers,
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
    "address_changes",
    "alarms",
    "api_answers",
    "api_keys",
    "bounces",
    "calibrations",
    "consents",
    "curator_picks",
    "deliveries",
    "digest_items",
    "digests",
    "dumps",
    "encoders",
    "encodings",
    "feedback",
    "feeds",
    "frequencies",
    "identities",
    "installation",
    "interests",
    "link_keys",
    "mailboxes",
    "messages",
    "metadata",
    "operator_sessions",
    "papers",
    "pauses",
    "picks",
    "presses",
    "provider_events",
    "prunings",
    "recommendations",
    "records",
    "rejects",
    "removals",
    "rounds",
    "saved_papers",
    "sending_ramps",
    "sending_stops",
    "signups",
    "source_states",
    "splits",
    "submissions",
    "subscribers",
    "suppressions",
    "upvotes",
    "vectors",
    "webhook_deliveries",
    "webhooks",
    "word_vectors",
]
