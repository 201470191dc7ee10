"""Hands messages to a mail server, or into a folder; the only place that speaks SMTP. Knows nothing of the ledger.

`deliver` calls `begin` right before the first byte of the body: what it returns decides whether the body goes out.
"""

from digest.mailer.base import Begin, Mailer
from digest.mailer.folder import FolderMailer
from digest.mailer.smtp import SmtpMailer, SmtpServer

__all__ = ["Begin", "FolderMailer", "Mailer", "SmtpMailer", "SmtpServer"]
