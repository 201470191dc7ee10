"""config.toml and the environment -> Config.

Paths in it are absolute, and secrets are loaded.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from digest.config.mail import MailboxSection, MoreServer, SmtpSection
from digest.config.oauth import OAuthSection
from digest.config.secret_files import load_secret_files, read_first_line
from digest.config.secret_values import find_secrets
from digest.config.sections import SECTIONS, Config
from digest.config.service import AlertsSection, WebSection
from digest.config.validation_errors import explain
from digest.config.webhooks import ProvidersSection, check_webhook_secret
from digest.errors import ConfigError
from digest.redaction import register_secrets

PREFIX = "DIGEST_"
#: variables that are not settings: the path of the file, and those of tests
_NOT_SETTINGS = ("DIGEST_CONFIG", "DIGEST_TEST_")


def load(path: Path | None, environ: Mapping[str, str] | None = None) -> Config:
    """Load the settings.

    Relative paths become absolute: from the folder of the file, or the working directory. Secrets
    are hidden from now on in everything that this process shows.

    Args:
        path: the file; None means defaults and environment only.
        environ: the environment; None means that of the process.

    Raises:
        ConfigError: names file or variable, key, value and remedy.
    """
    values = _read(path) if path else {}
    variables = _read_environment(os.environ if environ is None else environ)
    for (section, key), (_, value) in variables.items():
        table = values.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = value
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, path, variables)) from None
    anchored = _make_paths_absolute(config, (path.parent if path else Path()).resolve())
    register_secrets(*find_secrets(anchored))
    return anchored


def check(values: Mapping[str, Mapping[str, Any]]) -> None:
    """Check settings that are not in a file yet.

    Raises:
        ConfigError: names key, value and remedy.
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


