"""The command dkim: the keys that sign the mails."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest import private
from digest.cli.options import AsJson, ConfigPath, load, out, show_json
from digest.errors import AddressError, ConfigError, InputError

commands = typer.Typer()


@commands.command()
def dkim(
    ed25519: Annotated[
        bool, typer.Option("--ed25519", help="The key of the second signature, beside the RSA one.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Make the DKIM key that signs mails, and print its DNS record.

    A key that exists is kept.
    """

    from digest.mail.messages import ascii_domain
    from digest.mail.messages import dkim as keys_of_mails

    mail = load(config).mail
    name = "dkim_ed25519_key_file" if ed25519 else "dkim_key_file"
    selector = mail.dkim_ed25519_selector if ed25519 else mail.dkim_selector
    chosen = mail.dkim_ed25519_key_file if ed25519 else mail.dkim_key_file
    default = "dkim-ed25519.pem" if ed25519 else "dkim.pem"
    path = chosen or (config.parent if config else Path()).resolve() / default
    try:
        domain = ascii_domain(mail.sender.rpartition("@")[2])
    except AddressError as error:
        raise ConfigError(f"mail.sender = {mail.sender!r}: {error}") from None
    if domain == "localhost":
        raise ConfigError(
            "mail.sender is not set: the key is published under its domain. Set it, then repeat "
            "this command"
        )
    private.restrict_to_owner(path)
    is_new = not path.exists() and _write_key(
        path, keys_of_mails.generate_key("ed25519" if ed25519 else "rsa")
    )
    try:
        record = keys_of_mails.read_key(path.read_bytes()).record
    except (OSError, InputError) as error:
        raise ConfigError(
            f"{path}: {error}. Move it away, and this command makes another"
        ) from error
    record_name = f"{selector}._domainkey.{domain}"
    if as_json:
        show_json(
            {"file": str(path), "made": is_new, "name": record_name, "type": "TXT", "value": record}
        )
        return
    state = "made" if is_new else "exists"
    out.print(f"{state}: {path}", highlight=False, markup=False, soft_wrap=True)
    if chosen is None:
        lines = ("Set in config.toml, section [mail]:", "", f'    {name} = "{default}"', "")
        out.print(*lines, sep="\n", highlight=False, markup=False, soft_wrap=True)
    _show_record(domain, record_name, record)


def _show_record(domain: str, record_name: str, record: str) -> None:
    """Print the DNS record, as a text and as a line of a zone file."""
    out.print(
        f"Publish in the DNS of {domain}: the name, the type TXT, and this value as one text.",
        "",
        sep="\n",
        highlight=False,
        markup=False,
    )
    typer.echo(f"    {record_name}\n\n    {record}\n")
    out.print(
        "The same as a line of a zone file, where one string holds at most 255 characters:",
        "",
        sep="\n",
        highlight=False,
        markup=False,
    )
    strings = " ".join(f'"{record[start : start + 255]}"' for start in range(0, len(record), 255))
    typer.echo(f"    {record_name}. 3600 IN TXT ( {strings} )")


def _write_key(path: Path, pem: bytes) -> bool:
    """Write a new key file, readable by its owner only; return whether it was written."""
    try:
        with private.create_file(path, exclusive=True) as file:
            file.write(pem)
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be made ({error.strerror}). Check the folder and its permissions"
        ) from error
    return True
