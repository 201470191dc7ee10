"""Make, list, revoke and recognise keys of the API.

A key is `digest_key_` (of the operator) or `digest_reader_` (of a reader), 32 random letters and
digits, and six more that check them. Scanners for leaked secrets so know it by its form, and a
mistyped one is refused without asking the database. It is shown once; its hash is stored.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from digest import store, subscriptions
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.locales import gettext
from digest.model import SCOPES, ApiKey

#: how the text of a key begins
KEY_PREFIX, READER_PREFIX = "digest_key_", "digest_reader_"
#: characters of a key's name at most, valid keys of a reader, and requests a minute that may be set
NAME_MAX, READER_KEYS_MAX, PER_MINUTE_MAX = 100, 10, 100_000
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
#: random letters (190 bits), and letters that check them
_RANDOM, _CHECK = 32, 6
_SHAPE = re.compile(rf"(?:{KEY_PREFIX}|{READER_PREFIX})[0-9A-Za-z]{{{_RANDOM + _CHECK}}}", re.ASCII)
#: letters of the random part that are kept to recognise a key by
_HINT = 4


def create_api_key(
    app: App,
    name: str,
    scopes: Iterable[str],
    *,
    days: int | None = None,
    per_minute: int | None = None,
) -> tuple[ApiKey, str]:
    """Make a key of the operator; return it with its text, which nothing can show again.

    Args:
        scopes: words of `Scope`.
        days: until it expires; None = never.
        per_minute: requests a minute; None = as [web] api_per_minute says.

    Raises:
        InputError: a value is unknown or out of range.
    """
    known = {scope.value: scope for scope in SCOPES}
    words = list(dict.fromkeys(scopes))
    if unknown := [word for word in words if word not in known]:
        raise InputError(f"scope {unknown[0]!r} is unknown; known are {', '.join(known)}")
    if not words:
        raise InputError(f"scope: give at least one of {', '.join(known)}")
    if days is not None and not 1 <= days <= 36_500:
        raise InputError(f"days {days} must be 1 to 36500, or left out for a key without end")
    if per_minute is not None and not 1 <= per_minute <= PER_MINUTE_MAX:
        raise InputError(f"per-minute {per_minute} must be 1 to {PER_MINUTE_MAX}")
    now = app.now()
    key = ApiKey(
        id=0,
        name=_clean_name(name),
        hint="",
        scopes=frozenset(known[word] for word in words),
        per_minute=per_minute,
        created=now,
        expires=None if days is None else now + timedelta(days=days),
    )
    with app.store.writing() as tx:
        return _add(tx, key, KEY_PREFIX)


def create_reader_key(app: App, subscriber_id: int, name: str) -> tuple[ApiKey, str]:
    """Make a key for a reader's own data; return it with its text, shown this once.

    Raises:
        InputError: the name is empty or too long, or there are ten valid keys already.
        NotFoundError: the reader is not stored.
    """
    key = ApiKey(
        id=0, name=_clean_name(name), hint="", subscriber_id=subscriber_id, created=app.now()
    )
    with app.store.writing() as tx:
        store.subscribers.lock(tx, subscriber_id)
        subscriptions.require_subscriber(tx, subscriber_id)
        valid = [
            known
            for known in store.api_keys.list_keys(tx, subscriber_id)
            if known.is_valid(app.now())
        ]
        if len(valid) >= READER_KEYS_MAX:
            raise InputError(
                "name: "
                + gettext(
                    "there are %(limit)s keys already; revoke one that is not used",
                    limit=READER_KEYS_MAX,
                )
            )
        return _add(tx, key, READER_PREFIX)


def list_api_keys(app: App, subscriber_id: int | None = None) -> list[ApiKey]:
    """List the keys of the operator, or of a reader, oldest first; revoked ones too."""
    with app.store.reading() as tx:
        return store.api_keys.list_keys(tx, subscriber_id)


def revoke_api_key(app: App, ident: int, *, subscriber_id: int | None = None) -> bool:
    """Revoke a key at once; return False where it was revoked already.

    Args:
        subscriber_id: the reader to whom it must belong; None = the operator may revoke any.

    Raises:
        NotFoundError: there is no such key.
    """
    with app.store.writing() as tx:
        if store.api_keys.revoke(tx, ident, app.now(), subscriber_id):
            return True
        if subscriber_id is None and not store.api_keys.exists(tx, ident):
            raise NotFoundError(f"there is no key {ident}. `digest api-keys list` shows them")
    return False


def find_api_key(app: App, text: str) -> ApiKey | None:
    """Return the valid key of a text, and note the day of its use; None for any other text.

    Nothing is cached: a revoked key is refused by all processes from then on.
    """
    if not _is_well_formed(text):
        return None
    now = app.now()
    with app.store.reading() as tx:
        key = store.api_keys.find(tx, _hash(text))
    if key is None or not key.is_valid(now):
        return None
    if key.last_used != now.date():  # one write a day, not one a request
        app.store.commit_together(lambda tx: store.api_keys.note_use(tx, key.id, now.date()))
    return key


def _add(tx: store.Connection, key: ApiKey, prefix: str) -> tuple[ApiKey, str]:
    text = _make_text(prefix)
    hinted = replace(key, hint=text[: len(prefix) + _HINT])
    return store.api_keys.add(tx, hinted, _hash(text)), text


def _make_text(prefix: str) -> str:
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return f"{prefix}{random}{_check_letters(prefix + random)}"


def _is_well_formed(text: str) -> bool:
    return _SHAPE.fullmatch(text) is not None and text[-_CHECK:] == _check_letters(text[:-_CHECK])


def _check_letters(text: str) -> str:
    """Return the CRC-32 of a text in base 62, six letters."""
    number, letters = zlib.crc32(text.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        letters = _ALPHABET[digit] + letters
    return letters


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _clean_name(name: str) -> str:
    bare = " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())
    if not bare or len(bare) > NAME_MAX:
        reason = gettext("give 1 to %(limit)s characters that say who uses the key", limit=NAME_MAX)
        raise InputError(f"name: {reason}")
    return bare
