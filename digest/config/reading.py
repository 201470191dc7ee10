"""config.toml and the environment -> Config, with its files found and its secrets read."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from digest.config.files import first_line, with_files
from digest.config.mails import MailboxSection, MoreServer, SmtpSection
from digest.config.problems import explain
from digest.config.secret_values import secrets_of
from digest.config.service import WebSection
from digest.config.whole import SECTIONS, Config
from digest.errors import ConfigError
from digest.redaction import learn

PREFIX = "DIGEST_"
#: variables that are no settings: where the file is, and what tests use
_NOT_SETTINGS = ("DIGEST_CONFIG", "DIGEST_TEST_")


def load(path: Path | None, environ: Mapping[str, str] | None = None) -> Config:
    """Read the file (None: defaults and environment alone); relative paths become absolute, from
    the file's folder or else the working one.

    Its secrets are hidden from now on in all that this process shows.

    Raises:
        ConfigError: naming file or variable, key, value and remedy.
    """
    values = _read(path) if path else {}
    variables = _from_environment(os.environ if environ is None else environ)
    for (section, key), (_, value) in variables.items():
        table = values.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = value
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, path, variables)) from None
    anchored = _anchored(config, (path.parent if path else Path()).resolve())
    learn(*secrets_of(anchored))
    return anchored


def check(values: Mapping[str, Mapping[str, Any]]) -> None:
    """Settings as they are typed, before there is a file.

    Raises:
        ConfigError: naming key, value and remedy.
    """
    try:
        Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, None, {}).replace("config: ", "")) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file. `digest init` writes one; without --config the defaults serve"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}). Check the path and its permissions"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: is not UTF-8 text (byte {error.start}). Save it as UTF-8"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f'{path}: is not TOML: {error}. Strings need quotes: key = "value"'
        ) from error


def from_environment(environ: Mapping[str, str] | None = None) -> list[str]:
    """The variables that are settings."""
    given = os.environ if environ is None else environ
    return [variable for variable, _ in _from_environment(given).values()]


def _from_environment(environ: Mapping[str, str]) -> dict[tuple[str, str], tuple[str, Any]]:
    """(section, key) -> (variable, value).

    A variable that names no setting is refused: a typing error would pass unseen.
    """
    found = {}
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable.startswith(_NOT_SETTINGS):
            continue
        section, _, key = variable.removeprefix(PREFIX).lower().partition("__")
        if section not in SECTIONS or not key:
            raise ConfigError(
                f"environment: {variable} names no setting. The form is {PREFIX}SECTION__KEY, with "
                f"one of: {', '.join(SECTIONS)}"
            )
        model = Config.model_fields[section].annotation
        field = (
            model.model_fields.get(key)
            if isinstance(model, type) and issubclass(model, BaseModel)
            else None
        )
        found[section, key] = (variable, _typed(text, field))
    return found


def _typed(text: str, field: FieldInfo | None) -> Any:
    """A variable is text; numbers, truth values and lists are written as in TOML."""
    if field is None or _is_text(field.annotation):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _is_text(annotation: Any) -> bool:
    if get_origin(annotation) is Literal:
        return True
    return annotation in (str, Path, SecretStr) or Path in get_args(annotation)


_MAIL_PATHS = ("templates", "dkim_key_file", "dkim_ed25519_key_file")


def _anchored(config: Config, folder: Path) -> Config:
    """Relative paths mean the same wherever the command is started."""
    url = config.store.url
    if (
        url.startswith("sqlite:///")
        and not url.startswith("sqlite:////")
        and url != "sqlite:///:memory:"
    ):
        url = f"sqlite:///{folder / url.removeprefix('sqlite:///')}"
    smtp = config.smtp
    more = tuple(
        _server(one, folder, f"smtp.more.{number}") for number, one in enumerate(smtp.more)
    )
    smtp = _server(smtp, folder, "smtp").model_copy(
        update={"outbox": folder / smtp.outbox, "more": more}
    )
    return config.model_copy(
        update={
            "store": config.store.model_copy(update={"url": url}),
            "features": config.features.model_copy(
                update={"encoder": _encoder(config.features.encoder, folder)}
            ),
            "ingest": config.ingest.model_copy(update={"inbox": folder / config.ingest.inbox}),
            "sources": tuple(
                one.model_copy(update={"folder": one.folder and folder / one.folder})
                for one in config.sources
            ),
            "mail": config.mail.model_copy(
                update={
                    key: path and folder / path
                    for key in _MAIL_PATHS
                    for path in [getattr(config.mail, key)]
                }
            ),
            "smtp": smtp,
            "mailbox": _server(config.mailbox, folder, "mailbox"),
            "web": _web(config.web, folder),
        }
    )


def _encoder(name: str, folder: Path) -> str:
    """A folder where there is one, else a name."""
    return str(folder / name) if name and (folder / name).is_dir() else name


_S = TypeVar("_S", SmtpSection, MoreServer, MailboxSection)


def _server(server: _S, folder: Path, name: str) -> _S:
    """With its files found, and the password read from its own where it can be.

    What cannot be read is told where it is needed: see `with_files`.

    Raises:
        ConfigError: a password is given twice.
    """
    if server.password_file and server.password.get_secret_value():
        raise ConfigError(f"{name}: password and password_file are both set; keep one")
    found = server.model_copy(
        update={
            key: path and folder / path
            for key in ("password_file", "ca_file")
            for path in [getattr(server, key)]
        }
    )
    try:
        return with_files(found, name)
    except ConfigError:
        return found


def _web(web: WebSection, folder: Path) -> WebSection:
    """With the status key of its file, where it can be read; without, nobody has the key.

    Raises:
        ConfigError: the key is given twice.
    """
    if not web.status_key_file:
        return web
    if web.status_key.get_secret_value():
        raise ConfigError("web: status_key and status_key_file are both set; keep one")
    path = folder / web.status_key_file
    try:
        key = first_line(path, "web.status_key_file")
    except ConfigError:
        key = ""
    return web.model_copy(update={"status_key_file": path, "status_key": SecretStr(key)})
