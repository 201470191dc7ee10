"""The command init: writes the settings, asks what it cannot guess, and checks what it is told."""

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
from digest import subscriptions
from digest.cli.options import err, out
from digest.errors import DigestError, InputError

commands = typer.Typer()
#: where common mailbox providers take mail from a program: domain -> server and port
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
    for section, key, value in (
        ("smtp", "host", host),
        ("smtp", "port", port),
        ("smtp", "username", username),
        ("web", "base_url", base_url),
    ):
        if value is not None:
            _check(section, key, value)
    terminal = out.is_terminal
    if sender is not None:
        sender = _sender(sender)
    elif terminal:
        told = "Address that the mails come from (empty: write them to the folder outbox)"
        sender = _ask(told, _sender)
    if sender and host is None:
        guess = _PROVIDERS.get(sender.rpartition("@")[2])
        if guess is not None:
            host, port, username = guess[0], port or guess[1], username or sender
        elif terminal:
            host = _ask("Mail server that takes your mails", _host)
    values: dict[str, dict[str, object]] = {}
    if sender:
        values["mail"] = {"sender": sender}
    if host:
        values["smtp"] = {"host": host, "port": port or 587}
    if host and username:
        values["smtp"] |= {
            "username": username,
            "password_file": str(password_file or _PASSWORD),
        }
    if base_url:
        values["web"] = {"base_url": base_url}
    _checked(values)
    asks = terminal and host and username and password_file is None
    password = _ask_password() if asks else ""
    _write(path, settings.example(values), password)
    _tell(path, values)


#: the name of the password file, beside the config
_PASSWORD = "smtp-password"  # noqa: S105


def _check_place(path: Path, force: bool) -> None:
    """Raises InputError where the file and the folder inbox cannot be made, or are
    there already."""
    if path.exists() and not force:
        raise InputError(
            f"{path} is there already; nothing was changed. Edit it, or use --force to start anew"
        )
    if path.is_dir() or not path.parent.is_dir():
        wrong = "is a folder" if path.is_dir() else "its folder does not exist"
        raise InputError(f"{path}: {wrong}. Check the folder, or name another file")
    inbox = path.parent / "inbox"
    if inbox.exists() and not inbox.is_dir():
        raise InputError(f"{inbox} is no folder, and dumps are to lie there. Move it away")


def _check(section: str, key: str, value: object) -> None:
    _checked({section: {key: value}})


def _checked(values: Mapping[str, Mapping[str, Any]]) -> None:
    try:
        settings.check(values)
    except DigestError as error:
        raise InputError(f"{error}. Nothing was written") from error


def _sender(text: str) -> str:
    if not text:
        return text
    found = subscriptions.normalise_address(text)
    _check("mail", "sender", found)
    return found


def _host(text: str) -> str:
    _check("smtp", "host", text.strip())
    return text.strip()


def _ask(question: str, check: Callable[[str], str]) -> str:
    """What is typed at a prompt, which comes again until the value can be used."""
    while True:
        try:
            return check(Prompt.ask(question, default="", console=out))
        except DigestError as error:
            err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)


def _ask_password() -> str:
    told = "Its password, or app password (empty: later)"
    return Prompt.ask(told, default="", password=True, console=out)


def _write(path: Path, text: str, password: str) -> None:
    """All that is made, or nothing: what fails, and a signal, leaves no half of it behind."""
    with ExitStack() as undo:
        try:
            inbox = path.parent / "inbox"
            if not inbox.is_dir():
                inbox.mkdir(mode=0o700)
                undo.callback(_forget, inbox.rmdir)
            if password:
                secret = path.parent / _PASSWORD
                if not secret.exists():
                    undo.callback(_forget, secret.unlink)
                _put(secret, password + "\n")
            _put(path, text, mode=0o644)
        except OSError as error:
            raise InputError(
                f"{error.filename or path}: cannot be written ({error.strerror}). "
                "Check the folder and its permissions"
            ) from error
        undo.pop_all()


def _forget(remove: Callable[[], None]) -> None:
    with suppress(OSError):
        remove()


def _put(path: Path, text: str, mode: int = 0o600) -> None:
    """Write the file whole or not at all."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _tell(path: Path, values: Mapping[str, Mapping[str, Any]]) -> None:
    inbox = path.parent / "inbox"
    out.print(f"written: {path}, and the folder {inbox} for dumps", highlight=False, markup=False)
    smtp = values.get("smtp", {})
    file = smtp.get("password_file")
    if file and not (path.parent / file).is_file():
        out.print(
            f"Put the password of {smtp['username']} into {path.parent / file} (readable by you "
            "alone). Until then nothing is sent; all else works.",
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
