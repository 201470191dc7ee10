"""config.toml and the environment -> Config.

The only place with defaults. `app` turns the settings into plain values; modules below it do not
see Config. The environment variable DIGEST_SECTION__KEY wins over the file.

Reading order: `value_types`, the sections (`papers`, `readers`, `mail`, `service`), `sections` (all
of them), `loading`, `validation_errors`, `formatting` (the example file).

This stays our own code on top of pydantic, because pydantic-settings names neither the file nor the
remedy of a wrong value, and cannot write an example file. If it learns both, we should use it.
"""

from digest.config.formatting import example, redacted_values, toml
from digest.config.loading import PREFIX, check, environment_settings, load
from digest.config.mail import (
    BouncesSection,
    MailboxSection,
    MailSection,
    MoreServer,
    Server,
    SmtpSection,
)
from digest.config.mail_presets import (
    MAILBOX_PROVIDERS,
    PROVIDERS,
    Provider,
    find_provider,
    find_provider_of_exchangers,
)
from digest.config.oauth import OAuthSection
from digest.config.papers import FeaturesSection, FetchSection, IngestSection, SourceEntry
from digest.config.readers import DigestSection, EvaluateSection, InterestEntry, SubscriberEntry
from digest.config.secret_files import load_secret_files
from digest.config.secret_values import find_secrets
from digest.config.sections import LISTS, SECTIONS, Config
from digest.config.service import (
    AlertsSection,
    LogSection,
    MetricsSection,
    ScheduleSection,
    ServeSection,
    StoreSection,
    WebSection,
    WorkersSection,
)
from digest.config.webhooks import ProvidersSection, WebhooksSection

__all__ = [
    "LISTS",
    "MAILBOX_PROVIDERS",
    "PREFIX",
    "PROVIDERS",
    "SECTIONS",
    "AlertsSection",
    "BouncesSection",
    "Config",
    "DigestSection",
    "EvaluateSection",
    "FeaturesSection",
    "FetchSection",
    "IngestSection",
    "InterestEntry",
    "LogSection",
    "MailSection",
    "MailboxSection",
    "MetricsSection",
    "MoreServer",
    "OAuthSection",
    "Provider",
    "ProvidersSection",
    "ScheduleSection",
    "ServeSection",
    "Server",
    "SmtpSection",
    "SourceEntry",
    "StoreSection",
    "SubscriberEntry",
    "WebSection",
    "WebhooksSection",
    "WorkersSection",
    "check",
    "environment_settings",
    "example",
    "find_provider",
    "find_provider_of_exchangers",
    "find_secrets",
    "load",
    "load_secret_files",
    "redacted_values",
    "toml",
]
