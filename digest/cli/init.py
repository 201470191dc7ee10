"""The command init: write the settings, and ask for what cannot be guessed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.prompt import Prompt

from digest import config as settings
from digest.cli.options import err, out
from digest.errors import DigestError, InputError

commands = typer.Typer()
#: SMTP servers of common mailbox providers: domain -> server and port
_PROVIDERS = {
    "gmail.com": ("smtp.gmail.com", 587),
    "googlemail.com": ("smtp.gmail.com", 587),
    "outlook.com": ("smtp-mail.outlook.com", 587),
    "hotmail.com": ("smtp-mail.outlook.com", 587),
    "icloud.com": ("smtp.mail.me.com", 587),
    "yahoo.com": ("smtp.mail.yahoo.com", 587),
    "fastmail.com": ("smtp.fastmail.com", 465),
    "gmx.de": ("mail.gmx.net", 587),
    "gmx.net": ("mail.gmx.net", 587),
    "web.de": ("smtp.web.de", 587),
    "posteo.de": ("posteo.de", 587),
    "mailbox.org": ("smtp.mailbox.org", 587),
    "zoho.com": ("smtp.zoho.com", 587),
}


@commands.command()
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("config.toml"),
    sender: Annotated[
        str | None, typer.Option(help="Address that the mails come from.", show_default=False)
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="Mail server; empty = write mails to the folder outbox.", show_default=False
        ),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Its port.", show_default=False)] = None,
    username: Annotated[
        str | None,
        typer.Option(
            help="Login; the sender when the server is its provider's.", show_default=False
        ),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(help="File with the password on its first line.", show_default=False),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Where readers reach `digest serve`.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a config.toml that explains every key.

    Also make the inbox folder. On a terminal, ask for what cannot be guessed.
    """
    _check_place(path, force)
    for key, value in (("host", host), ("port", port), ("username", username)):
        if value is not None:
            _validate_key("smtp", key, value)
    if base_url is not None:
        _validate_key("web", "base_url", base_url)
    terminal = out.is_terminal
    if sender is not None:
        sender = _parse_sender(sender)
    elif terminal:
        question = "Address that the mails come from (empty: write them to the folder outbox)"
        sender = _ask(question, _parse_sender)
    if sender and host is None:
        guess = _PROVIDERS.get(sender.rpartition("@")[2])
        if guess is not None:
            host, port, username = guess[0], port or guess[1], username or sender
        elif terminal:
            host = _ask("Mail server for outgoing mail", _parse_host)
    values: dict[str, dict[str, object]] = {"mail": {"sender": sender}} if sender else {}
    if host:
        values["smtp"] = _smtp_section(host, port, username, password_file)
    if base_url:
        values["web"] = {"base_url": base_url}
    _validate(values)
    needs_password = terminal and host and username and password_file is None
    password = _ask_password() if needs_password else ""
    _write(path, settings.example(values), password)
    _print_next_steps(path, values)


#: the name of the password file, beside the config
_PASSWORD = "smtp-password"  # noqa: S105


def _smtp_section(
    host: str, port: int | None, username: str | None, password_file: Path | None
) -> dict[str, object]:
    """Return the values of [smtp], with a password file if there is a login."""
    section: dict[str, object] = {"host": host, "port": port or 587}
    if username:
        section |= {"username": username, "password_file": str(password_file or _PASSWORD)}
    return section


def _check_place(path: Path, force: bool) -> None:
    """Check that the file and the folder inbox can be made.

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


def _validate_key(section: str, key: str, value: object) -> None:
    _validate({section: {key: value}})


def _validate(values: Mapping[str, Mapping[str, Any]]) -> None:
    try:
        settings.check(values)
    except DigestError as error:
        raise InputError(f"{error}. Nothing was written") from error


def _parse_sender(text: str) -> str:
    from digest import subscriptions

    if not text:
        return text
    address = subscriptions.normalise_address(text)
    _validate_key("mail", "sender", address)
    return address


def _parse_host(text: str) -> str:
    _validate_key("smtp", "host", text.strip())
    return text.strip()


def _ask(question: str, check: Callable[[str], str]) -> str:
    """Ask until the answer is valid."""
    while True:
        try:
            return check(Prompt.ask(question, default="", console=out))
        except DigestError as error:
            err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)


def _ask_password() -> str:
    question = "Its password, or app password (empty: later)"
    return Prompt.ask(question, default="", password=True, console=out)


def _write(path: Path, text: str, password: str) -> None:
    """Write all files or none: an error or a signal leaves nothing behind."""
    with ExitStack() as undo:
        try:
            inbox = path.parent / "inbox"
            if not inbox.is_dir():
                inbox.mkdir(mode=0o700)
                undo.callback(_remove_quietly, inbox.rmdir)
            if password:
                secret = path.parent / _PASSWORD
                if not secret.exists():
                    undo.callback(_remove_quietly, secret.unlink)
                _write_file(secret, password + "\n")
            _write_file(path, text, mode=0o644)
        except OSError as error:
            raise InputError(
                f"{error.filename or path}: cannot be written ({error.strerror}). "
                "Check the folder and its permissions"
            ) from error
        undo.pop_all()


def _remove_quietly(remove: Callable[[], None]) -> None:
    with suppress(OSError):
        remove()


def _write_file(path: Path, text: str, mode: int = 0o600) -> None:
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


def _print_next_steps(path: Path, values: Mapping[str, Mapping[str, Any]]) -> None:
    inbox = path.parent / "inbox"
    out.print(f"written: {path}, and the folder {inbox} for dumps", highlight=False, markup=False)
    smtp = values.get("smtp", {})
    file = smtp.get("password_file")
    if file and not (path.parent / file).is_file():
        out.print(
            f"Put the password of {smtp['username']} into {path.parent / file} (readable by you "
            "only). Until then nothing is sent; everything else works.",
            style="yellow",
            markup=False,
        )
    if not smtp:
        out.print(
            "Mails will be written to the folder outbox; set [smtp] host to send them.",
            style="dim",
            markup=False,
        )
    out.print(
        "Next: digest ingest PATH, digest subscribe EMAIL --keyword ..., digest preview EMAIL, "
        "digest run",
        style="dim",
        markup=False,
    )
