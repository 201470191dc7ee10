"""Serve pages, scheduler and sender in one process.

The scheduler reads dumps and composes.

Each of them is a role, so several processes can share the work. Parts start in order and stop in
reverse order on SIGTERM or SIGINT: no new tick begins, open requests end, and the running verb ends
(a send finishes the deliveries that have begun and releases the other claims). A second signal ends
the process at once, which the ledger allows. SIGHUP reads the config again.

Reading order: `running` (start, wait, stop), `service` and `jobs` (what each clock calls), `pages`,
`reloading`, `pulse` and `notify` (whether loops advance, and telling it to systemd),
`database_gate`, `events`.
"""

from digest.serve.events import Events, note_hangups
from digest.serve.jobs import scheduling, sending
from digest.serve.pages import Background
from digest.serve.running import ROLES, run
from digest.serve.service import Service

__all__ = [
    "ROLES",
    "Background",
    "Events",
    "Service",
    "note_hangups",
    "run",
    "scheduling",
    "sending",
]
