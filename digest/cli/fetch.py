"""The command fetch: papers from the configured sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import AsJson, ConfigPath, err, open_app, out, show_json
from digest.cli.tables import count_noun, make_table

if TYPE_CHECKING:
    from digest import pipeline
    from digest.services.fetch import FetchReport

commands = typer.Typer()


@commands.command()
def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Sources to fetch; all enabled ones by default.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Fetch papers from the configured sources and ingest them.

    Continues where the last run stopped.
    """

    from digest.services.fetch import FetchOptions
    from digest.services.fetch import fetch as run

    with open_app(config) as app:
        sources = app.config.sources
        if err.is_terminal and not as_json:
            with err.status("fetching") as line:
                options = FetchOptions(
                    on_page=lambda name, pages: line.update(f"fetching {name}: {pages} pages")
                )
                report = run(app, names or (), options)
        else:
            report = run(app, names or ())
    if as_json:
        show_json(report.json)
    else:
        _show(report, configured=bool(sources))
    if report.failed:
        raise typer.Exit(1)


def _show(report: FetchReport, *, configured: bool) -> None:
    if report.busy:
        out.print("Another process is fetching; nothing was done.", style="yellow")
        return
    if not report.sources:
        out.print(
            "No source is enabled. " if configured else "No sources yet. ",
            "Add [[sources]] to the config; `digest config --example` shows how.",
            sep="",
        )
        return
    table = make_table(
        "source", "outcome", "pages", "requests", "bytes", numbers=("pages", "requests", "bytes")
    )
    for source in report.sources:
        table.add_row(
            source.name,
            source.outcome,
            str(len(source.files)),
            str(source.requests),
            f"{source.bytes:,}",
        )
    out.print(table)
    for source in report.sources:
        for note in source.notes:
            out.print(f"{source.name}: {note}", style="dim", markup=False, highlight=False)
        if source.error:
            out.print(
                f"! {source.name}: {source.error}",
                style="bold yellow",
                markup=False,
                highlight=False,
            )
    _show_read(report.ingested)


def _show_read(ingested: pipeline.IngestReport) -> None:
    if not ingested.files:
        return
    counts = ", ".join(
        f"{ingested.count(kind)} {kind}"
        for kind in ("new", "updated", "duplicate", "skipped", "rejected")
    )
    out.print(f"{count_noun(len(ingested.files), 'dump')} read: {counts}", highlight=False)
    for file in ingested.files:
        if file.refused:
            out.print(f"! {file.refused}", style="bold yellow", markup=False, highlight=False)
