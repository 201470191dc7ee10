"""Commands about what signs: the keys of links."""

from __future__ import annotations

import typer
from rich.table import Table

from digest import store
from digest.app import App
from digest.cli.base import app
from digest.cli.options import AsJson, ConfigPath, opened, out, show_json

keys = typer.Typer(help="The keys that sign the links in mails.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@keys.command(name="list")
def list_keys(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """List them by id; the newest signs, all are taken. Their secrets stay in the database."""
    with opened(config) as service:
        service.keys()
        _show(service, as_json)


@keys.command()
def rotate(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """Make a new key, which signs from now on. Links that older ones signed work as before; running processes need no restart."""
    with opened(config) as service:
        service.rotate_keys()
        _show(service, as_json)


def _show(service: App, as_json: bool) -> None:
    with service.store.reading() as tx:
        found = store.keys.listed(tx)
    rows = [{"id": ident, "made": made, "signs": ident == found[-1][0]} for ident, made in found]
    if as_json:
        show_json(rows)
        return
    table = Table("key", "made", "", box=None, header_style="bold")
    for row in rows:
        table.add_row(str(row["id"]), f"{row['made']:%Y-%m-%d %H:%M} UTC", "signs" if row["signs"] else "is still taken")
    out.print(table)
