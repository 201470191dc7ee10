"""Recognise bounces, complaints and automatic replies among inbound mails.

Pure: nothing is looked up or believed. Whoever holds the keys verifies the tokens, and
`mailer.replies` says whose fault a bounce was.

Reading order: `values` (the result), `classify` (which kind), `reports` (DSN and ARF),
`text_bounces`, `wording`, `automatic`, `mime` (bytes to parts), `suppression` (when bounces are
enough).
"""

from digest.mail.bounces.classify import read
from digest.mail.bounces.mime import MAX_SIZE
from digest.mail.bounces.suppression import SuppressionPolicy, suppression_reason
from digest.mail.bounces.values import InboundMail, Kind

__all__ = [
    "MAX_SIZE",
    "InboundMail",
    "Kind",
    "SuppressionPolicy",
    "read",
    "suppression_reason",
]
