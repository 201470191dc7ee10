"""Config -> App.

The app chooses the database, the mailer and the workers that all verbs use.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from digest import kept, redaction, store
from digest.config import Config, WorkersSection, find_secrets
from digest.errors import (
    ConfigError,
    MailboxError,
    UnknownKeyError,
)
from digest.locales import languages
from digest.mail import links
from digest.mail.imap import ImapServer
from digest.mail.mailer import Mailer, RateLimiters
from digest.mail.messages import Mailing
from digest.mail_setup import (
    imap_server,
    make_mailer,
    make_mailing,
    make_mailing_or_unsigned,
    make_rate_limiters,
    smtp_servers,
)
from digest.model import Link, LinkKey, MessageKind, Purpose, Subscriber
from digest.ranking import encoders, recipes
from digest.store import Store
from digest.workers import Certificates, Cluster, Inline, Processes, Threads, Workers

T = TypeVar("T")
#: seconds after which a process looks for newer keys of links
_KEYS_MAX_AGE = 60.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Keys:
    """The keys of links as this process last read them."""

    known: list[LinkKey] = field(default_factory=list)
    #: by time.monotonic
    read: float = -math.inf


@dataclass(frozen=True, kw_only=True)
class App:
    """What the verbs work with."""

    config: Config
    store: Store
    workers: Workers
    now: Callable[[], datetime] = _utc_now
    #: folders whose templates win over the shipped ones
    templates: tuple[Path, ...] = ()
    make_mailer: Callable[[], Mailer]
    mailing: Mailing
    _keys: _Keys = field(default_factory=_Keys)
    _limiters: RateLimiters = field(default_factory=RateLimiters, repr=False)

    @classmethod
    def open(
        cls, config: Config, *, now: Callable[[], datetime] = _utc_now, migrate: bool = False
    ) -> Self:
        """Open the database and see to its schema.

        Raises:
            ConfigError: a recipe that it names does not exist.
            StoreError: it cannot be opened, or its schema is another version's and `migrate` is
            off.
        """
        redaction.register_secrets(*find_secrets(config))
        _check_recipes(config)
        kept.restrict(config)
        opened = Store(config.store.url)
        if migrate:
            store.schema.upgrade(opened)
        store.schema.require(opened)
        mailing, unsigned = make_mailing_or_unsigned(config)
        with opened.reading() as tx:
            install_id = store.installation.load_install_id(tx)
        mailing = replace(mailing, install_id=install_id)
        limiters = make_rate_limiters(config)
        return cls(
            config=config,
            store=opened,
            workers=_choose_workers(config.workers),
            now=now,
            templates=_list_templates(config),
            make_mailer=lambda: make_mailer(config, mailing.domain, limiters, unsigned),
            mailing=mailing,
            _limiters=limiters,
        )

    def with_config(self, config: Config) -> Self:
        """Return this app with other settings, on the same store.

        Unlike `open`, it refuses files that cannot be used: there is an app that works.

        Raises:
            ConfigError: a recipe does not exist, an address or domain is invalid, or a file with a
                key, a password or certificates cannot be used.
        """
        redaction.register_secrets(*find_secrets(config))
        _check_recipes(config)
        mailing = replace(make_mailing(config), install_id=self.mailing.install_id)
        # What was learned of mail servers stays, unless their limits are others.
        limiters = self._limiters if config.smtp == self.config.smtp else make_rate_limiters(config)
        smtp_servers(config, mailing.domain)
        imap_server(config)
        kept.restrict(config)
        return replace(
            self,
            config=config,
            workers=self.workers
            if config.workers == self.config.workers
            else _choose_workers(config.workers),
            templates=_list_templates(config),
            make_mailer=lambda: make_mailer(config, mailing.domain, limiters, ""),
            mailing=mailing,
            _limiters=limiters,
        )

    def at(self, now: datetime) -> Self:
        """Return the same app at another time, as `--date` asks."""
        return replace(self, now=lambda: now)

    def keys(self) -> list[LinkKey]:
        """The keys of links, made at first use; the last one signs.

        One that another process made is seen within a minute.
        """
        if not self._keys.known:
            with self.store.writing() as tx:
                self._set_keys(store.keys.ensure(tx, self.now()))
        elif time.monotonic() - self._keys.read > _KEYS_MAX_AGE:
            self._reload_keys()
        return self._keys.known

    def with_keys(self, use: Callable[[list[LinkKey]], T]) -> T:
        """Call `use` with the keys and return its result.

        If it meets an unknown key, the keys are loaded again, and it is called once more.

        Raises:
            LinkError: as `use` does.
        """
        try:
            return use(self.keys())
        except UnknownKeyError:
            self._reload_keys()
            return use(self.keys())

    def rotate_keys(self) -> list[LinkKey]:
        """Make a new key, which signs from now on.

        Links of older keys stay valid, since unsubscribing must work as long as a mail exists.
        """
        with self.store.writing() as tx:
            self._set_keys(store.keys.rotate(tx, self.now()))
        return self._keys.known

    def revoke_key(self, ident: int) -> bool:
        """Revoke a key, so that its links are refused, except those that unsubscribe.

        If it was the newest, a new one is made.

        Returns:
            False if it was revoked already.

        Raises:
            NotFoundError: there is no such key.
        """
        with self.store.writing() as tx:
            newly_revoked = store.keys.revoke(tx, ident, self.now())
            self._set_keys(store.keys.load_keys(tx))
        return newly_revoked

    def _reload_keys(self) -> None:
        with self.store.reading() as tx:
            self._set_keys(store.keys.load_keys(tx))

    def _set_keys(self, keys: list[LinkKey]) -> None:
        redaction.register_secrets(*(key.secret for key in keys))
        self._keys.known, self._keys.read = keys, time.monotonic()

    def language_of(self, subscriber: Subscriber) -> str:
        """Return the language of a reader's mails and pages."""
        chosen = subscriber.language
        return chosen if chosen in languages() else self.config.digest.language

    def url(
        self, purpose: Purpose, subscriber_id: int, *, paper_id: int = 0, message_id: int = 0
    ) -> str:
        """Return a signed link for a mail."""
        return self.urls([Link(purpose, subscriber_id, paper_id, message_id)])[0]

    def urls(self, unsigned_links: Sequence[Link]) -> list[str]:
        """Return the signed URLs of the links that a mail carries."""
        return self._format_urls(
            unsigned_links, links.write_tokens(unsigned_links, self.keys()[-1])
        )

    def urls_and_bounce_address(
        self, unsigned_links: Sequence[Link], subscriber_id: int, message_id: int
    ) -> tuple[list[str], str | None]:
        """Return what `urls` and `bounce_address` do, signed in one go."""
        domain = self.config.mail.bounce_domain
        bounce = Link(Purpose.BOUNCE, subscriber_id, message_id=message_id)
        signed = [*unsigned_links, bounce] if domain else unsigned_links
        tokens = links.write_tokens(signed, self.keys()[-1])
        address = links.format_bounce_address(tokens.pop(), domain) if domain else None
        return self._format_urls(unsigned_links, tokens), address

    def _format_urls(self, unsigned_links: Sequence[Link], tokens: Sequence[str]) -> list[str]:
        base_url = self.config.web.base_url
        return [
            f"{base_url}{PATHS[link.purpose]}{token}"
            for link, token in zip(unsigned_links, tokens, strict=True)
        ]

    def mailto(
        self, purpose: Purpose, subscriber_id: int, *, paper_id: int = 0, message_id: int = 0
    ) -> str:
        """Return a mailto link for the same request as `url`; "" without a mailbox."""
        if not self.mailing.mailbox:
            return ""
        link = Link(
            purpose=purpose, subscriber_id=subscriber_id, paper_id=paper_id, message_id=message_id
        )
        return links.write_mailto(link, self.keys()[-1], self.mailing.mailbox)

    def bounce_address(self, subscriber_id: int, message_id: int) -> str | None:
        """Return the envelope sender of one message.

        None where [mail] bounce_domain is not set; bounces then go to the sender.
        """
        if not self.config.mail.bounce_domain:
            return None
        link = Link(purpose=Purpose.BOUNCE, subscriber_id=subscriber_id, message_id=message_id)
        return links.write_bounce_address(link, self.keys()[-1], self.config.mail.bounce_domain)

    def message_id(self, kind: MessageKind, key: str, subscriber_id: int) -> str:
        """Return a Message-ID that stays the same on every attempt.

        Copies of a message can so be matched, and no other install has the same id. Databases of
        early versions have no install id; their Message-IDs are unique within the install alone.

        Args:
            kind: the kind of the message.
            key: what tells messages of one kind to one reader apart, such as the date of a digest.
            subscriber_id: the reader; 0 for the operator.
        """
        install = f".{self.mailing.install_id}" if self.mailing.install_id else ""
        return (
            f"<{kind.value}.{key.replace('-', '')}.s{subscriber_id}{install}@{self.mailing.domain}>"
        )

    @property
    def threads(self) -> Workers:
        """Workers within this process, for work of which single items are small."""
        settings = self.config.workers
        return Inline() if settings.kind == "inline" else Threads(settings.count)

    @property
    def imap(self) -> ImapServer | None:
        """The mailbox that bounces and requests come to; None where none is configured.

        Its password may be missing: `open_imap` says so.
        """
        return imap_server(self.config, files=False)

    def open_imap(self) -> ImapServer | None:
        """The same, to be read.

        Raises:
            MailboxError: a file that its settings name cannot be used.
        """
        try:
            return imap_server(self.config)
        except ConfigError as error:
            raise MailboxError(str(error)) from error

    def encoder(self) -> encoders.Encoder | None:
        """Return the operator's encoder, opened at first use; None without one.

        Raises:
            ConfigError: it cannot be opened.
        """
        return encoders.load(self.config.features.encoder) if self.config.features.encoder else None

    def close(self) -> None:
        self.store.close()


