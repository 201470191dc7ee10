"""Choose the settings of a new service: by option, by guess, or by question on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from digest import config as settings
from digest.cli.options import out
from digest.cli.setup import questions
from digest.cli.setup.fields import Topic, make_sources, parse_field, propose_sources
from digest.cli.setup.files import PASSWORD_FILE
from digest.cli.setup.mail_servers import guess_mail_servers
from digest.errors import DigestError, InputError

#: section -> key -> value
Values = dict[str, dict[str, object]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerOptions:
    """What the command line says of the mail server; None = nothing."""

    provider: str | None = None
    region: str | None = None
    host: str | None = None
    port: int | None = None
    username: str | None = None
    password_file: Path | None = None
    client_id: str | None = None


def choose_sender(sender: str | None) -> str:
    """Choose the address that mails come from; "" = none."""
    if sender is not None:
        return _parse_sender(sender)
    if not out.is_terminal:
        return ""
    question = "Address that the mails come from (empty: write them to the folder outbox)"
    return questions.ask(question, _parse_sender)


def choose_server(sender: str, options: ServerOptions) -> Values:
    """Choose the mail server, and how to log in there.

    Args:
        sender: The address that mails come from; "" = none.
        options: Of the command line.

    Returns:
        [smtp], and [oauth] where no password is needed; empty = mails go to a folder.
    """
    if options.provider is not None:
        return _provider_sections(sender, options.provider, options)
    if options.host is not None:
        return _host_sections(options)
    if not sender:
        return {}
    if out.is_terminal:
        return _ask_server(sender, options)
    known = settings.PROVIDERS.get(settings.find_provider(sender.rpartition("@")[2]))
    if known is None:
        return {}
    return _host_sections(
        replace(
            options,
            host=known.smtp.host,
            port=options.port or known.smtp.port,
            username=options.username or sender,
        )
    )


def _ask_server(sender: str, options: ServerOptions) -> Values:
    guesses = guess_mail_servers(sender)
    answer = questions.ask_mail_server(guesses, _parse_server)
    if answer in settings.PROVIDERS:
        return _provider_sections(sender, answer, options)
    local = next((guess for guess in guesses if answer and guess.host == answer), None)
    if local is not None:
        # Its certificate is usually its own, and the mails do not leave the machine.
        return {"smtp": {"host": answer, "port": options.port or local.port, "tls": "none"}}
    if answer and options.port is None:
        options = replace(options, port=questions.ask("Its port", _parse_port, "587"))
    if answer and options.username is None:
        username = questions.ask("Login there (empty: none)", str.strip)
        options = replace(options, username=username)
    return _host_sections(replace(options, host=answer))


def _host_sections(options: ServerOptions) -> Values:
    """Return [smtp] of a server named by its host."""
    if not options.host:
        return {}
    section: dict[str, object] = {"host": options.host, "port": options.port or 587}
    if options.username:
        section["username"] = options.username
    return {"smtp": section} | _choose_proof(section, options, needs_oauth=False)


def _provider_sections(sender: str, name: str, options: ServerOptions) -> Values:
    """Return [smtp] of a server named by its provider."""
    provider = settings.PROVIDERS.get(name)
    if provider is None:
        validate({"smtp": {"provider": name}})
        return {}
    section: dict[str, object] = {"provider": name}
    section |= {
        key: value for key in ("host", "port") if (value := getattr(options, key)) is not None
    }
    if options.client_id is not None and provider.oauth is None:
        raise InputError(
            f"--client-id: {provider.title} takes a password and has no app for it. Nothing "
            "was written"
        )
    section |= _provider_login(sender, provider, options)
    return {"smtp": section} | _choose_proof(section, options, needs_oauth=provider.needs_oauth)


def _choose_proof(
    section: dict[str, object], options: ServerOptions, *, needs_oauth: bool
) -> Values:
    """Add a password file, or a login by OAuth 2.0, to [smtp] with a login; returns [oauth]."""
    if not section.get("username"):
        return {}
    if options.client_id is None and not needs_oauth:
        section["password_file"] = str(options.password_file or PASSWORD_FILE)
        return {}
    section["auth"] = "oauth2"
    client_id = options.client_id
    if client_id is None and out.is_terminal:
        question = "Client id of your app at the provider (empty: later; deploy/README.md)"
        client_id = questions.ask(question, str.strip)
    return {"oauth": {"client_id": client_id}} if client_id else {}


def _provider_login(
    sender: str, provider: settings.Provider, options: ServerOptions
) -> dict[str, object]:
    """Return the login at a provider, and the region where it has regions."""
    login: dict[str, object] = {}
    region = options.region
    if region is None and "{region}" in provider.smtp.host and out.is_terminal:
        region = questions.ask("Region, such as eu-central-1", str.strip)
    if region:
        login["region"] = region
    username = options.username
    if username is None and provider.by_address:
        username = sender
    if not username and not provider.username and out.is_terminal:
        username = questions.ask(f"Login: {provider.login}", str.strip)
    if username or provider.username:
        login["username"] = username or provider.username
    return login


def choose_sources(
    field: list[str] | None, names: list[str] | None
) -> tuple[list[Topic], list[dict[str, object]]]:
    """Choose the field and the sources."""
    topics = parse_field(field or ())
    if field is None and names is None and out.is_terminal:
        topics = questions.ask_field(lambda text: parse_field([text]))
        return topics, questions.ask_sources(topics) if topics else []
    sources = make_sources(names if names is not None else propose_sources(topics), topics)
    if topics:
        questions.show_field(topics)
        questions.show_sources(sources)
    return topics, sources


def choose_time_zone(timezone: str | None) -> Values:
    """Choose the time zone of readers."""
    if timezone is None and out.is_terminal:
        timezone = questions.ask("Time zone of your readers", _parse_zone, guess_time_zone())
    return {"digest": {"timezone": _parse_zone(timezone)}} if timezone else {}


def guess_time_zone() -> str:
    """Return the time zone of this machine, "UTC" if it is not known."""
    import warnings

    import tzlocal

    from digest.model import time_zones

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            name = tzlocal.get_localzone_name()
    except (LookupError, OSError, ValueError):
        return "UTC"
    return name if name in time_zones() and not name.startswith("Etc/") else "UTC"


def ask_password(smtp: Mapping[str, object], password_file: Path | None) -> str:
    """Ask for the password of the mail server, if a file of ours is to hold it."""
    if not out.is_terminal or password_file is not None or "password_file" not in smtp:
        return ""
    provider = settings.PROVIDERS.get(str(smtp.get("provider", "")))
    if provider is not None:
        questions.say(f"{provider.title} wants {provider.login}.")
    return questions.ask_secret("Its password, or app password (empty: later)")


# ------------------------------------------------------------------------------------------- checks


def validate(values: Mapping[str, Any]) -> None:
    """Check settings before anything is written.

    Raises:
        InputError: they are not valid.
    """
    try:
        _check(values)
    except InputError as error:
        raise InputError(f"{error}. Nothing was written") from error


def _check(values: Mapping[str, Any]) -> None:
    try:
        settings.check(values)
    except DigestError as error:
        raise InputError(str(error)) from error


def _parse_sender(text: str) -> str:
    from digest import subscriptions

    if not text:
        return text
    address = subscriptions.normalise_address(text)
    _check({"mail": {"sender": address}})
    return address


def _parse_server(text: str) -> str:
    text = text.strip()
    if text.lower() in settings.PROVIDERS:
        return text.lower()
    if text.lower() != questions.NONE:
        _check({"smtp": {"host": text}})
    return text


def _parse_port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdecimal() else 0
    _check({"smtp": {"port": port}})
    return port


def _parse_zone(text: str) -> str:
    _check({"digest": {"timezone": text.strip()}})
    return text.strip()
