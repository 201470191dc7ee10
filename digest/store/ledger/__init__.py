"""The ledger of messages, a state machine.

Each step is one conditional UPDATE.

planned -> claimed -> sending -> accepted | rejected | deferred | unknown. Each UPDATE names the
state that it leaves, so two senders never take the same message.

- A claim is a lease. When it expires, a claimed message is planned again, and one that was being
  sent becomes unknown: whether the server took it cannot be known.
- A waiting message expires at the end of its window, and is skipped when its reader leaves.
- Evidence turns unknown into accepted or rejected.

Reading order: `transitions` (shared conditions), `planning` (messages come and are called off),
`leases` (claim, renew, release, recover), `attempts` (begin and settle).

Times: leases use `clock`, the real time. `now` may be another day (`--date`) and decides what is
due and what is late.
"""

from digest.store.ledger.attempts import begin, settle
from digest.store.ledger.leases import (
    CLAIM_MAX,
    LEASE,
    Recovered,
    claim,
    list_owners,
    postpone,
    recover,
    release,
    renew,
)
from digest.store.ledger.planning import plan, resolve, skip_alerts, skip_waiting
from digest.store.ledger.transitions import WAITING, is_deliverable

__all__ = [
    "CLAIM_MAX",
    "LEASE",
    "WAITING",
    "Recovered",
    "begin",
    "claim",
    "is_deliverable",
    "list_owners",
    "plan",
    "postpone",
    "recover",
    "release",
    "renew",
    "resolve",
    "settle",
    "skip_alerts",
    "skip_waiting",
]
