"""The command group that the modules of this package add their commands to."""

from __future__ import annotations

from typing import Annotated

import typer

from digest import __version__

app = typer.Typer(
    name="digest",
    help="Reads every new scientific paper and mails each subscriber the few worth their time.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"digest {__version__}")
        raise typer.Exit


@app.callback()
def base(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Dumps of papers in, a personal e-mail out, and thumbs that teach the next one."""
