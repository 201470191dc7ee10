"""What an install keeps that nobody else may read, and how it is left to its owner alone.

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

from digest import private
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


def kept(config: Config) -> Iterator[Kept]:
    """Everything there is, files first."""
    yield from (file for file in _files(config) if file.path.exists())
    inbox, outbox = config.ingest.inbox, config.smtp.outbox
    if inbox.is_dir():
        stranger = any(
            file.path.is_relative_to(inbox) for file in _files(config)
        ) or outbox.is_relative_to(inbox)
        yield Kept(name="ingest.inbox", path=inbox, changeable=not stranger and _is_inbox(inbox))
    if outbox.is_dir():
        yield Kept(name="smtp.outbox", path=outbox, changeable=holds_mails(outbox))


def restrict(config: Config) -> None:
    """Leave to its owner alone what others could read; tell of each in the log. What cannot be
    changed is told of, too.
    """
    for one in kept(config):
        if private.is_open_to_others(one.path):
            if one.changeable and private.restrict_to_owner(one.path):
                log.warning(
                    "%s = %s could be read by others; from now on only by its owner",
                    one.name,
                    one.path,
                )
            else:
                log.warning(
                    "%s = %s can be read by others. `digest doctor` says more", one.name, one.path
                )
    # in a folder that others may look into, each mail has to be closed
    if private.is_open_to_others(config.smtp.outbox):
        restrict_mails(config.smtp.outbox)


def restrict_mails(folder: Path) -> None:
    """Leave the mails in a folder to their owner alone."""
    for path in folder.glob("*.eml"):
        private.restrict_to_owner(path)


def holds_mails(folder: Path) -> bool:
    """Whether a folder holds mails of this user's and nothing else; an empty one does."""
    return private.holds_only(folder, lambda entry: entry.name.endswith((".eml", ".part")))


def _is_inbox(folder: Path) -> bool:
    """All that lies in an inbox was put there to be read by this service; only the user
    may differ."""
    return private.holds_only(folder, lambda _: True)


def _files(config: Config) -> Iterator[Kept]:
    if config.store.url.startswith(_SQLITE):
        store = config.store.url.removeprefix(_SQLITE).partition("?")[0]
        for ending in ("", "-wal", "-shm", "-journal"):
            yield Kept(name="store.url", path=Path(store + ending))
    named: list[tuple[str, os.PathLike[str] | None]] = [
        ("smtp.password_file", config.smtp.password_file),
        ("mailbox.password_file", config.mailbox.password_file),
        ("mail.dkim_key_file", config.mail.dkim_key_file),
        ("mail.dkim_ed25519_key_file", config.mail.dkim_ed25519_key_file),
        *(
            (f"smtp.more.{number}.password_file", one.password_file)
            for number, one in enumerate(config.smtp.more)
        ),
    ]
    yield from (Kept(name=name, path=Path(path)) for name, path in named if path)
