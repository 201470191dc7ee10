"""Write the files of a new service: all of them or none."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from digest.errors import InputError

#: the name of the password file, beside the config
PASSWORD_FILE = "smtp-password"  # noqa: S105


def check_place(path: Path, force: bool) -> None:
    """Check that the config and the folder inbox can be made.

    Raises:
        InputError: they cannot, or the file exists.
    """
    if path.exists() and not force:
        raise InputError(
            f"{path} exists; nothing was changed. Edit it, or use --force to replace it"
        )
    if path.is_dir() or not path.parent.is_dir():
        reason = "is a folder" if path.is_dir() else "its folder does not exist"
        raise InputError(f"{path}: {reason}. Check the folder, or name another file")
    inbox = path.parent / "inbox"
    if inbox.exists() and not inbox.is_dir():
        raise InputError(f"{inbox} is not a folder, and dumps go there. Move it away")


def write_config(path: Path, text: str, password: str) -> None:
    """Write all files or none: an error or a signal leaves nothing behind.

    Args:
        path: Of the config.
        text: Of the config.
        password: Of the mail server; "" writes no file for it.

    Raises:
        InputError: something cannot be written.
    """
    with ExitStack() as undo:
        try:
            inbox = path.parent / "inbox"
            if not inbox.is_dir():
                inbox.mkdir(mode=0o700)
                undo.callback(_remove_quietly, inbox.rmdir)
            if password:
                secret = path.parent / PASSWORD_FILE
                if not secret.exists():
                    undo.callback(_remove_quietly, secret.unlink)
                write_whole(secret, password + "\n")
            write_whole(path, text, mode=0o644)
        except OSError as error:
            raise InputError(
                f"{error.filename or path}: cannot be written ({error.strerror}). "
                "Check the folder and its permissions"
            ) from error
        undo.pop_all()


def write_whole(path: Path, text: str, mode: int = 0o600) -> None:
    """Write the file completely or not at all."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _remove_quietly(remove: Callable[[], None]) -> None:
    with suppress(OSError):
        remove()
