"""Who reads, and what they asked for.

wishes: what somebody wants. versions: what a form showed. joining: how somebody becomes a
reader. verbs: the life of a subscription. presses: the same by the buttons of pages. signups:
limits for strangers. suppressions: addresses that get no mail.
"""

from digest.subscriptions.joining import (
    Subscribed,
    apply_config,
    ask,
    confirm,
    subscribe,
    subscribe_many,
)
from digest.subscriptions.presses import (
    Left,
    Returned,
    leave_by_link,
    pause_by_link,
    press_after_leaving,
    return_by_link,
)
from digest.subscriptions.settings_form import Wish, address
from digest.subscriptions.signups import purge
from digest.subscriptions.suppressions import release, stopped, suppress, suppressed
from digest.subscriptions.verbs import (
    Changed,
    by_email,
    by_id,
    change,
    change_seen,
    delete,
    everybody,
    origins,
    pause,
    return_after,
    unsubscribe,
)
from digest.subscriptions.versions import changed_since, version_of

__all__ = [
    "Changed",
    "Left",
    "Returned",
    "Subscribed",
    "Wish",
    "address",
    "apply_config",
    "ask",
    "by_email",
    "by_id",
    "change",
    "change_seen",
    "changed_since",
    "confirm",
    "delete",
    "everybody",
    "leave_by_link",
    "origins",
    "pause",
    "pause_by_link",
    "press_after_leaving",
    "purge",
    "release",
    "return_after",
    "return_by_link",
    "stopped",
    "subscribe",
    "subscribe_many",
    "suppress",
    "suppressed",
    "unsubscribe",
    "version_of",
]