def environment_settings(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the names of the environment variables that are settings."""
    variables = _read_environment(os.environ if environ is None else environ)
    return [variable for variable, _ in variables.values()]


def _read_environment(environ: Mapping[str, str]) -> dict[tuple[str, str], tuple[str, Any]]:
    """Return (section, key) -> (variable, value).

    Raises:
        ConfigError: a variable names no setting, so it has a typing error.
    """
    values = {}
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
        values[section, key] = (variable, _parse_variable(text, field))
    return values


def _parse_variable(text: str, field: FieldInfo | None) -> Any:
    """Parse the text of a variable.

    Numbers, booleans and lists are written as in TOML.
    """
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


def _make_paths_absolute(config: Config, folder: Path) -> Config:
    """Make paths absolute, so that they do not depend on the working directory."""
    url = config.store.url
    if (
        url.startswith("sqlite:///")
        and not url.startswith("sqlite:////")
        and url != "sqlite:///:memory:"
    ):
        url = f"sqlite:///{folder / url.removeprefix('sqlite:///')}"
    smtp = config.smtp
    more = tuple(
        _resolve_server(settings, folder, f"smtp.more.{number}")
        for number, settings in enumerate(smtp.more)
    )
    smtp = _resolve_server(smtp, folder, "smtp").model_copy(
        update={"outbox": folder / smtp.outbox, "more": more}
    )
    return config.model_copy(
        update={
            "store": config.store.model_copy(update={"url": url}),
            "features": config.features.model_copy(
                update={"encoder": _resolve_encoder(config.features.encoder, folder)}
            ),
            "ingest": config.ingest.model_copy(update={"inbox": folder / config.ingest.inbox}),
            "sources": tuple(
                settings.model_copy(
                    update={
                        key: path and folder / path
                        for key in ("folder", "password_file", "ca_file")
                        for path in [getattr(settings, key)]
                    }
                )
                for settings in config.sources
            ),
            "mail": config.mail.model_copy(
                update={
                    key: path and folder / path
                    for key in _MAIL_PATHS
                    for path in [getattr(config.mail, key)]
                }
            ),
            "smtp": smtp,
            "mailbox": _resolve_server(config.mailbox, folder, "mailbox"),
            "oauth": _resolve_oauth(config.oauth, folder),
            "web": _resolve_web(config.web, folder),
            "alerts": _resolve_alerts(config.alerts, folder),
            "providers": _resolve_providers(config.providers, folder),
        }
    )


def _resolve_encoder(name: str, folder: Path) -> str:
    """Return the folder if it exists, else the name of an encoder."""
    return str(folder / name) if name and (folder / name).is_dir() else name


_S = TypeVar("_S", SmtpSection, MoreServer, MailboxSection)


def _resolve_server(server: _S, folder: Path, name: str) -> _S:
    """Return the server with absolute paths, and its password if readable.

    A file that cannot be read becomes an error when it is needed: see `load_secret_files`.

    Raises:
        ConfigError: a password is given twice.
    """
    if server.password_file and server.password.get_secret_value():
        raise ConfigError(f"{name}: both `password` and `password_file` are set; keep one")
    resolved = server.model_copy(
        update={
            key: path and folder / path
            for key in ("password_file", "ca_file")
            for path in [getattr(server, key)]
        }
    )
    try:
        return load_secret_files(resolved, name)
    except ConfigError:
        return resolved


def _resolve_oauth(oauth: OAuthSection, folder: Path) -> OAuthSection:
    """Return the section with absolute paths, and the client secret if readable.

    Raises:
        ConfigError: the secret is given twice.
    """
    values: dict[str, Any] = {"tokens": folder / oauth.tokens}
    if oauth.client_secret_file:
        if oauth.client_secret.get_secret_value():
            raise ConfigError(
                "oauth: both `client_secret` and `client_secret_file` are set; keep one"
            )
        path = folder / oauth.client_secret_file
        values["client_secret_file"] = path
        with suppress(ConfigError):  # it becomes an error when it is needed
            values["client_secret"] = SecretStr(read_first_line(path, "oauth.client_secret_file"))
    return oauth.model_copy(update=values)


def _resolve_web(web: WebSection, folder: Path) -> WebSection:
    """Return the section with the status key read from `status_key_file`.

    If the file cannot be read, the key stays empty and nobody has access.

    Raises:
        ConfigError: the key is given twice.
    """
    if not web.status_key_file:
        return web
    if web.status_key.get_secret_value():
        raise ConfigError("web: both `status_key` and `status_key_file` are set; keep one")
    path = folder / web.status_key_file
    try:
        key = read_first_line(path, "web.status_key_file")
    except ConfigError:
        key = ""  # nobody has access
    return web.model_copy(update={"status_key_file": path, "status_key": SecretStr(key)})


def _resolve_alerts(alerts: AlertsSection, folder: Path) -> AlertsSection:
    """Return the section with the secret read from `webhook_secret_file`.

    Raises:
        ConfigError: there is a webhook without a secret, or the secret is given twice or is none.
    """
    if not alerts.webhook_secret_file:
        if alerts.webhook and not alerts.webhook_secret.get_secret_value():
            raise ConfigError(
                "alerts.webhook: its events must be signed. Put the output of `openssl rand "
                "-base64 32` into a file, name it in alerts.webhook_secret_file, and give the "
                "receiver the same"
            )
        return alerts
    if alerts.webhook_secret.get_secret_value():
        raise ConfigError(
            "alerts: both `webhook_secret` and `webhook_secret_file` are set; keep one"
        )
    path, key = folder / alerts.webhook_secret_file, "alerts.webhook_secret_file"
    try:
        secret = check_webhook_secret(SecretStr(read_first_line(path, key)))
    except ConfigError:
        return alerts.model_copy(update={"webhook_secret_file": path})  # `digest doctor` says so
    except ValueError as error:
        raise ConfigError(f"{key} = '{path}': {error}") from error
    return alerts.model_copy(update={"webhook_secret_file": path, "webhook_secret": secret})


def _resolve_providers(providers: ProvidersSection, folder: Path) -> ProvidersSection:
    """Return the section with the secrets read from their files.

    If a file cannot be read, the secret stays empty and that provider has no access.

    Raises:
        ConfigError: a secret is given twice.
    """
    values: dict[str, Any] = {}
    for name in ("postmark_secret", "mailgun_key", "brevo_secret"):
        file: Path | None = getattr(providers, f"{name}_file")
        if file is None:
            continue
        if getattr(providers, name).get_secret_value():
            raise ConfigError(f"providers: both `{name}` and `{name}_file` are set; keep one")
        values[f"{name}_file"] = folder / file
        try:
            values[name] = SecretStr(read_first_line(folder / file, f"providers.{name}_file"))
        except ConfigError:
            continue
    return providers.model_copy(update=values)
