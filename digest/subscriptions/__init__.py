"""Subscriptions: who reads, and with which settings.

`requests` applies requested settings. `versions` notices settings that changed since a form
was shown. `joining` makes subscribers. `lifecycle` changes, pauses, ends and deletes subscriptions.
`presses` does the same by buttons of pages, and `mutes` mutes an author or a topic. `consent`
keeps what people agreed to. `address_change` moves a digest. `signups` limits sign-ups.
`suppressions` stops mail.
"""

from digest.subscriptions.address_change import (
    KEPT_FOR,
    MoveResult,
    ask_for_move,
    confirm_move,
    delete_old_moves,
    find_move,
    find_objection,
    object_to_move,
)
from digest.subscriptions.consent import WORDING, list_consents
from digest.subscriptions.joining import (
    SubscribeResult,
    apply_config,
    confirm,
    make_default_subscriber,
    sign_up,
    subscribe,
    subscribe_many,
)
from digest.subscriptions.lifecycle import (
    ChangeResult,
    change,
    change_by,
    change_if_unchanged,
    delete,
    find,
    get,
    list_subscribers,
    load_origin,
    pause,
    require_subscriber,
    resend_confirmation,
    resubscribe,
    unsubscribe,
)
from digest.subscriptions.mutes import MutedList, MuteResult, Wish, is_muted, mute, unmute
from digest.subscriptions.presses import (
    LeaveResult,
    ReturnResult,
    leave_by_link,
    pause_by_link,
    press_after_leaving,
    return_by_link,
)
from digest.subscriptions.requests import SubscriptionRequest, normalise_address, split_words
from digest.subscriptions.signups import delete_unconfirmed, hash_client
from digest.subscriptions.suppressions import (
    list_suppressions,
    make_suppression,
    release,
    suppress,
)
from digest.subscriptions.versions import changed_since, version_of

__all__ = [
    "KEPT_FOR",
    "WORDING",
    "ChangeResult",
    "LeaveResult",
    "MoveResult",
    "MuteResult",
    "MutedList",
    "ReturnResult",
    "SubscribeResult",
    "SubscriptionRequest",
    "Wish",
    "apply_config",
    "ask_for_move",
    "change",
    "change_by",
    "change_if_unchanged",
    "changed_since",
    "confirm",
    "confirm_move",
    "delete",
    "delete_old_moves",
    "delete_unconfirmed",
    "find",
    "find_move",
    "find_objection",
    "get",
    "hash_client",
    "is_muted",
    "leave_by_link",
    "list_consents",
    "list_subscribers",
    "list_suppressions",
    "load_origin",
    "make_default_subscriber",
    "make_suppression",
    "mute",
    "normalise_address",
    "object_to_move",
    "pause",
    "pause_by_link",
    "press_after_leaving",
    "release",
    "require_subscriber",
    "resend_confirmation",
    "resubscribe",
    "return_by_link",
    "sign_up",
    "split_words",
    "subscribe",
    "subscribe_many",
    "suppress",
    "unmute",
    "unsubscribe",
    "version_of",
]
