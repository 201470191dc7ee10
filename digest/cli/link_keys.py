"""The commands `digest keys`: the keys that sign the links in mails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import AsJson, ConfigPath, open_app, out, show_json
from digest.cli.tables import make_table

if TYPE_CHECKING:
    from digest.app import App

commands = typer.Typer()
keys = typer.Typer(
    help="List, rotate or revoke the keys that sign links in mails.", no_args_is_help=True
)
commands.add_typer(keys, name="keys")


@keys.command(name="list")
def list_keys(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """List the keys by id.

    The newest key signs. Links of all keys work unless the key is revoked. The secrets stay in
    the database.
    """
    with open_app(config, existing=True) as app:
        _show(app, as_json)


@keys.command()
def rotate(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """Make a new key that signs from now on.

    Links of older keys still work. Running processes need no restart.
    """
    with open_app(config) as app:
        app.rotate_keys()
        _show(app, as_json)


@keys.command()
def revoke(
    key: Annotated[
        int,
        typer.Argument(metavar="ID", help="As `digest keys list` shows it.", show_default=False),
    ],
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Revoke a key that may have leaked: its links are refused from now on.

    Running processes pick this up within a minute. Links that unsubscribe still work. If the key
    is the newest, a new one is made.
    """

    from digest import store

    with open_app(config, existing=True) as app:
        with app.store.reading() as tx:
            ids_before = {row.id for row in store.keys.load_rows(tx)}
        newly_revoked = app.revoke_key(key)
        newest_id = app.keys()[-1].id
        if not as_json:
            out.print(
                f"key {key} is revoked" if newly_revoked else f"key {key} was revoked already"
            )
            if newest_id not in ids_before:
                out.print(
                    f"It was the newest, so key {newest_id} was made, and it signs from now on",
                    highlight=False,
                )
        _show(app, as_json)


def _show(app: App, as_json: bool) -> None:
    from digest import store

    with app.store.reading() as tx:
        keys_by_age = store.keys.load_rows(tx)
    rows = [
        {
            "id": key.id,
            "made": key.created_at,
            "signs": key.id == keys_by_age[-1].id,
            "revoked": key.revoked_at,
        }
        for key in keys_by_age
    ]
    if as_json:
        show_json(rows)
        return
    if not rows:
        out.print("no key yet: the first mail or page will make one", style="dim")
        return
    table = make_table("key", "made", "", numbers=("key", "made"))
    for key, row in zip(keys_by_age, rows, strict=True):
        use = "signs" if row["signs"] else "still works"
        if key.revoked_at:
            use = f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC; only unsubscribing works"
        table.add_row(str(key.id), f"{key.created_at:%Y-%m-%d %H:%M} UTC", use)
    out.print(table)
