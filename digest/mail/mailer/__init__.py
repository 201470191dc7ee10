"""Hand messages to a mail server or a folder; only this package speaks SMTP.

Knows nothing of the ledger. `deliver` awaits a callback right before the first byte of the body;
its answer decides whether the body goes out.

Reading order: `base` (the interface), `smtp` (one message), `routing` (which server), `limits` and
`pacing` (when), `pool` and `session` (connections), `handshake` (up to the login), `wire` (reading
replies), `envelope` (addresses and bytes), `replies` (what they mean), `folder`, `server_check`.
"""

from digest.mail.mailer.base import ALL_DOMAINS, Begin, Mailer
from digest.mail.mailer.folder import FolderMailer
from digest.mail.mailer.limits import RateLimiters
from digest.mail.mailer.pacing import RateLimiter
from digest.mail.mailer.server import SmtpServer, Timeouts
from digest.mail.mailer.server_check import ServerInfo, check_server
from digest.mail.mailer.smtp import SmtpMailer

__all__ = [
    "ALL_DOMAINS",
    "Begin",
    "FolderMailer",
    "Mailer",
    "RateLimiter",
    "RateLimiters",
    "ServerInfo",
    "SmtpMailer",
    "SmtpServer",
    "Timeouts",
    "check_server",
]
