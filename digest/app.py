"""Config -> App: the only place that chooses a database, a mailer and workers.

Everything above gets them as values.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from digest import kept, redaction, store, workers
from digest.config import Config, Server, find_secrets, load_secret_files
from digest.errors import (
    AddressError,
    ConfigError,
    InputError,
    KeyFileError,
    MailboxError,
    MailerError,
    UnknownKeyError,
)
from digest.mail import links, messages
from digest.mail.imap import ImapServer
from digest.mail.mailer import (
    FolderMailer,
    Mailer,
    RateLimiter,
    RateLimiters,
    SmtpMailer,
    SmtpServer,
    Timeouts,
)
from digest.mail.messages import Mailing, Signer, dkim
from digest.model import Link, LinkKey, MessageKind, Purpose
from digest.ranking import encoders, recipes
from digest.store import Store

T = TypeVar("T")
#: RFC 2606: under these names no mailbox exists
_NOWHERE = ("localhost", "example", "test", "invalid")
#: seconds after which a process that signs links looks whether there is a newer key
_KEYS_KEPT = 60.0


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
    workers: workers.Workers
    now: Callable[[], datetime] = _utc_now
    #: folders whose templates win over the shipped ones
    templates: tuple[Path, ...] = ()
    make_mailer: Callable[[], Mailer]
    mailing: Mailing
    _keys: _Keys = field(default_factory=_Keys)

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
        mailing, unsigned = _mailing(config)
        with opened.reading() as tx:
            install_id = store.installation.load_install_id(tx)
        mailing = replace(mailing, install_id=install_id)
        limiters = _rate_limiters(config)
        return cls(
            config=config,
            store=opened,
            workers=workers.Threads(config.workers.count)
            if config.workers.kind == "threads"
            else workers.Inline(),
            now=now,
            templates=(config.mail.templates,) if config.mail.templates else (),
            make_mailer=lambda: _mailer(config, mailing.domain, limiters, unsigned),
            mailing=mailing,
        )

    def at(self, now: datetime) -> Self:
        """The same app at another time: what `--date` does."""
        return replace(self, now=lambda: now)

    def keys(self) -> list[LinkKey]:
        """The keys of links, made at first use; the last one signs.

        One that another process made is seen within a minute.
        """
        if not self._keys.known:
            with self.store.writing() as tx:
                self._take(store.keys.ensure(tx, self.now()))
        elif time.monotonic() - self._keys.read > _KEYS_KEPT:
            self._read_keys()
        return self._keys.known

    def with_keys(self, read: Callable[[list[LinkKey]], T]) -> T:
        """What `read` makes of the keys; where it meets one that is not known, they are read again
        first.

        Raises:
            LinkError: as `read` does.
        """
        try:
            return read(self.keys())
        except UnknownKeyError:
            self._read_keys()
            return read(self.keys())

    def rotate_keys(self) -> list[LinkKey]:
        """Make a new key, which signs from now on; the older ones go on being taken, since leaving
        works as long as a mail exists.
        """
        with self.store.writing() as tx:
            self._take(store.keys.rotate(tx, self.now()))
        return self._keys.known

    def revoke_key(self, ident: int) -> bool:
        """Take no more links of a key, but those that leave; False: it was revoked already.

        Where it was the newest, a new one is made.

        Raises:
            NotFoundError: there is no such key.
        """
        with self.store.writing() as tx:
            done = store.keys.revoke(tx, ident, self.now())
            self._take(store.keys.load_keys(tx))
        return done

    def _read_keys(self) -> None:
        with self.store.reading() as tx:
            self._take(store.keys.load_keys(tx))

    def _take(self, keys: list[LinkKey]) -> None:
        redaction.register_secrets(*(key.secret for key in keys))
        self._keys.known, self._keys.read = keys, time.monotonic()

    def url(
        self, purpose: Purpose, subscriber_id: int, *, paper_id: int = 0, message_id: int = 0
    ) -> str:
        """The link that a mail carries."""
        return self.urls([Link(purpose, subscriber_id, paper_id, message_id)])[0]

    def urls(self, wanted: Sequence[Link]) -> list[str]:
        """The same for all that a mail carries."""
        base_url, key = self.config.web.base_url, self.keys()[-1]
        return [f"{base_url}{PATHS[link.purpose]}{links.write_token(link, key)}" for link in wanted]

    def mailto(
        self, purpose: Purpose, subscriber_id: int, *, paper_id: int = 0, message_id: int = 0
    ) -> str:
        """The same as `url`, to be asked by mail; "" where no mailbox takes answers."""
        if not self.mailing.mailbox:
            return ""
        link = Link(
            purpose=purpose, subscriber_id=subscriber_id, paper_id=paper_id, message_id=message_id
        )
        return links.write_mailto(link, self.keys()[-1], self.mailing.mailbox)

    def bounce_address(self, subscriber_id: int, message_id: int) -> str | None:
        """The envelope sender of one message; None where [mail] bounce_domain is not set and
        bounces go to the sender.
        """
        if not self.config.mail.bounce_domain:
            return None
        link = Link(purpose=Purpose.BOUNCE, subscriber_id=subscriber_id, message_id=message_id)
        return links.write_bounce_address(link, self.keys()[-1], self.config.mail.bounce_domain)

    def message_id(self, kind: MessageKind, key: str, subscriber_id: int) -> str:
        """The same on every attempt, so that people, reports and logs can match copies; no other
        install has it.
        """
        install = f".{self.mailing.install_id}" if self.mailing.install_id else ""
        return (
            f"<{kind.value}.{key.replace('-', '')}.s{subscriber_id}{install}@{self.mailing.domain}>"
        )

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
        """The encoder that the operator brings, opened at first use; None where there is none.

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
}


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


