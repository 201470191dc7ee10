"""The command about a reader's library: import-library."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest import subscriptions
from digest.cli.options import AsJson, ConfigPath, opened, out, show_json
from digest.services.library import import_library as import_papers

commands = typer.Typer()
#: refused entries that are shown
_SHOWN = 20


@commands.command("import-library")
def import_library(
    email: Annotated[str, typer.Argument(help="Address of the reader.")],
    file: Annotated[
        Path, typer.Argument(help="BibTeX, RIS, a list of ids or links, or any other known format.")
    ],
    interest: Annotated[
        str, typer.Option(help="The interest that the papers are examples of.")
    ] = "main",
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Import a reader's library as papers they like.

    Importing the same file again changes nothing.
    """
    with opened(config, existing=True) as service:
        done = import_papers(service, subscriptions.find(service, email), file, interest=interest)
    if as_json:
        show_json(done.json)
    else:
        kinds = {
            "matched": "matched to stored papers",
            "kept": "kept by title and abstract until a dump brings them",
            "awaited": "known by identifier alone: they count once a dump brings them",
            "refused": "refused",
        }
        out.print(
            f"{file}: {len(done.entries)} read ({done.format}), {done.new} new in the interest "
            f"{done.interest!r} "
            f"of {done.subscriber.email}",
            highlight=False,
            markup=False,
        )
        for outcome, told in kinds.items():
            if number := sum(one.outcome == outcome for one in done.entries):
                out.print(f"  {number} {told}", highlight=False, markup=False)
        refused = [one for one in done.entries if one.outcome == "refused"]
        for one in refused[:_SHOWN]:
            out.print(
                f"  line {one.line}: {one.reason}", highlight=False, markup=False, style="yellow"
            )
        if len(refused) > _SHOWN:
            out.print(f"  and {len(refused) - _SHOWN} more; --json lists all", style="yellow")
        if done.incomplete:
            out.print(
                f"  the file is not whole: {done.incomplete}",
                highlight=False,
                markup=False,
                style="yellow",
            )
    if done.format != "empty" and all(one.outcome == "refused" for one in done.entries):
        raise typer.Exit(1)
