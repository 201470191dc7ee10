"""Commands about what signs: the keys of links, and the DKIM keys of mails."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest import private, store
from digest.app import App
from digest.cli.base import app
from digest.cli.options import AsJson, ConfigPath, load, opened, out, show_json
from digest.cli.tables import listing
from digest.errors import AddressError, ConfigError, InputError
from digest.mail.messages import ascii_domain
from digest.mail.messages import dkim as keys_of_mails

keys = typer.Typer(help="The keys that sign the links in mails.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@keys.command(name="list")
def list_keys(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """List them by id; the newest signs, all are taken unless revoked. Their secrets stay in the
    database.
    """
    with opened(config, existing=True) as service:
        _show(service, as_json)


@keys.command()
def rotate(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """Make a new key, which signs from now on.

    Links that older ones signed work as before; running processes need no restart.
    """
    with opened(config) as service:
        service.rotate_keys()
        _show(service, as_json)


@keys.command()
def revoke(
    key: Annotated[
        int,
        typer.Argument(metavar="ID", help="As `digest keys list` shows it.", show_default=False),
    ],
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Refuse the links of a key that others may know, in running processes within a minute; those
    that leave go on working.

    Where it is the newest, a new one is made, which signs from now on.
    """
    with opened(config, existing=True) as service:
        with service.store.reading() as tx:
            before = {known.id for known in store.keys.every(tx)}
        done = service.revoke_key(key)
        after = service.keys()[-1].id
        if not as_json:
            out.print(f"key {key} is revoked" if done else f"key {key} was revoked already")
            if after not in before:
                out.print(
                    f"It was the newest, so key {after} was made, which signs from now on",
                    highlight=False,
                )
        _show(service, as_json)


def _show(service: App, as_json: bool) -> None:
    with service.store.reading() as tx:
        known = store.keys.every(tx)
    rows = [
        {
            "id": key.id,
            "made": key.created_at,
            "signs": key.id == known[-1].id,
            "revoked": key.revoked_at,
        }
        for key in known
    ]
    if as_json:
        show_json(rows)
        return
    if not rows:
        out.print("no key yet: the first mail or page makes it", style="dim")
        return
    table = listing("key", "made", "", numbers=("key", "made"))
    for key, row in zip(known, rows, strict=True):
        use = "signs" if row["signs"] else "is still taken"
        if key.revoked_at:
            use = f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC; only leaving works"
        table.add_row(str(key.id), f"{key.created_at:%Y-%m-%d %H:%M} UTC", use)
    out.print(table)


@app.command()
def dkim(
    ed25519: Annotated[
        bool, typer.Option("--ed25519", help="The key of the second signature, beside the RSA one.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Make the private key that signs the mails (DKIM) where there is none yet, and print the DNS
    record to publish.
    """
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
    private.restrict(path)
    made = not path.exists() and _make(path, keys_of_mails.new_key("ed25519" if ed25519 else "rsa"))
    try:
        record = keys_of_mails.read_key(path.read_bytes()).record
    except (OSError, InputError) as error:
        raise ConfigError(
            f"{path}: {error}. Move it away, and this command makes another"
        ) from error
    place = f"{selector}._domainkey.{domain}"
    if as_json:
        show_json({"file": str(path), "made": made, "name": place, "type": "TXT", "value": record})
        return
    out.print(
        f"{'made' if made else 'there already'}: {path}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if chosen is None:
        lines = ("Set in config.toml, section [mail]:", "", f'    {name} = "{default}"', "")
        out.print(*lines, sep="\n", highlight=False, markup=False, soft_wrap=True)
    out.print(
        f"Publish in the DNS of {domain}: the name, the type TXT, and this value as one text.",
        "",
        sep="\n",
        highlight=False,
        markup=False,
    )
    typer.echo(f"    {place}\n\n    {record}\n")
    out.print(
        "The same as a line of a zone file, where one string holds at most 255 characters:",
        "",
        sep="\n",
        highlight=False,
        markup=False,
    )
    strings = " ".join(f'"{record[start : start + 255]}"' for start in range(0, len(record), 255))
    typer.echo(f"    {place}. 3600 IN TXT ( {strings} )")


def _make(path: Path, pem: bytes) -> bool:
    """Write the key where no file is yet, readable by its owner alone; whether it was written."""
    try:
        with private.create_file(path, anew=True) as file:
            file.write(pem)
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be made ({error.strerror}). Check the folder and its permissions"
        ) from error
    return True
