"""The file of a login: refresh token and access token, for its owner's eyes only.

It is replaced as a whole, so a reader never sees half of it, and a crash leaves the old or the new
one.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from digest import private
from digest.errors import OAuthError
from digest.mail.oauth.requests import Grant
from digest.mail.oauth.values import Account
from digest.redaction import register_secrets

#: seconds to wait for another process that renews a token
_LOCK_TIMEOUT = 90.0
_REMEDY = "Run `digest login`"


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a login."""

    username: str
    #: the app that asked; its tokens are of no use to another one
    client_id: str
    scopes: tuple[str, ...]
    refresh_token: str
    access_token: str
    #: seconds since the epoch
    issued_at: float
    expires_at: float


def read_login(account: Account) -> Login:
    """Read the login of an account.

    Raises:
        OAuthError: there is none, or it does not fit the settings any more.
    """
    name = account.username
    try:
        login = msgspec.json.decode(account.path.read_bytes(), type=Login)
    except FileNotFoundError:
        raise OAuthError(f"{name} is not logged in yet. {_REMEDY}") from None
    except OSError as error:
        raise OAuthError(
            f"the login of {name} cannot be read: {account.path}: {error.strerror}. Check its "
            "owner, or run `digest login` again as the user of the service"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise OAuthError(f"{account.path} is no login of {name}. {_REMEDY} again") from None
    register_secrets(login.refresh_token, login.access_token)
    if login.client_id != account.client.client_id or login.username != name:
        raise OAuthError(f"{name} logged in by another app than [oauth] client_id. {_REMEDY} again")
    if missing := set(account.scopes) - set(login.scopes):
        raise OAuthError(
            f"the login of {name} lacks a permission: {', '.join(sorted(missing))}. {_REMEDY} again"
        )
    return login


def store_grant(account: Account, grant: Grant) -> None:
    """Store the tokens of a new login, in place of an older login.

    Raises:
        OAuthError: they cannot be stored, or came without a refresh token.
    """
    if not grant.refresh_token:
        raise OAuthError(
            "the provider gave no refresh token, so the login would end within the hour. Check "
            "[oauth] scopes (Microsoft: offline_access) and the kind of the app"
        )
    login = Login(
        username=account.username,
        client_id=account.client.client_id,
        scopes=account.scopes,
        refresh_token=grant.refresh_token,
        access_token=grant.access_token,
        issued_at=time.time(),
        expires_at=grant.expires_at,
    )
    try:
        private.make_folder(account.path.parent)
        with lock(account):
            write_login(account.path, login)
    except OSError as error:
        raise OAuthError(
            f"{account.path}: cannot be written ({error.strerror}). Check [oauth] tokens and its "
            "permissions"
        ) from error


def write_login(path: Path, login: Login) -> None:
    """Write a login, or replace the one that is there.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with private.create_file(part) as file:
            file.write(msgspec.json.encode(login))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def lock(account: Account) -> Iterator[None]:
    """Be the only process, and thread, that renews tokens in the folder.

    The lock ends with the process, however it ends.

    Raises:
        OAuthError: another process holds it for too long, or the folder cannot be used.
    """
    try:
        handle = os.open(account.path.parent, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise OAuthError(
            f"{account.path.parent}: {error.strerror}. Check the folder, or run `digest login`"
        ) from error
    try:
        deadline = time.monotonic() + _LOCK_TIMEOUT
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise OAuthError(
                        f"another process renews the login of {account.username} for more than "
                        f"{_LOCK_TIMEOUT:g} s"
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)
