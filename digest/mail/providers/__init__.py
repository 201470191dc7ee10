"""Read what mail providers report by HTTP: bounces, complaints, readers who leave.

Pure: a body and its headers in, events out. `services.provider_events` acts on them, as
`services.inbound` does on reports by mail.

Reading order: `values` (the events), then one module for each provider. Each has `verify` where the
provider signs, and `read`.
"""

from digest.mail.providers import brevo, mailgun, postmark, sendgrid, ses
from digest.mail.providers.values import MalformedError, ProviderEvent, UnverifiedError

__all__ = [
    "MalformedError",
    "ProviderEvent",
    "UnverifiedError",
    "brevo",
    "mailgun",
    "postmark",
    "sendgrid",
    "ses",
]
