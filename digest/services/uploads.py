"""Dumps that programs upload: written into the inbox, where ingest finds them as any other file.

A file appears there complete or not at all: it is written under a hidden name, which ingest leaves
out, and renamed. Its name begins with the hash of its bytes, so the same bytes are one file.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from digest import private, store
from digest.app import App
from digest.errors import ConfigError, InputError, LimitError

#: characters of a name that are kept
_NAME_MAX = 80
_SAFE = re.compile(r"[^A-Za-z0-9._-]+")
_HASH_LETTERS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadedDump:
    """A complete upload."""

    #: SHA-256 of its bytes, in hexadecimal
    id: str
    name: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadStatus:
    """What became of an upload."""

    id: str
    #: waiting = it lies in the inbox; read = it was read, and `dumps` names the readings
    state: Literal["waiting", "read"]
    dumps: tuple[dict[str, Any], ...] = ()


class Upload:
    """An upload that is being written; used as a context, which removes what is not finished.

    Raises:
        ConfigError: the inbox cannot be made.
    """

    def __init__(self, app: App, name: str) -> None:
        self._folder = app.config.ingest.inbox
        self._most = app.config.ingest.upload_mb * 1_000_000
        self._name = sanitise_name(name)
        self._hash = hashlib.sha256()
        self._size = 0
        try:
            private.make_folder(self._folder)
        except OSError as error:
            raise ConfigError(
                f"ingest.inbox = '{self._folder}': cannot be made ({error.strerror})"
            ) from error
        self._part = self._folder / f".{secrets.token_hex(8)}.part"

    def __enter__(self) -> Self:
        self._file = private.create_file(self._part, exclusive=True)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _e: BaseException | None, _tb: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what a full disk did not take; the write before it said so
            self._file.close()
        self._part.unlink(missing_ok=True)

    def write(self, piece: bytes) -> None:
        """Append a piece.

        Raises:
            LimitError: the file would be larger than `ingest.upload_mb`.
            OSError: the disk does not take it.
        """
        self._size += len(piece)
        if self._size > self._most:
            raise LimitError(
                f"the file is larger than {self._most // 1_000_000} MB (ingest.upload_mb)",
                retry_after=0,
            )
        self._hash.update(piece)
        self._file.write(piece)

    def finish(self) -> UploadedDump:
        """Put the complete file into the inbox.

        Raises:
            InputError: it is empty.
            OSError: the disk does not take it.
        """
        if not self._size:
            raise InputError("the body is empty; send the dump itself as the body")
        self._file.flush()
        os.fsync(self._file.fileno())
        ident = self._hash.hexdigest()
        path = self._folder / f"{ident[:_HASH_LETTERS]}-{self._name}"
        self._part.replace(path)
        return UploadedDump(id=ident, name=path.name, size=self._size)


def sanitise_name(name: str) -> str:
    """Return the last part of a name with nothing in it that a file system could misread.

    The end, which tells the format, stays.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    safe = _SAFE.sub("_", last).strip("._-")[-_NAME_MAX:].strip("._-")
    return safe or "dump"


def find_upload(app: App, ident: str) -> UploadStatus | None:
    """Find what became of an upload; None where nothing is known of it.

    Args:
        ident: SHA-256 of its bytes, in hexadecimal.
    """
    with app.store.reading() as tx:
        rows = store.dumps.list_by_hash(tx, ident)
    if rows:
        return UploadStatus(id=ident, state="read", dumps=tuple(rows))
    waits = _find_file(app.config.ingest.inbox, ident) is not None
    return UploadStatus(id=ident, state="waiting") if waits else None


def _find_file(folder: Path, ident: str) -> Path | None:
    return next(folder.glob(f"{ident[:_HASH_LETTERS]}-*"), None) if folder.is_dir() else None
