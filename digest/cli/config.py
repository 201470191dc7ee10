"""The command config: the settings in force."""

from __future__ import annotations

from typing import Annotated

import typer

from digest import config as settings
from digest.cli.options import AsJson, ConfigPath, load, out, show_json

commands = typer.Typer()


@commands.command(name="config")
def show_config(
    example: Annotated[
        bool,
        typer.Option("--example", help="Print the example file instead: every key at its default."),
    ] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Show the settings in force.

    They come from the file, the environment and the defaults. Secrets are hidden.
    """
    if example:
        typer.echo(settings.example(), nl=False)
        return
    values = settings.redacted_values(load(config))
    if as_json:
        show_json(values)
        return
    for section in settings.SECTIONS:
        out.print(f"[{section}]", markup=False, style="bold")
        for key, value in values[section].items():
            out.print(f"{key} = {value!r}", markup=False, highlight=False)
    for section in settings.LISTS:
        out.print(f"{len(values[section])} [[{section}]]", markup=False, highlight=False)
