"""Commands of the round: ingest, preview, compose, send, run."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.cli.base import app
from digest.cli.mail import show_polled
from digest.cli.options import (
    AsJson,
    ConfigPath,
    DryRun,
    OnDate,
    OnlyEmail,
    a_day,
    err,
    opened,
    out,
    show_json,
    write_file,
)
from digest.cli.tables import counted, listing
from digest.cli.terminal import printable
from digest.escaping import lines
from digest.mail.messages.cards import SLOTS
from digest.model import MessageState, Quiet, Subscriber
from digest.ranking import calibration, scores
from digest.services import inbound
from digest.signals import stopping


@app.command()
def ingest(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help='Files and folders of dumps; "-" reads standard input.', show_default=False
        ),
    ] = None,
    seen: Annotated[
        str | None,
        typer.Option(
            metavar="DATE|name",
            help='Day that the papers count as first seen; "name" = from the file\'s name.',
            show_default=False,
        ),
    ] = None,
    retry_rejected: Annotated[
        bool,
        typer.Option(
            "--retry-rejected", help="Read the files again of which records were put aside."
        ),
    ] = False,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Store the papers as already old: new to nobody.")
    ] = False,
    as_json: AsJson = False,
    date: OnDate = None,
    config: ConfigPath = None,
) -> None:
    """Read dumps of papers, of any known format. Reading one twice changes nothing."""
    if backfill and seen:
        raise typer.BadParameter("--backfill and --seen exclude each other")
    if retry_rejected == bool(paths):
        raise typer.BadParameter("give either PATHS or --retry-rejected")
    day: pipeline.SeenDay = None if seen is None else "name" if seen == "name" else a_day(seen)
    with (
        opened(config, date, existing=retry_rejected) as service,
        _inputs(paths or []) as files,
        _bar(as_json) as progress,
    ):
        report = (
            services.retry_rejected(service)
            if retry_rejected
            else pipeline.ingest(service, files, seen=day, backfill=backfill, progress=progress)
        )
    if as_json:
        show_json(report.json)
    elif report.files:
        _show_ingested(report)
    else:
        out.print(
            f"there is no file in {', '.join(paths)}" if paths else "no record is put aside",
            style="yellow",
        )
    if report.failed:
        raise typer.Exit(1)


@contextmanager
def _inputs(paths: list[str]) -> Iterator[list[Path]]:
    """The paths; standard input is copied to a file first, since its format is told by its
    beginning.
    """
    with tempfile.TemporaryDirectory(prefix="digest-") as folder:
        files = []
        for path in paths:
            if path == "-":
                copy = Path(folder) / "stdin"
                with copy.open("wb") as file:
                    shutil.copyfileobj(sys.stdin.buffer, file)
                files.append(copy)
            else:
                files.append(Path(path))
        yield files


@contextmanager
def _bar(quiet: bool) -> Iterator[pipeline.Progress | None]:
    if quiet or not err.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        tasks = {}

        def progress(path: Path, done: int, size: int) -> None:
            if path not in tasks:
                tasks[path] = bar.add_task(printable(path.name), total=size)
            bar.update(tasks[path], completed=done)

        yield progress


def _show_ingested(report: pipeline.IngestReport) -> None:
    kinds = ("read", "new", "updated", "duplicate", "skipped", "rejected")
    table = listing("file", "format", *kinds, numbers=kinds)
    table.padding = (
        0,
        1,
        0,
        0,
    )  # so close that a name with its date stands in one line of 80 columns
    shown = (
        report.files
        if len(report.files) <= 12
        else [f for f in report.files if f.refused or f.counts["rejected"] or f.incomplete]
    )
    for file in shown:
        table.add_row(
            file.name, file.format or "refused", *(str(file.counts[kind]) for kind in kinds)
        )
    table.add_row(
        counted(len(report.files), "file"),
        "",
        *(str(report.count(kind)) for kind in kinds),
        style="bold",
    )
    out.print(table)
    for file in report.files:
        for line, reason in file.rejects:
            out.print(
                f"{file.name}: line {line}: {reason}", style="yellow", markup=False, highlight=False
            )
        for note in (*file.notes, *([f"incomplete: {file.incomplete}"] if file.incomplete else [])):
            if len(report.files) <= 12 or file.incomplete or file.refused:
                out.print(f"{file.name}: {note}", style="yellow", markup=False, highlight=False)
        if file.refused:
            err.print(
                f"digest: {file.refused}",
                style="red",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
        elif file.format != "empty" and not any(file.counts[kind] for kind in kinds[1:5]):
            err.print(
                f"digest: {file.name}: no paper in it could be used",
                style="red",
                markup=False,
                highlight=False,
            )


def _only(service: App, email: str | None) -> Subscriber | None:
    return None if email is None else subscriptions.find(service, email)


@app.command()
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
    """What a reader would be sent now, and why. Stores and sends nothing."""
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
        typer.echo(lines(found.message.text))
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
        for line in (place, scores.reason(item.score)):
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


@app.command()
def compose(
    date: OnDate = None,
    only: OnlyEmail = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Choose a digest for every reader who has none for the date, whatever the hour."""
    with opened(config, date, existing=True) as service:
        report = pipeline.compose(
            service,
            day=None if date is None else a_day(date),
            only=_only(service, only),
            dry_run=dry_run,
        )
    if as_json:
        show_json(report.json)
    else:
        show_composed(report)


