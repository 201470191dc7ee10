"""Subscriptions: who reads, and with which settings.

`requests` applies requested settings. `versions` notices settings that changed since a form
was shown. `joining` makes subscribers. `lifecycle` changes, pauses, ends and deletes subscriptions.
`presses` does the same by buttons of pages. `consent` keeps what people agreed to. `signups`
limits sign-ups. `suppressions` stops mail.
"""

from digest.subscriptions.consent import WORDING, list_consents
from digest.subscriptions.joining import (
    SubscribeResult,
    apply_config,
    confirm,
    sign_up,
    subscribe,
    subscribe_many,
)
from digest.subscriptions.lifecycle import (
    ChangeResult,
    change,
    change_if_unchanged,
    delete,
    find,
    get,
    list_subscribers,
    load_origin,
    load_origins,
    pause,
    resubscribe,
    unsubscribe,
)
from digest.subscriptions.presses import (
    LeaveResult,
    ReturnResult,
    leave_by_link,
    pause_by_link,
    press_after_leaving,
    return_by_link,
)
from digest.subscriptions.requests import SubscriptionRequest, normalise_address, split_words
from digest.subscriptions.signups import delete_unconfirmed
from digest.subscriptions.suppressions import (
    list_suppressions,
    make_suppression,
    release,
    suppress,
)
from digest.subscriptions.versions import changed_since, version_of

__all__ = [
    "WORDING",
    "ChangeResult",
    "LeaveResult",
    "ReturnResult",
    "SubscribeResult",
    "SubscriptionRequest",
    "apply_config",
    "change",
    "change_if_unchanged",
    "changed_since",
    "confirm",
    "delete",
    "delete_unconfirmed",
    "find",
    "get",
    "leave_by_link",
    "list_consents",
    "list_subscribers",
    "list_suppressions",
    "load_origin",
    "load_origins",
    "make_suppression",
    "normalise_address",
    "pause",
    "pause_by_link",
    "press_after_leaving",
    "release",
    "resubscribe",
    "return_by_link",
    "sign_up",
    "split_words",
    "subscribe",
    "subscribe_many",
    "suppress",
    "unsubscribe",
    "version_of",
]
