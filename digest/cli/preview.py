"""The command preview: the digest that a reader would get now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from digest import services, subscriptions
from digest.cli.options import (
    AsJson,
    ConfigPath,
    OnDate,
    a_day,
    err,
    opened,
    out,
    show_json,
    write_file,
)
from digest.cli.terminal import printable
from digest.escaping import escape_lines
from digest.mail.messages.cards import SLOTS
from digest.model import Quiet
from digest.ranking import calibration, scores

commands = typer.Typer()


@commands.command()
def preview(
    email: Annotated[str, typer.Argument(help="Address of the reader.")],
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write the HTML part to this file.", show_default=False),
    ] = None,
    eml: Annotated[
        Path | None,
        typer.Option(
            "--eml",
            help="Write the whole message to this file, as it would be sent: signed, CRLF.",
            show_default=False,
        ),
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="Print the text part.")] = False,
    as_json: AsJson = False,
    date: OnDate = None,
    config: ConfigPath = None,
) -> None:
    """Show the digest a reader would get now, and why.

    Stores and sends nothing.
    """
    with opened(config, date, existing=True) as service:
        found = services.preview(
            service,
            subscriptions.find(service, email),
            day=None if date is None else a_day(date),
        )
    if found.message is not None:
        for path, contents in ((html, found.message.html.encode()), (eml, found.message.data)):
            if path is not None:
                _write(path, contents)
    if as_json:
        show_json(found.json)
    elif isinstance(found.outcome, Quiet) or found.message is None:
        out.print(
            f"{email}: no digest on {found.outcome.local_date}: {_why(found.outcome)}",
            highlight=False,
            markup=False,
        )
    elif text:
        typer.echo(escape_lines(found.message.text))
    else:
        show_preview(found)


def _write(path: Path, contents: bytes) -> None:
    write_file(path, contents, secret=True)  # its links act for the reader
    err.print(f"written: {path}", highlight=False, markup=False)


def _why(outcome: object) -> str:
    return outcome.reason.value if isinstance(outcome, Quiet) else ""


def show_preview(found: services.Preview) -> None:
    """A digest as a table: position, match, title, reason."""
    if isinstance(found.outcome, Quiet):
        return
    made = found.outcome.provenance
    out.print(
        f"{found.subscriber.email}, {found.outcome.local_date}: {len(found.outcome.items)} of "
        f"{made.candidates} new papers",
        style="bold",
    )
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(justify="right", width=4)
    table.add_column(overflow="fold")
    for item in found.outcome.items:
        paper = found.papers[item.score.paper_id]
        place = (
            f"{paper.name}  {', '.join(paper.categories)}  {calibration.match_label(item.score)}"
        )
        told = Text(printable(paper.title))
        for line in (place, scores.write_reason(item.score)):
            told.append(f"\n{printable(line)}", style="dim")
        if item.slot in SLOTS:
            told.append(f"\n{SLOTS[item.slot]}", style="dim italic")
        table.add_row(f"{item.position}.", told)
    out.print(table)
    out.print(
        f"made by {made.model} on {made.features}, thumbs {made.thumbs_up} up, {made.thumbs_down} "
        f"down",
        style="dim",
    )
