"""Files that only their owner may read, and how access is restricted to the owner.

The store holds the keys that sign links, mails hold links, and files hold passwords. Folders that
hold anything
but files of this service, or of somebody else, are left as they are: they were not made for it
alone.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digest import private

if TYPE_CHECKING:  # the settings take a fifth of a second to import
    from digest.config import Config

log = logging.getLogger("digest.kept")

_SQLITE = "sqlite:///"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A file or folder that only its owner should be able to read."""

    #: as the operator knows it: a key of the config, or what it is
    name: str
    path: Path
    #: it may be changed: a file, or a folder with files of this service alone
    changeable: bool = True


def list_existing(config: Config) -> Iterator[Kept]:
    """Yield the files and folders that exist, files first."""
    yield from (file for file in _files(config) if file.path.exists())
    inbox, outbox = config.ingest.inbox, config.smtp.outbox
    if inbox.is_dir():
        holds_others = any(
            file.path.is_relative_to(inbox) for file in _files(config)
        ) or outbox.is_relative_to(inbox)
        yield Kept(
            name="ingest.inbox", path=inbox, changeable=not holds_others and _is_inbox(inbox)
        )
    if outbox.is_dir():
        yield Kept(name="smtp.outbox", path=outbox, changeable=holds_mails(outbox))


def restrict(config: Config) -> None:
    """Restrict to the owner what others could read, and log it.

    What cannot be changed is logged, too.
    """
    for file in list_existing(config):
        if private.is_open_to_others(file.path):
            if file.changeable and private.restrict_to_owner(file.path):
                log.warning(
                    "file restricted setting=%s path=%s: could be read by others, now only by its "
                    "owner",
                    file.name,
                    file.path,
                )
            else:
                log.warning(
                    "file open setting=%s path=%s: can be read by others; see `digest doctor`",
                    file.name,
                    file.path,
                )
    # In a folder that others may read, each mail is restricted.
    if private.is_open_to_others(config.smtp.outbox):
        restrict_mails(config.smtp.outbox)


def restrict_mails(folder: Path) -> None:
    """Restrict the mails in a folder to their owner."""
    for path in folder.glob("*.eml"):
        private.restrict_to_owner(path)


def holds_mails(folder: Path) -> bool:
    """Whether a folder holds only mails of this user, or nothing."""
    return private.holds_only(folder, lambda entry: entry.name.endswith((".eml", ".part")))


def _is_inbox(folder: Path) -> bool:
    """Whether everything in an inbox is of this user, so that it may be restricted."""
    return private.holds_only(folder, lambda _: True)


def _files(config: Config) -> Iterator[Kept]:
    if config.store.url.startswith(_SQLITE):
        store = config.store.url.removeprefix(_SQLITE).partition("?")[0]
        for ending in ("", "-wal", "-shm", "-journal", ".vectors"):
            yield Kept(name="store.url", path=Path(store + ending))
    named: list[tuple[str, os.PathLike[str] | None]] = [
        ("smtp.password_file", config.smtp.password_file),
        ("mailbox.password_file", config.mailbox.password_file),
        ("mail.dkim_key_file", config.mail.dkim_key_file),
        ("mail.dkim_ed25519_key_file", config.mail.dkim_ed25519_key_file),
        ("workers.key_file", config.workers.key_file),
        *(
            (f"smtp.more.{number}.password_file", server.password_file)
            for number, server in enumerate(config.smtp.more)
        ),
        ("oauth.client_secret_file", config.oauth.client_secret_file),
        *(("oauth.tokens", path) for path in sorted(config.oauth.tokens.glob("*.json"))),
        *((f"sources.{entry.name}.password_file", entry.password_file) for entry in config.sources),
    ]
    yield from (Kept(name=name, path=Path(path)) for name, path in named if path)
