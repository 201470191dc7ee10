"""Commands about what was read: dumps, rejects, withdrawn."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from digest.cli.options import AsJson, ConfigPath, open_app, out, show_json
from digest.cli.tables import count_noun, make_table
from digest.cli.terminal import printable
from digest.model import UNSEEN

commands = typer.Typer()


@commands.command()
def dumps(
    limit: Annotated[int, typer.Option(help="The newest so many.", min=1)] = 20,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """List the dumps that were read, with counts."""

    from digest import services

    with open_app(config, existing=True) as app:
        rows = services.dumps_read(app, limit)
    if as_json:
        show_json(rows)
        return
    if not rows:
        out.print("nothing was read yet: `digest ingest PATH`", style="yellow")
        return
    table = make_table("id", "dump", "records", "started", numbers=("id", "started"))
    for dump in rows:
        kinds = ", ".join(
            f"{dump[kind]} {kind}"
            for kind in ("new", "updated", "duplicate", "skipped", "rejected")
            if dump[kind]
        )
        state = (
            "not finished"
            if dump["finished_at"] is None
            else "incomplete"
            if dump["incomplete"]
            else ""
        )
        summary = (
            f"{dump['read']} read"
            + (f": {kinds}" if kinds else "")
            + (f"; {state}" if state else "")
        )
        what = dump["format"] if dump["day"] == UNSEEN else f"{dump['format']} of {dump['day']}"
        name = Text(printable(dump["name"]))
        if what != dump["name"]:
            name.append(f"\n{printable(what)}")
        table.add_row(str(dump["id"]), name, summary, f"{dump['started_at']:%Y-%m-%d %H:%M}")
    out.print(table)


@commands.command()
def rejects(
    dump: Annotated[
        int | None,
        typer.Argument(
            help="Id of one dump, as `digest dumps` shows it; all by default.", show_default=False
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many records.", min=1)] = 50,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Show the records that could not be used.

    With line, reason and raw text. `digest ingest --retry-rejected` tries them again.
    """

    from digest import services

    with open_app(config, existing=True) as app:
        rows = services.list_rejected(app, dump, limit)
    if as_json:
        show_json(rows)
        return
    for row in rows:
        out.print(
            f"{row['dump']} line {row['line']}: {row['reason']}",
            style="bold",
            markup=False,
            highlight=False,
        )
        out.print(f"  {row['raw'][:400]}", style="dim", markup=False, highlight=False)
    out.print(count_noun(len(rows), "record"), style="dim")


@commands.command()
def withdrawn(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """List withdrawn papers and the readers who liked them.

    Retracted and deleted papers are listed too.
    """

    from digest import services

    with open_app(config, existing=True) as app:
        rows = services.withdrawn(app)
    if as_json:
        show_json(rows)
        return
    for row in rows:
        out.print(f"{row['paper']}  {row['title']}", markup=False, highlight=False)
        if row["liked_by"]:
            out.print(
                f"  liked by {', '.join(row['liked_by'])}",
                style="yellow",
                markup=False,
                highlight=False,
            )
    out.print(count_noun(len(rows), "paper"), style="dim")