def show_composed(report: pipeline.ComposeReport) -> None:
    """Who gets what, and who nothing and why."""
    table = listing("subscriber", "date", "digest", numbers=("date",))
    for planned in report.planned:
        table.add_row(planned.email, str(planned.local_date), counted(planned.papers, "paper"))
    for quiet in report.quiet:
        table.add_row(quiet.email, str(quiet.local_date), f"quiet: {quiet.reason.value}")
    for left in report.left_out:
        table.add_row(left.email, "", f"left out: {left.reason}")
    if table.row_count > 60:
        out.print(
            f"{counted(len(report.planned), 'digest')}, {len(report.quiet)} quiet, "
            f"{len(report.left_out)} left out",
            highlight=False,
        )
    elif table.row_count:
        out.print(table)
    else:
        out.print("nobody is subscribed: `digest subscribe EMAIL`", style="yellow")


@app.command()
def send(
    date: OnDate = None,
    only: OnlyEmail = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Send what is due.

    Nothing is ever sent twice. SIGTERM or Ctrl-C: what is on its way ends, the rest waits; a second
    one ends at once.
    """
    with opened(config, date, existing=True) as service, stopping() as stop:
        report = pipeline.send(service, only=_only(service, only), dry_run=dry_run, stop=stop)
    if as_json:
        show_json(report.json)
    elif dry_run:
        _show_due(report)
    else:
        show_sent(report)
    if report.error:
        raise typer.Exit(1)


def _show_due(report: pipeline.SendReport) -> None:
    table = listing("to", "message", "of", "papers", "", numbers=("papers",))
    for row in report.due[:60]:
        again = "again" if row["state"] == MessageState.DEFERRED.value else ""
        table.add_row(row["email"], row["kind"], row["key"], str(row["papers"] or ""), again)
    if report.due:
        out.print(table)
    more = f", {len(report.due) - 60} of them not shown" if len(report.due) > 60 else ""
    out.print(
        f"{counted(report.waiting, 'message')} would be sent{more}; {report.later} later. Nothing "
        f"was sent.",
        highlight=False,
    )


def show_sent(report: pipeline.SendReport) -> None:
    """What became of the messages."""
    told = (
        ", ".join(f"{n} {state.value}" for state, n in sorted(report.states.items()))
        or "nothing sent"
    )
    out.print(f"messages: {told}; {report.waiting} waiting, {report.later} later", highlight=False)
    for email, reason in report.troubles[:20]:
        out.print(f"  {email}: {reason}", style="yellow", highlight=False, markup=False)
    if report.stopped:
        out.print(
            "stopped before the end; what was not begun waits for the next send", style="yellow"
        )
    if report.error:
        err.print(
            f"digest: {report.error}", style="red", highlight=False, markup=False, soft_wrap=True
        )


@app.command()
def run(
    date: OnDate = None,
    only: OnlyEmail = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """A whole round: read the mailbox and the inbox, choose, send.

    A second run on the same day sends nobody a second digest.
    """
    with opened(config, date, existing=dry_run) as service:
        day, reader = None if date is None else a_day(date), _only(service, only)
        if dry_run:
            composed = pipeline.compose(service, day=day, only=reader, dry_run=True)
            show_json({"compose": composed.json}) if as_json else show_composed(composed)
            return
        # Before the round, so that nothing is sent to who asked to leave or cannot be reached; a
        # mailbox that fails does not keep it from running.
        polled = inbound.poll(service)
        ingested = services.ingest_inbox(service)
        with stopping() as stop:
            report = pipeline.round(service, day=day, only=reader, stop=stop)
        # Where `serve` does not run, this is what tells the operator; on another day than today
        # nothing is an alarm.
        if date is None and services.watch(service).told:
            pipeline.send(service)
    if as_json:
        show_json(
            ({} if polled.absent else {"mailbox": polled.json})
            | {"ingest": ingested.json}
            | report.json
        )
    else:
        if not polled.absent:
            show_polled(polled)
        if ingested.files:
            _show_ingested(ingested)
        show_composed(report.composed)
        show_sent(report.sent)
    if report.sent.error or ingested.failed or polled.error:
        raise typer.Exit(1)
