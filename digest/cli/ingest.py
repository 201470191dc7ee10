"""The command ingest: read dumps of papers."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from digest.cli.options import AsJson, ConfigPath, OnDate, err, open_app, out, parse_day, show_json
from digest.cli.tables import count_noun, make_table
from digest.cli.terminal import printable

if TYPE_CHECKING:
    from digest import pipeline

commands = typer.Typer()


@commands.command()
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
            help='Day when the papers count as first seen; "name" = take it from the file name.',
            show_default=False,
        ),
    ] = None,
    retry_rejected: Annotated[
        bool,
        typer.Option("--retry-rejected", help="Read files with rejected records again."),
    ] = False,
    backfill: Annotated[
        bool,
        typer.Option(
            "--backfill", help="Store the papers as old, so that no digest lists them as new."
        ),
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Read files again that were read before to their end.")
    ] = False,
    as_json: AsJson = False,
    date: OnDate = None,
    config: ConfigPath = None,
) -> None:
    """Read dumps of papers, in any known format.

    Reading a dump twice changes nothing, and takes no time the second time.
    """

    from digest import pipeline, services

    if backfill and seen:
        raise typer.BadParameter("--backfill and --seen exclude each other")
    if retry_rejected == bool(paths):
        raise typer.BadParameter("give either PATHS or --retry-rejected")
    day: pipeline.SeenDay = None if seen is None else "name" if seen == "name" else parse_day(seen)
    with (
        open_app(config, date, existing=retry_rejected) as app,
        _inputs(paths or []) as files,
        _bar(as_json) as progress,
    ):
        report = (
            services.retry_rejected(app)
            if retry_rejected
            else pipeline.ingest(
                app, files, seen=day, backfill=backfill, again=again, progress=progress
            )
        )
    if as_json:
        show_json(report.json)
    elif report.files:
        show_ingested(report)
    else:
        _show_nothing_read(paths)
    if report.failed:
        raise typer.Exit(1)


def _show_nothing_read(paths: list[str] | None) -> None:
    out.print(
        f"there is no file in {', '.join(paths)}" if paths else "no record was rejected",
        style="yellow",
    )


@contextmanager
def _inputs(paths: list[str]) -> Iterator[list[Path]]:
    """Yield the paths.

    Standard input is copied to a file, so that its format can be detected.
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


def show_ingested(report: pipeline.IngestReport) -> None:
    kinds = ("read", "new", "updated", "duplicate", "skipped", "rejected")
    table = make_table("file", "format", *kinds, numbers=kinds)
    table.padding = (0, 1, 0, 0)  # narrow, so that a name with a date fits into 80 columns
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
        count_noun(len(report.files), "file"),
        "",
        *(str(report.count(kind)) for kind in kinds),
        style="bold",
    )
    out.print(table)
    if len(report.files) > 12 and (known := sum(file.read_before for file in report.files)):
        out.print(f"{known} of them were read before; --again reads them anyway")
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
