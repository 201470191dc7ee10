"""Config -> App: the only place that chooses a database, a mailer and workers. Everything above gets them as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from digest import feedback, store, workers
from digest.config import Config
from digest.mailer import FolderMailer, Mailer, SmtpMailer, SmtpServer
from digest.messages import Mailing
from digest.model import Link, LinkKey, MessageKind, Purpose
from digest.store import Store


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class App:
    """What the verbs work with."""

    config: Config
    store: Store
    workers: workers.Workers
    now: Callable[[], datetime] = _utc_now
    #: folders whose templates win over the shipped ones
    templates: tuple[Path, ...] = ()
    make_mailer: Callable[[], Mailer]
    mailing: Mailing
    _keys: list[LinkKey] = field(default_factory=list)

    @classmethod
    def open(cls, config: Config, *, now: Callable[[], datetime] = _utc_now, migrate: bool = False) -> Self:
        """Open the database and see to its schema.

        Raises:
            StoreError: it cannot be opened, or its schema is another version's and `migrate` is off.
        """
        opened = Store(config.store.url)
        if migrate:
            store.schema.upgrade(opened)
        store.schema.require(opened)
        return cls(
            config=config,
            store=opened,
            workers=workers.Threads(config.workers.count) if config.workers.kind == "threads" else workers.Inline(),
            now=now,
            templates=(config.mail.templates,) if config.mail.templates else (),
            make_mailer=lambda: _mailer(config),
            mailing=_mailing(config),
        )

    def at(self, now: datetime) -> Self:
        """The same app at another time: what `--date` does."""
        return replace(self, now=lambda: now)

    def keys(self) -> list[LinkKey]:
        """The keys of links, made at first use."""
        if not self._keys:
            with self.store.writing() as tx:
                self._keys.extend(store.keys.ensure(tx, self.now()))
        return self._keys

    def url(self, purpose: Purpose, subscriber_id: int, *, paper_id: int = 0, message_id: int = 0) -> str:
        """The link that a mail carries."""
        link = Link(purpose=purpose, subscriber_id=subscriber_id, paper_id=paper_id, message_id=message_id)
        return f"{self.config.web.base_url}{PATHS[purpose]}{feedback.write_token(link, self.keys()[-1])}"

    def message_id(self, kind: MessageKind, key: str, subscriber_id: int) -> str:
        """The same on every attempt, so that people, reports and logs can match copies."""
        return f"<{kind.value}.{key.replace('-', '')}.s{subscriber_id}@{self.mailing.domain}>"

    def close(self) -> None:
        self.store.close()


#: where the pages of each purpose are; lower-case, since some gateways make URLs so
PATHS = {
    Purpose.UP: "/t/",
    Purpose.DOWN: "/t/",
    Purpose.UNSUBSCRIBE: "/u/",
    Purpose.MANAGE: "/m/",
    Purpose.CONFIRM: "/c/",
}


def _mailer(config: Config) -> Mailer:
    smtp = config.smtp
    if not smtp.host:
        return FolderMailer(smtp.outbox)
    return SmtpMailer(
        SmtpServer(
            host=smtp.host,
            port=smtp.port,
            tls=smtp.tls,
            username=smtp.username,
            password=smtp.password.get_secret_value(),
            timeout=float(smtp.timeout),
        )
    )


def _mailing(config: Config) -> Mailing:
    mail = config.mail
    domain = mail.domain or mail.sender.rpartition("@")[2]
    return Mailing(
        from_address=mail.sender,
        from_name=mail.name,
        list_name=mail.name,
        domain=domain,
        base_url=config.web.base_url,
        bounce_address=f"bounces@{mail.bounce_domain}" if mail.bounce_domain else None,
        postal_address=mail.postal_address,
    )
