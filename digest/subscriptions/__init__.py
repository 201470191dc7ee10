"""Who reads, and what they asked for.

wishes: what somebody wants. verbs: the life of a subscription. signups: limits for strangers.
suppressions: addresses that get no mail.
"""

from digest.subscriptions.signups import purge
from digest.subscriptions.suppressions import release, stopped, suppress, suppressed
from digest.subscriptions.verbs import (
    Subscribed,
    apply_config,
    ask,
    by_email,
    by_id,
    change,
    confirm,
    delete,
    everybody,
    origins,
    pause,
    return_after,
    subscribe,
    subscribe_many,
    unsubscribe,
)
from digest.subscriptions.wishes import Wish, address

__all__ = [
    "Subscribed",
    "Wish",
    "address",
    "apply_config",
    "ask",
    "by_email",
    "by_id",
    "change",
    "confirm",
    "delete",
    "everybody",
    "origins",
    "pause",
    "purge",
    "release",
    "return_after",
    "stopped",
    "subscribe",
    "subscribe_many",
    "suppress",
    "suppressed",
    "unsubscribe",
]
