"""The commands `digest api-keys`: the keys that programs use the API with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import AsJson, ConfigPath, open_app, out, show_json
from digest.cli.tables import make_table
from digest.model import SCOPES

if TYPE_CHECKING:
    from digest.model import ApiKey

commands = typer.Typer()
api_keys = typer.Typer(
    help="Make, list or revoke the keys that programs use the API with.", no_args_is_help=True
)
commands.add_typer(api_keys, name="api-keys")


@api_keys.command()
def create(
    name: Annotated[
        str, typer.Option("--name", help="Who uses it, as in “lab dashboard”.", show_default=False)
    ],
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope",
            help="What it allows; may be repeated. "
            + "; ".join(f"{scope.value}: {use}" for scope, use in SCOPES.items())
            + ".",
            show_default=False,
        ),
    ],
    days: Annotated[
        int | None, typer.Option(help="Days until it expires; without, it never does.")
    ] = None,
    per_minute: Annotated[
        int | None,
        typer.Option(help="Requests a minute, instead of what the settings say."),
    ] = None,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Make a key, and show it this once.

    Only its hash is stored. It works at once, without a restart.
    """

    from digest import services

    with open_app(config) as app:
        key, text = services.create_api_key(app, name, scope, days=days, per_minute=per_minute)
    if as_json:
        show_json(_values(key) | {"key": text}, exact=True)
        return
    out.print(f"key {key.id}, {key.name}. Store it now: it cannot be shown again.", highlight=False)
    typer.echo(text)


@api_keys.command(name="list")
def list_keys(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """List the keys with their scopes and the day of their last use.

    The keys of readers, which reach their own data alone, stand on their settings pages.
    """

    from digest import services

    with open_app(config, existing=True) as app:
        keys, now = services.list_api_keys(app), app.now()
    if as_json:
        show_json([_values(key) for key in keys])
        return
    if not keys:
        out.print("no key yet: `digest api-keys create` makes one", style="dim")
        return
    table = make_table("key", "name", "begins with", "scopes", "last used", "", numbers=("key",))
    for key in keys:
        state = "" if key.is_valid(now) else "revoked" if key.revoked else "expired"
        if not state and key.expires is not None:
            state = f"until {key.expires:%Y-%m-%d}"
        table.add_row(
            str(key.id),
            key.name,
            key.hint,
            ", ".join(sorted(key.scopes)),
            "never" if key.last_used is None else key.last_used.isoformat(),
            state,
        )
    out.print(table)


@api_keys.command()
def revoke(
    key: Annotated[
        int,
        typer.Argument(
            metavar="ID", help="As `digest api-keys list` shows it.", show_default=False
        ),
    ],
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Revoke a key: it is refused from now on, by all processes."""

    from digest import services

    with open_app(config, existing=True) as app:
        newly_revoked = services.revoke_api_key(app, key)
    if as_json:
        show_json({"id": key, "newly_revoked": newly_revoked})
        return
    out.print(f"key {key} is revoked" if newly_revoked else f"key {key} was revoked already")


def _values(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "begins_with": key.hint,
        "scopes": sorted(key.scopes),
        "per_minute": key.per_minute,
        "made": key.created,
        "expires": key.expires,
        "last_used": key.last_used,
        "revoked": key.revoked,
    }