def _rate_limiters(config: Config) -> RateLimiters:
    """What rounds learn of servers and domains outlives the mailer of each."""
    return RateLimiters(domains=RateLimiter(max_rate=config.smtp.domain_per_minute or math.inf))


def _mailing(config: Config) -> tuple[Mailing, str]:
    """How mails present themselves, and why they cannot be signed, which stops sending alone."""
    try:
        return make_mailing(config), ""
    except KeyFileError as error:
        keys: dict[str, None] = {"dkim_key_file": None, "dkim_ed25519_key_file": None}
        unsigned = config.model_copy(update={"mail": config.mail.model_copy(update=keys)})
        return make_mailing(unsigned), f"{error}. Then start this again; until then nothing is sent"


def _mailer(config: Config, hello: str, limiters: RateLimiters, unsigned: str) -> Mailer:
    """Raises MailerError where a file that sending needs cannot be used: mails wait for it."""
    if unsigned:
        raise MailerError(unsigned)
    try:
        servers = smtp_servers(config, hello)
    except ConfigError as error:
        raise MailerError(str(error)) from error
    return SmtpMailer(servers, limiters) if servers else FolderMailer(config.smtp.outbox)


def smtp_servers(config: Config, hello: str, *, files: bool = True) -> list[SmtpServer]:
    """The mail servers in order, none where mails go to a folder.

    Args:
        hello: the name to greet with where none is set.
        files: read the passwords anew; off where nobody logs in.

    Raises:
        ConfigError: a file with a password or certificates cannot be used.
    """
    smtp = config.smtp
    servers = []
    for number, given in enumerate((smtp, *smtp.more) if smtp.host else ()):
        one: Server = given
        if files:
            one = load_secret_files(one, "smtp" if number == 0 else f"smtp.more.{number - 1}")
        waits = float(one.timeout)
        timeouts = Timeouts()
        servers.append(
            SmtpServer(
                host=one.host,
                port=one.port,
                tls=one.tls,
                username=one.username,
                password=one.password.get_secret_value(),
                ca_file=one.ca_file,
                hello=one.hello or hello,
                connections=one.connections,
                per_connection=one.per_connection,
                per_minute=one.per_minute,
                weight=one.weight,
                timeouts=replace(
                    timeouts,
                    connect=min(timeouts.connect, waits),
                    greeting=waits,
                    mail=waits,
                    rcpt=waits,
                    data=min(timeouts.data, waits),
                ),
            )
        )
    return servers


def imap_server(config: Config, *, files: bool = True) -> ImapServer | None:
    """The mailbox that bounces and requests come to; None where none is configured.

    Raises:
        ConfigError: `files`, and one with the password or certificates cannot be used.
    """
    settings = config.mailbox
    if not settings.host:
        return None
    if files:
        settings = load_secret_files(settings, "mailbox")
    return ImapServer(
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
        username=settings.username,
        password=settings.password.get_secret_value(),
        ca_file=settings.ca_file,
        folder=settings.folder,
        processed=settings.processed,
        timeout=float(settings.timeout),
    )


def make_mailing(config: Config) -> Mailing:
    """Raises ConfigError for what would spoil every mail: an address or domain that is none, a DKIM
    key that cannot be used.
    """
    mail = config.mail
    for key, check in (
        ("reply_to", messages.ascii_address),
        ("bounce_domain", messages.ascii_domain),
    ):
        if getattr(mail, key):
            _checked(key, getattr(mail, key), check)
    _checked("sender", mail.sender, messages.ascii_address)
    own = _checked("sender", mail.sender.rpartition("@")[2], messages.ascii_domain)
    answerable = own.rpartition(".")[2] not in _NOWHERE and not messages.is_public_url(
        config.web.base_url
    )
    return Mailing(
        from_address=mail.sender,
        from_name=mail.name,
        list_name=mail.name,
        domain=_checked("domain", mail.domain, messages.ascii_domain) if mail.domain else own,
        base_url=config.web.base_url,
        reply_to=mail.reply_to,
        # who reads a mailbox answers by mail too; elsewhere mails promise it only where readers
        # have no other way
        mailbox=mail.reply_to or _polled(config) or (mail.sender if answerable else ""),
        postal_address=mail.postal_address,
        signers=tuple(
            Signer(domain=own, selector=selector, key=_dkim_key(name, path, kind))
            for name, path, selector, kind in (
                ("dkim_key_file", mail.dkim_key_file, mail.dkim_selector, "rsa"),
                (
                    "dkim_ed25519_key_file",
                    mail.dkim_ed25519_key_file,
                    mail.dkim_ed25519_selector,
                    "ed25519",
                ),
            )
            if path
        ),
    )


def _polled(config: Config) -> str:
    """The address of the mailbox that is read, or nothing where its login is no address."""
    try:
        return messages.ascii_address(config.mailbox.username) if config.mailbox.host else ""
    except AddressError:
        return ""


def _checked(key: str, value: str, check: Callable[[str], str]) -> str:
    try:
        return check(value)
    except AddressError as error:
        raise ConfigError(f"mail.{key} = {value!r}: {error}") from None


def _dkim_key(name: str, path: Path, kind: str) -> dkim.Key:
    try:
        key = dkim.read_key(path.read_bytes())
    except OSError as error:
        raise KeyFileError(
            f"mail.{name} = '{path}': cannot be read ({error.strerror}). `digest dkim` makes the "
            "key"
        ) from error
    except InputError as error:
        raise KeyFileError(
            f"mail.{name} = '{path}': {error}. `digest dkim` makes one at a path where there is "
            "none"
        ) from None
    if key.kind != kind:
        raise KeyFileError(
            f"mail.{name} = '{path}': is a key of kind {key.kind}, and {kind} is needed here"
        )
    return key
