"""The nouns. Frozen, keyword-only values that cross the borders between stages and edges; no behaviour beyond checks.

They stand by subject, in the order of the data: `papers`, `subscribers`, `digests`, `messages`, `links`. Nothing here reads a clock, a file or a
database.
"""

from digest.model.digests import Digest, Item, Made, MatchWord, Part, PartKind, Quiet, QuietReason, Score, Slot
from digest.model.instants import check_instant
from digest.model.links import Link, LinkKey, Purpose
from digest.model.messages import (
    OPERATOR,
    Bounced,
    Delivery,
    Fault,
    Message,
    MessageKind,
    MessageState,
    Outcome,
    Pause,
    PauseKind,
    PauseReason,
    Phase,
    Queued,
)
from digest.model.papers import UNSEEN, Entry, Identity, IdentityKind, Merged, Paper, Record, Rejected, Removal, Seen, Skipped
from digest.model.subscribers import (
    SHARE_MAX,
    THRESHOLD_WORDS,
    Feedback,
    Interest,
    Standing,
    Subscriber,
    Suppression,
    SuppressionReason,
    Threshold,
    Vote,
)

__all__ = [
    "OPERATOR",
    "SHARE_MAX",
    "THRESHOLD_WORDS",
    "UNSEEN",
    "Bounced",
    "Delivery",
    "Digest",
    "Entry",
    "Fault",
    "Feedback",
    "Identity",
    "IdentityKind",
    "Interest",
    "Item",
    "Link",
    "LinkKey",
    "Made",
    "MatchWord",
    "Merged",
    "Message",
    "MessageKind",
    "MessageState",
    "Outcome",
    "Paper",
    "Part",
    "PartKind",
    "Pause",
    "PauseKind",
    "PauseReason",
    "Phase",
    "Purpose",
    "Queued",
    "Quiet",
    "QuietReason",
    "Record",
    "Rejected",
    "Removal",
    "Score",
    "Seen",
    "Skipped",
    "Slot",
    "Standing",
    "Subscriber",
    "Suppression",
    "SuppressionReason",
    "Threshold",
    "Vote",
    "check_instant",
]
