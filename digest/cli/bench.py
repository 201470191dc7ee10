"""The command bench: how many readers this machine can serve."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import (
    AsJson,
    ConfigPath,
    err,
    load,
    out,
    parse_day,
    show_json,
)
from digest.cli.tables import make_table
from digest.errors import InputError

if TYPE_CHECKING:
    from digest.bench.report import Report, Round
    from digest.config import Config

commands = typer.Typer()

#: when all readers must have their digest
_DEADLINE = "08:00"


@commands.command()
def bench(
    dumps: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files and folders of dumps of several days, the day in each name; by default "
            "the papers of `digest demo`.",
            show_default=False,
        ),
    ] = None,
    subscribers: Annotated[
        str,
        typer.Option(
            metavar="N[,N...]",
            help="Numbers of readers; several show how the cost of a reader grows.",
        ),
    ] = "10000",
    database: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="An empty database, one for each number of readers; what the bench stores stays "
            "there. By default temporary SQLite files.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Threads of compose.", show_default=False),
    ] = None,
    papers_at: Annotated[
        str,
        typer.Option(
            metavar="HH:MM",
            help=f"When composing begins; all readers must have their digest by {_DEADLINE}.",
        ),
    ] = "07:00",
    seed: Annotated[int, typer.Option(help="Another seed invents other readers.")] = 1,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="A new folder to work in, which is kept; a temporary one by default.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    date: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM-DD",
            help="Day of the digests; by default that of the newest paper.",
            show_default=False,
        ),
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Measure how many readers this machine can serve.

    Invents readers with keywords, half of them with thumbs, and runs the real commands for them,
    one after the other: ingest, preview, compose, and send to a mail server on this machine that
    takes every mail and keeps none. Of your settings it uses those of digest, evaluate, features
    and workers, and smtp.connections. Your database and your mail server are not touched.

    The readers that can be served by 8 o'clock: preview and a send of nothing are the fixed part
    of compose and send. The rest, divided by the number of readers, is the time of one reader.
    In the hour from 7 to 8 (--papers-at) as many can be served as fit after the fixed part,
    composed and then sent by one process each.
    """
    from digest.bench.run import Options, run

    numbers = _parse_numbers(subscribers)
    databases = database or []
    if databases and len(databases) != len(numbers):
        raise typer.BadParameter(
            f"{len(databases)} databases for {len(numbers)} numbers of readers; give --database "
            "once for each number"
        )
    report = run(
        Options(
            readers=numbers,
            dumps=dumps or [],
            databases=databases,
            day=None if date is None else parse_day(date),
            seed=seed,
            folder=folder,
            settings=_with_workers(load(config), workers),
            seconds=_count_seconds(papers_at),
        ),
        say=lambda text: err.print(f"digest bench: {text}", style="dim", highlight=False),
    )
    if as_json:
        show_json(report.json)
    else:
        _show(report, papers_at)


def _parse_numbers(text: str) -> list[int]:
    """Parse numbers of readers, separated by commas; return them from the least."""
    try:
        numbers = sorted({int(number) for number in text.split(",")})
    except ValueError:
        numbers = []
    if not numbers or numbers[0] < 1:
        raise typer.BadParameter(
            f"{text!r} are no numbers of readers; write for example 10000, or 1000,10000"
        )
    return numbers


def _count_seconds(papers_at: str) -> int:
    try:
        begin, end = (datetime.strptime(text, "%H:%M") for text in (papers_at, _DEADLINE))  # noqa: DTZ007
    except ValueError:
        raise typer.BadParameter(f"{papers_at!r} is no time; write HH:MM, as in 07:00") from None
    if begin >= end:
        raise typer.BadParameter(f"{papers_at} is not before {_DEADLINE}")
    return (end - begin) // timedelta(seconds=1)


def _with_workers(settings: Config, workers: int | None) -> Config:
    if workers is None:
        return settings
    chosen = settings.workers.model_copy(
        update={"kind": "threads" if workers > 1 else "inline", "count": workers}
    )
    return settings.model_copy(update={"workers": chosen})


def _show(report: Report, papers_at: str) -> None:
    show_json(report.json)
