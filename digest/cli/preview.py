"""The command preview: the digest that a reader would get now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from digest.cli.options import (
    AsJson,
    ConfigPath,
    OnDate,
    err,
    open_app,
    out,
    parse_day,
    show_json,
    write_file,
)
from digest.cli.terminal import printable
from digest.escaping import escape_lines
from digest.locales import count_noun
from digest.model import Quiet

if TYPE_CHECKING:
    from digest import services

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
    whole: Annotated[
        bool,
        typer.Option("--all", help="Show all papers that compete, best first, with the listed."),
    ] = False,
    as_json: AsJson = False,
    date: OnDate = None,
    config: ConfigPath = None,
) -> None:
    """Show the digest a reader would get now, and why.

    Stores and sends nothing.
    """

    from digest import services, subscriptions

    if whole and (html or eml or text):
        raise typer.BadParameter("--all shows papers, not a mail: without --html, --eml and --text")
    show = services.preview_all if whole else services.preview
    with open_app(config, date, existing=True) as app:
        result = show(
            app,
            subscriptions.find(app, email),
            day=None if date is None else parse_day(date),
        )
    if result.message is not None:
        for path, contents in ((html, result.message.html.encode()), (eml, result.message.data)):
            if path is not None:
                _write(path, contents)
    if as_json:
        show_json(result.json)
    elif text and result.message is not None:
        typer.echo(escape_lines(result.message.text))
    elif isinstance(result.outcome, Quiet):
        show_quiet_day(result, result.outcome)
    else:
        show_preview(result)


def _write(path: Path, contents: bytes) -> None:
    write_file(path, contents, secret=True)  # its links can act for the reader
    err.print(f"written: {path}", highlight=False, markup=False)


def show_quiet_day(result: services.Preview, quiet: Quiet) -> None:
    """Print why there is no digest, and the paper that came nearest."""
    lines = [f"{result.subscriber.email}: no digest on {quiet.local_date}: {quiet.reason.value}"]
    lines += [f"the nearest was: {printable(paper.title)}" for paper in result.papers.values()]
    for line in lines:
        out.print(line, highlight=False, markup=False)


def show_preview(result: services.Preview) -> None:
    """Print a digest as a table: position, match, title, reason."""

    from digest.mail.messages.cards import SLOTS
    from digest.mail.messages.texts import format_origin_day
    from digest.ranking import scores

    if isinstance(result.outcome, Quiet):
        return
    provenance = result.outcome.provenance
    out.print(
        f"{result.subscriber.email}, {result.outcome.local_date}: {len(result.outcome.items)} of "
        f"{count_noun(provenance.papers_read, 'new paper')}",
        style="bold",
    )
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(justify="right", width=4)
    table.add_column(overflow="fold")
    for item in result.outcome.items:
        paper = result.papers[item.score.paper_id]
        place = f"{paper.name}  {', '.join(paper.categories)}  {item.score.word}"
        if item.from_day is not None:
            place += f"  {format_origin_day(item.from_day, result.outcome.local_date)}"
        text = Text(printable(paper.title))
        for line in (place, scores.write_reason(item.score)):
            text.append(f"\n{printable(line)}", style="dim")
        if item.slot in SLOTS:
            text.append(f"\n{SLOTS[item.slot]}", style="dim italic")
        table.add_row(f"{item.position}.", text)
    out.print(table)
    out.print(
        f"made by {provenance.model} on {provenance.features}, thumbs {provenance.thumbs_up} up, "
        f"{provenance.thumbs_down} down",
        style="dim",
    )
