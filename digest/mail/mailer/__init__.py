"""Hands messages to a mail server, or into a folder; the only place that speaks SMTP.

Knows nothing of the ledger.

`deliver` calls `begin` right before the first byte of the body: what it returns decides whether the
body goes out.
"""

from digest.mail.mailer.base import EVERYWHERE, Begin, Mailer
from digest.mail.mailer.folder import FolderMailer
from digest.mail.mailer.pacing import Pace
from digest.mail.mailer.session import SmtpServer, Timeouts
from digest.mail.mailer.smtp import Paces, SmtpMailer
from digest.mail.mailer.trial import Visit, visit

__all__ = [
    "EVERYWHERE",
    "Begin",
    "FolderMailer",
    "Mailer",
    "Pace",
    "Paces",
    "SmtpMailer",
    "SmtpServer",
    "Timeouts",
    "Visit",
    "visit",
]
