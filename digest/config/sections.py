"""All settings as one value, and the order of the sections."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from digest.config.keep import KeepSection
from digest.config.mail import BouncesSection, MailboxSection, MailSection, MoreServer, SmtpSection
from digest.config.oauth import OAuthSection
from digest.config.papers import (
    FeaturesSection,
    FetchSection,
    IngestSection,
    SourceEntries,
    SourceEntry,
)
from digest.config.readers import DigestSection, EvaluateSection, InterestEntry, SubscriberEntry
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
from digest.config.value_types import Section
from digest.config.webhooks import ProvidersSection, WebhooksSection


class Config(Section):
    """Everything that can be set."""

    store: StoreSection = StoreSection()
    ingest: IngestSection = IngestSection()
    features: FeaturesSection = FeaturesSection()
    fetch: FetchSection = FetchSection()
    smtp: SmtpSection = SmtpSection()
    mail: MailSection = MailSection()
    mailbox: MailboxSection = MailboxSection()
    oauth: OAuthSection = OAuthSection()
    web: WebSection = WebSection()
    serve: ServeSection = ServeSection()
    webhooks: WebhooksSection = WebhooksSection()
    providers: ProvidersSection = ProvidersSection()
    digest: DigestSection = DigestSection()
    evaluate: EvaluateSection = EvaluateSection()
    bounces: BouncesSection = BouncesSection()
    alerts: AlertsSection = AlertsSection()
    schedule: ScheduleSection = ScheduleSection()
    workers: WorkersSection = WorkersSection()
    log: LogSection = LogSection()
    keep: KeepSection = KeepSection()
    metrics: MetricsSection = MetricsSection()
    sources: SourceEntries = Field((), strict=False)
    subscribers: tuple[SubscriberEntry, ...] = Field((), strict=False)


#: lists of tables; they come last in the example file
LISTS: Mapping[str, type[BaseModel]] = {"sources": SourceEntry, "subscribers": SubscriberEntry}
#: lists of tables within a section; they come after its keys
SUBLISTS: Mapping[tuple[str, str], type[BaseModel]] = {
    ("smtp", "more"): MoreServer,
    ("subscribers", "interests"): InterestEntry,
}
#: tables of keys, in the order of the example file
SECTIONS = tuple(name for name in Config.model_fields if name not in LISTS)


def section_at(path: list[str]) -> type[BaseModel] | None:
    """Return the table at a path in the file; None if it is a key or unknown."""
    if not path:
        return Config
    rest = [part for part in path[1:] if not part.isdigit()]
    if path[0] in LISTS:
        return (
            SUBLISTS.get((path[0], rest[0])) if len(rest) == 1 else None if rest else LISTS[path[0]]
        )
    if rest:
        return SUBLISTS.get((path[0], rest[0])) if len(rest) == 1 else None
    annotation = Config.model_fields[path[0]].annotation if path[0] in Config.model_fields else None
    return (
        annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    )
