"""The command export: everything that is stored about a reader."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from digest.cli.options import ConfigPath, open_app
from digest.model import Vote

commands = typer.Typer()


@commands.command()
def export(
    email: Annotated[str, typer.Argument(help="Address of the reader.")],
    thumbs: Annotated[
        str,
        typer.Option(
            metavar="bib|ris",
            help="Only the papers they liked, as BibTeX or RIS.",
            show_default=False,
        ),
    ] = "",
    down: Annotated[
        bool, typer.Option("--down", help="With --thumbs: the papers with a thumb down instead.")
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Print everything that is stored about a reader as JSON.

    The same as the reader gets by the page of their data.
    """
    from digest import services, subscriptions

    if thumbs not in ("", "bib", "ris"):
        raise typer.BadParameter(f"{thumbs!r} is no format of thumbs; use bib or ris")
    vote: Vote = -1 if down else 1
    with open_app(config, existing=True) as app:
        reader = subscriptions.find(app, email)
        text = (
            services.export_thumbs(app, reader, vote, "bib" if thumbs == "bib" else "ris")
            if thumbs
            else json.dumps(services.export_reader(app, reader), indent=2) + "\n"
        )
    sys.stdout.write(text)
