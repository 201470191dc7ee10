"""What can be looked at without the network: settings, files, database, templates."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from digest import kept, private, store
from digest.app import make_mailing
from digest.config import Config
from digest.doctor.findings import Finding, bad, good, note, warning
from digest.errors import ConfigError, DigestError, StoreError
from digest.mail import messages
from digest.mail.messages import samples
from digest.ranking import encoders
from digest.services import disks
from digest.store import Store

#: domains that no mail can come from, beside names without a dot
_NOWHERE = ("localhost", "example", "invalid", "test", "local")


def sending_domain(config: Config) -> str:
    """The domain in From; "" where it is none that receivers could know."""
    domain = config.mail.sender.rpartition("@")[2].lower()
    return domain if "." in domain and domain.rpartition(".")[2] not in _NOWHERE else ""


def settings(config: Config) -> Iterator[Finding]:
    """What is missing for mail that arrives, can be left in one click, and is heard of when it does
    not.
    """
    mail, smtp = config.mail, config.smtp
    domain = sending_domain(config)
    if not smtp.host:
        yield note(
            "config",
            f"mails are written to {smtp.outbox} and not sent",
            "Set [smtp] host to send them",
        )
    elif not domain:
        yield bad(
            "config",
            f"mail.sender = {mail.sender!r} is an address that receivers cannot know",
            "Set it to an address of yours",
        )
    else:
        yield good("config", f"mails come from {mail.sender}")
    yield from _pages(config)
    yield from _hearing(config)
    if not config.alerts.to:
        yield warning("config", "nobody is written to when something is wrong", "Set [alerts] to")
    if smtp.host and not mail.dkim_key_file:
        yield note(
            "config",
            "mails are not signed here: the mail server has to sign (DKIM)",
            "If it does not: `digest dkim`, then [mail] dkim_key_file",
        )
    if not mail.postal_address and config.web.signup and messages.reachable(config.web.base_url):
        yield note(
            "config",
            "no postal address stands in the foot of the mails",
            "The law of many countries asks for one in mail to the public: [mail] postal_address",
        )
    for name, server in (
        ("smtp", smtp),
        *((f"smtp.more.{number}", one) for number, one in enumerate(smtp.more)),
    ):
        if server.host and server.tls == "none" and not _loopback(server.host):
            yield warning(
                "config",
                f'{name}.tls = "none": mails and the password cross the network in the open',
                'Set it to "auto"',
            )
    yield from _encoder(config)
    if config.mailbox.host and config.mailbox.tls == "none" and not _loopback(config.mailbox.host):
        yield warning(
            "config",
            'mailbox.tls = "none": mails and the password cross the network in the open',
            'Set it to "tls"',
        )


def _encoder(config: Config) -> Iterator[Finding]:
    name = config.features.encoder
    if not name:
        return
    try:
        found = encoders.load(name)
    except ConfigError as error:
        yield bad("config", str(error), "Until it can be opened, digests are ranked by words alone")
    else:
        yield good(
            "config", f"papers are encoded with {found.version}, {found.dimensions} numbers each"
        )


def _pages(config: Config) -> Iterator[Finding]:
    url = config.web.base_url
    if url.startswith("https://") and messages.reachable(url):
        yield good("config", f"mails carry one-click unsubscribe (RFC 8058): web.base_url = {url}")
    elif messages.reachable(url):
        yield warning(
            "config",
            f"web.base_url = {url} is no https: mails carry no one-click unsubscribe",
            "Put a proxy with a certificate before the pages",
        )
    else:
        remedy = (
            "Set it to a public https address. Until then readers elsewhere can vote and leave "
            "only by mail, where [mail] reply_to names a mailbox"
        )
        level = warning if config.smtp.host else note
        yield level(
            "config",
            f"web.base_url = {url}: the links in mails lead nowhere but on this machine or network",
            remedy,
        )


def _answers(config: Config) -> str:
    """The address that mails name for answers; "" where there is none, or something else is wrong
    that is told of with the templates.
    """
    try:
        return make_mailing(config).mailbox
    except ConfigError:
        return ""


def _hearing(config: Config) -> Iterator[Finding]:
    mail = config.mail
    if not config.smtp.host:
        return
    heard = bool(config.mailbox.host)
    if not heard and (answers := _answers(config)):
        level = (
            note if mail.bounce_domain else warning
        )  # where bounces come through a pipe, so may answers
        remedy = (
            "Set [mailbox], or let the mail server pipe that address into `digest bounce`: who "
            "asks to leave must be heard"
        )
        yield level(
            "config", f"mails offer leaving by mail to {answers}, and no mailbox is read", remedy
        )
    if mail.bounce_domain and not heard:
        remedy = "Set [mailbox], or let the mail server pipe that domain into `digest bounce`"
        yield note(
            "config",
            f"each mail has its own bounce address at {mail.bounce_domain}, and no mailbox is read",
            remedy,
        )
    elif not mail.bounce_domain and not heard:
        yield warning(
            "config",
            "bounces are not heard: they go to the sender, and no mailbox is read",
            "Set [mailbox], and best [mail] bounce_domain",
        )
    elif not mail.bounce_domain:
        what = "bounces are told apart by the headers that they return; some return none"
        yield note(
            "config", what, "[mail] bounce_domain gives each mail an address of its own for bounces"
        )
    else:
        yield good(
            "config",
            f"bounces come to {mail.bounce_domain} and are read from {config.mailbox.host}",
        )


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def files(config: Config, path: Path | None) -> Iterator[Finding]:
    """Secrets that others may read, folders that cannot be written to, disks nearly full."""
    secrets = [
        ("smtp.password_file", config.smtp.password_file),
        ("mailbox.password_file", config.mailbox.password_file),
    ]
    secrets += [
        ("mail.dkim_key_file", config.mail.dkim_key_file),
        ("mail.dkim_ed25519_key_file", config.mail.dkim_ed25519_key_file),
    ]
    secrets += [
        (f"smtp.more.{number}.password_file", one.password_file)
        for number, one in enumerate(config.smtp.more)
    ]
    secrets.append(("web.status_key_file", config.web.status_key_file))
    inside = [
        config.smtp.password,
        config.mailbox.password,
        *(one.password for one in config.smtp.more),
    ]
    inside.append(config.web.status_key)
    text = path.read_text(encoding="utf-8", errors="replace") if path is not None else ""
    if (
        path is not None
        and any(one.get_secret_value() for one in inside)
        and ("password =" in text or "status_key =" in text)
    ):
        secrets.append(("the config, which holds a password", path))
    for name, file in secrets:
        if file is not None:
            yield from _secret(name, file)
    yield from _kept(config)
    if config.ingest.inbox.is_dir():
        yield good("files", f"the inbox is {config.ingest.inbox}")
    else:
        what = "is no folder" if config.ingest.inbox.exists() else "does not exist"
        yield warning(
            "files",
            f"the inbox {config.ingest.inbox} {what}",
            "Make the folder, or set [ingest] inbox",
        )
    for disk in disks(config):
        if disk.free_mb < config.alerts.disk_mb:
            yield bad(
                "files",
                f"the disk of {disk.path} is nearly full: {disk.free_mb} MB are left",
                "Free some space, or move the folder",
            )
        else:
            yield good("files", f"{disk.free_mb} MB are free for {disk.path}")


def _kept(config: Config) -> Iterator[Finding]:
    """The store and the folders of dumps and mails; secrets are told of by themselves."""
    mine = [
        one for one in kept.kept(config) if one.name in ("store.url", "ingest.inbox", "smtp.outbox")
    ]
    exposed = [one for one in mine if private.is_open(one.path)]
    for one in exposed:
        what = f"{one.name} = {one.path}: others on this machine may read it"
        mode = 700 if one.path.is_dir() else 600
        if not private.is_own(one.path):
            owner = f"Its owner is another user ({one.path.stat().st_uid})"
            yield warning(
                "files", what, f"{owner}: let that user run chmod {mode} {one.path}, or chown it"
            )
        elif one.changeable:
            yield warning(
                "files", what, f"chmod {mode} {one.path}; the next command does it by itself"
            )
        else:
            remedy = (
                f"It holds other files too, so no command changes it: chmod {mode} it, or set "
                f"{one.name} to another"
            )
            yield warning("files", what, remedy)
    if mine and not exposed:
        yield good("files", "only their owner can read the store, the inbox and the outbox")


def _secret(name: str, file: Path) -> Iterator[Finding]:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        yield bad(
            "files", f"{name} = {file}: {error.strerror}", "Check the path and its permissions"
        )
        return
    if stat.S_IMODE(mode) & 0o077:
        remedy = f"chmod 600 {file}" + ("" if private.is_own(file) else ", as the user who owns it")
        yield warning("files", f"{name} = {file}: others on this machine may read it", remedy)
    else:
        yield good("files", f"{name}: only its owner can read it")


def database(config: Config) -> Iterator[Finding]:
    """Schema, soundness, settings that the ledger relies on, the keys of links."""
    url = config.store.url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        yield note("store", f"there is no database yet: {url}", "The first command makes it")
        return
    try:
        opened = Store(config.store.url)
    except StoreError as error:
        yield bad("store", str(error), "Check [store] url")
        return
    try:
        yield from _examined(opened)
    except StoreError as error:
        yield bad("store", str(error), "Nothing works until it does")
    finally:
        opened.close()


def _examined(opened: Store) -> Iterator[Finding]:
    found = store.health.examine(opened)
    if found.revision is None:
        yield note(
            "store",
            f"{found.version} at {opened.shown}: it is empty",
            "The first command makes its tables",
        )
        return
    if found.revision != found.needed:
        yield bad(
            "store",
            f"its schema is {found.revision}, this version needs {found.needed}",
            "Back it up, then: digest db upgrade",
        )
        return
    for damage in found.damage:
        yield bad(
            "store",
            f"{opened.shown} is damaged: {damage}",
            "Stop the service, copy the file, and restore a backup",
        )
    for setting in found.unsafe:
        yield warning(
            "store",
            f"{setting}: a power cut may undo what the ledger promised",
            "Set it as it should be",
        )
    if not found.damage:
        yield good("store", f"{found.version}, schema {found.revision}, sound: {opened.shown}")
    with opened.reading() as tx:
        keys = store.keys.list_ids(tx)
    yield (
        good("store", f"keys of links: {len(keys)}, the newest of {keys[-1][1]:%Y-%m-%d}")
        if keys
        else note("store", "the key of links is made at first use")
    )
    if found.clock is not None:
        yield from clock("the database server", found.clock)


def clock(whose: str, theirs: datetime) -> Iterator[Finding]:
    """Another machine's clock beside ours; seconds pass between the question and the answer."""
    apart = abs((datetime.now(UTC) - theirs).total_seconds())
    remedy = "Let both machines keep time with NTP"
    if apart > 60:
        yield bad(
            "clock",
            f"this machine and {whose} are {apart:.0f} s apart: hours, leases and signatures go "
            f"wrong",
            remedy,
        )
    elif apart > 5:
        yield warning("clock", f"this machine and {whose} are {apart:.0f} s apart", remedy)
    else:
        yield good("clock", f"this machine and {whose} agree")


def templates(config: Config) -> Iterator[Finding]:
    """Every template can be read, every kind of mail can be written, and no file of the operator's
    lies there unused.
    """
    folders = (config.mail.templates,) if config.mail.templates else ()
    for folder in folders:
        if not folder.is_dir():
            yield bad(
                "templates",
                f"mail.templates = {folder}: is no folder",
                "Make it, or take the key out",
            )
    broken = samples.find_template_errors(folders)
    for problem in broken:
        yield bad("templates", problem, "Mend the template, or take it out of [mail] templates")
    for file in samples.find_unused_files(folders):
        yield warning(
            "templates",
            f"{file}: no template that ships has this name; only one that extends or includes it "
            f"uses it",
            "Check its name",
        )
    if broken:
        return
    try:
        written = samples.write_samples(make_mailing(config), folders)
    except DigestError as error:
        yield bad("templates", f"a mail cannot be written: {error}", "Mend what it names")
    else:
        signed = sum(b"\nDKIM-Signature:" in b"\n" + one.data for one in written)
        yield good(
            "templates",
            f"all {len(written)} kinds of mail can be "
            f"written{', and are signed' if signed else ''}",
        )
