"""The command demo: everything once, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import make_folder

commands = typer.Typer()


@commands.command()
def demo(
    serving: Annotated[
        bool,
        typer.Option(
            "--serve/--no-serve",
            help="Afterwards serve the inbox of the caught mails until Ctrl-C.",
        ),
    ] = True,
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder to work in; a new temporary one by default.", show_default=False),
    ] = None,
    port: Annotated[
        int,
        typer.Option(help="Port of the pages on this machine; 0 = any free one.", min=0, max=65535),
    ] = 0,
) -> None:
    """Try everything once, offline: papers in, mails out, thumbs.

    The last mails have learned from the thumbs.
    """
    from digest import demo as showing

    if folder is not None:
        make_folder(folder)
    showing.run(folder, serving=serving, port=port)
