"""The command import-library: a reader's own papers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import AsJson, ConfigPath, err, open_app, out, show_json
from digest.errors import InputError

commands = typer.Typer()
#: refused entries that are printed
_SHOWN = 20


@commands.command("import-library")
def import_library(
    email: Annotated[str, typer.Argument(help="Address of the reader.")],
    file: Annotated[
        Path | None,
        typer.Argument(
            help="BibTeX, RIS, a list of ids or links, or any other known format.",
            show_default=False,
        ),
    ] = None,
    zotero: Annotated[
        str,
        typer.Option(
            metavar="LIBRARY",
            help="Instead of a file: users/ID or groups/ID of Zotero. Each run reads what is new.",
        ),
    ] = "",
    key_file: Annotated[
        Path | None,
        typer.Option(help="File with a key of Zotero's API on its first line.", show_default=False),
    ] = None,
    zotero_url: Annotated[
        str, typer.Option(help="Address of another server with Zotero's API.", show_default=False)
    ] = "",
    interest: Annotated[
        str,
        typer.Option(
            help="The interest that the papers are examples of; not needed if there is only one.",
            show_default=False,
        ),
    ] = "",
    create: Annotated[
        bool, typer.Option("--create", help="Make the interest if the reader has none of the name.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Import a reader's library as papers they like.

    Importing the same file again changes nothing. What was removed from a library stays with the
    reader.
    """

    from digest import subscriptions
    from digest.services.library import import_library as import_papers
    from digest.services.zotero_library import follow_zotero

    if bool(file) == bool(zotero) or bool(zotero) != bool(key_file):
        raise InputError("give either a file, or --zotero with --key-file")
    with open_app(config, existing=True) as app:
        reader = subscriptions.find(app, email)
        if file is not None:
            name = " ".join(interest.split())
            if name and not create and err.is_terminal and not as_json:
                names = [own.name for own in reader.interests]
                create = name not in names and typer.confirm(
                    f"{reader.email} has no interest {name!r}. Make it?", err=True
                )
            report = import_papers(app, reader, file, interest=interest, create=create)
        else:
            report = follow_zotero(
                app,
                reader,
                zotero,
                key_file=key_file or Path(),
                interest=interest,
                create=create,
                base_url=zotero_url,
            )
    if as_json:
        show_json(report.json)
    else:
        kinds = {
            "matched": "matched to stored papers",
            "kept": "stored with title and abstract until a dump contains them",
            "awaited": "known by identifier only: they count once a dump contains them",
            "refused": "refused",
        }
        out.print(
            f"{file or zotero}: {len(report.entries)} read ({report.format}), {report.new} new in "
            f"the interest {report.interest!r} of {report.subscriber.email}",
            highlight=False,
            markup=False,
        )
        for outcome, text in kinds.items():
            if number := sum(entry.outcome == outcome for entry in report.entries):
                out.print(f"  {number} {text}", highlight=False, markup=False)
        refused = [entry for entry in report.entries if entry.outcome == "refused"]
        for entry in refused[:_SHOWN]:
            out.print(
                f"  line {entry.line}: {entry.reason}",
                highlight=False,
                markup=False,
                style="yellow",
            )
        if len(refused) > _SHOWN:
            out.print(f"  and {len(refused) - _SHOWN} more; --json lists all", style="yellow")
        incomplete = [f"the file is incomplete: {report.incomplete}"] if report.incomplete else []
        for note in (*report.notes, *incomplete):
            out.print(f"  {note}", highlight=False, markup=False, style="yellow")
    if (
        file
        and report.format != "empty"
        and all(entry.outcome == "refused" for entry in report.entries)
    ):
        raise typer.Exit(1)
