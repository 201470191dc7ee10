"""config.toml and the environment -> Config.

The only place with defaults; below `app` nobody sees it, only values.

Every key can come from the environment as DIGEST_SECTION__KEY, which wins over the file. Reading
order: `checks` (what a value may be), the tables along the way of the data (`papers`, `readers`,
`mails`, then `service`), `whole` (all of them), `reading`, `problems` (what is said of a wrong
value), `writing` (the example file).
"""

from digest.config.files import with_files
from digest.config.mails import (
    BouncesSection,
    MailboxSection,
    MailSection,
    MoreServer,
    Server,
    SmtpSection,
)
from digest.config.papers import FeaturesSection, FetchSection, IngestSection, SourceEntry
from digest.config.readers import DigestSection, EvaluateSection, InterestEntry, SubscriberEntry
from digest.config.reading import PREFIX, check, from_environment, load
from digest.config.secret_values import secrets_of
from digest.config.service import (
    AlertsSection,
    LogSection,
    ScheduleSection,
    StoreSection,
    WebSection,
    WorkersSection,
)
from digest.config.whole import LISTS, SECTIONS, Config
from digest.config.writing import example, shown, toml

__all__ = [
    "LISTS",
    "PREFIX",
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
    "MoreServer",
    "ScheduleSection",
    "Server",
    "SmtpSection",
    "SourceEntry",
    "StoreSection",
    "SubscriberEntry",
    "WebSection",
    "WorkersSection",
    "check",
    "example",
    "from_environment",
    "load",
    "secrets_of",
    "shown",
    "toml",
    "with_files",
]