#: where the pages of each purpose are; lower-case, since some gateways make URLs so
PATHS = {
    Purpose.UP: "/t/",
    Purpose.DOWN: "/t/",
    Purpose.UNSUBSCRIBE: "/u/",
    Purpose.MANAGE: "/m/",
    Purpose.CONFIRM: "/c/",
    Purpose.RATE: "/d/",
    Purpose.VOTE: "/r/",
    Purpose.FEED: "/f/",
    Purpose.OBJECT: "/o/",
}


def make_cluster(settings: WorkersSection) -> Cluster:
    """Return the Dask cluster that the settings name; it is not asked anything yet."""
    ca, cert, key = settings.ca_file, settings.cert_file, settings.key_file
    certificates = Certificates(ca=ca, cert=cert, key=key) if ca and cert and key else None
    return Cluster(settings.dask, certificates=certificates)


def _choose_workers(settings: WorkersSection) -> Workers:
    if settings.dask:
        return make_cluster(settings)
    if settings.kind == "threads":
        return Threads(settings.count)
    if settings.kind == "processes":
        return Processes(settings.count)
    return Inline()


def _list_templates(config: Config) -> tuple[Path, ...]:
    return (config.mail.templates,) if config.mail.templates else ()


def _check_recipes(config: Config) -> None:
    own, other = config.digest.recipe, config.evaluate.recipe_b
    recipes.get_recipe(own, "digest.recipe")
    if other:
        recipes.get_recipe(other, "evaluate.recipe_b")
    if other == own:
        raise ConfigError(
            f"evaluate.recipe_b = {other!r}: is digest.recipe already. Name another one, or leave "
            f"it empty"
        )
