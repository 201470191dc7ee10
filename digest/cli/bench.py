"""The command bench: how many readers this machine can serve."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import AsJson, ConfigPath, err, load, out, parse_day, show_json
from digest.cli.tables import count_noun, make_table

if TYPE_CHECKING:
    from digest.bench.report import Report, Round
    from digest.config import Config

commands = typer.Typer()

#: when all readers must have their digest
DEADLINE = "08:00"


@commands.command()
def bench(
    dumps: Annotated[
        list[Path] | None,
        typer.Argument(
            exists=True,
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
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Scheduler of a Dask cluster, tcp://host:8786, whose workers learn, score and "
            "choose; its certificates stand in the section workers.",
            show_default=False,
        ),
    ] = None,
    papers_at: Annotated[
        str,
        typer.Option(
            metavar="HH:MM",
            help="When the papers are there and composing begins; all readers must have their "
            f"digest by {DEADLINE}.",
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

    Invents readers with keywords, half of them with thumbs, and runs the real
    commands for them, one after the other: ingest, preview, compose, and send
    to a mail server of its own, which takes every mail and keeps none. Of your
    settings it uses the sections digest, evaluate, features and workers, and
    smtp.connections. It touches neither your database nor your mail server.

    How many can be served by 8 o'clock: what compose and send take for any
    number of readers is measured by a preview of one reader and a send of
    nothing. The rest, divided by the number of readers, is the time of one.
    From 7 (--papers-at) to 8, first all are composed, then all are sent, by
    one process; so many are served as fit in after the fixed part.
    """
    from digest.bench.run import Options, run

    numbers = parse_numbers(subscribers)
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
            settings=_with_workers(load(config), workers, dask),
            seconds=parse_papers_at(papers_at),
        ),
        say=lambda text: err.print(f"digest bench: {text}", style="dim", highlight=False),
    )
    if as_json:
        show_json(report.json)
    else:
        show_report(report, papers_at)


def parse_numbers(text: str) -> list[int]:
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


def parse_papers_at(papers_at: str) -> int:
    """Parse the time at which composing begins; return the seconds until the deadline."""
    try:
        begin, end = (datetime.strptime(text, "%H:%M") for text in (papers_at, DEADLINE))  # noqa: DTZ007
    except ValueError:
        raise typer.BadParameter(f"{papers_at!r} is no time; write HH:MM, as in 07:00") from None
    if begin >= end:
        raise typer.BadParameter(f"{papers_at} is not before {DEADLINE}")
    return (end - begin) // timedelta(seconds=1)


def _with_workers(settings: Config, workers: int | None, dask: str | None) -> Config:
    if workers is not None and dask is not None:
        raise typer.BadParameter("give --workers or --dask: a cluster has workers of its own")
    from pydantic import ValidationError

    changed: dict[str, object] = {}
    if workers is not None:
        kind = "threads" if workers > 1 else "inline"
        changed = {"kind": kind, "count": workers, "dask": ""}
        changed |= dict.fromkeys(("ca_file", "cert_file", "key_file"))
    if dask is not None:
        changed = {"dask": dask}
    given = settings.workers.model_dump(exclude_defaults=True)
    try:
        section = type(settings.workers).model_validate({**given, **changed})
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise typer.BadParameter(f"--dask {dask!r}: {reason}") from None
    return settings.model_copy(update={"workers": section})


def show_report(report: Report, papers_at: str) -> None:
    """Print what was measured; the last line says how many readers can be served."""
    machine = report.machine
    _print(
        f"{machine.processor}, {machine.cores} cores, Python {machine.python}, {machine.database}; "
        f"load {report.load[0]:.1f} before and {report.load[1]:.1f} after"
    )
    for measured in report.rounds:
        _show_round(measured, report)
    if len(report.rounds) > 1:
        ratios = " and ".join(f"{ratio:.2f} for {name}" for name, ratio in report.growth.items())
        _print(
            f"CPU a reader with {report.rounds[-1].readers:,} readers, relative to "
            f"{report.rounds[0].readers:,}: {ratios}"
        )
    if cluster := report.cluster:
        _print(
            f"learning, scoring and choosing by {count_noun(cluster, 'worker')} of a Dask "
            "cluster, whose CPU is not counted"
        )
    _print(describe_served(report, papers_at))


def _show_round(measured: Round, report: Report) -> None:
    from digest.bench.report import FIXED_PARTS

    filled, (before, composed, sent) = measured.filled, measured.sizes
    out.print()
    _print(
        f"readers: {measured.readers:,}, thumbs: {filled.thumbs_up:,} up and "
        f"{filled.thumbs_down:,} down, papers: {filled.papers:,} from "
        f"{count_noun(report.dumps, 'file')}: {measured.digests:,} digests and {measured.quiet:,} "
        f"quiet days for {report.day}"
    )
    columns = ("seconds", "CPU seconds", "memory MB", "CPU ms a reader")
    table = make_table("step", *columns, numbers=columns)
    for name, usage in measured.usages.items():
        each = f"{1000 * measured.net(name, 'cpu'):.2f}" if name in FIXED_PARTS else ""
        table.add_row(
            name, f"{usage.wall:.1f}", f"{usage.cpu:.1f}", f"{usage.memory / 1e6:.0f}", each
        )
    out.print(table)
    _print(
        f"stored a reader: {(composed - before) / measured.readers:,.0f} bytes once composed, "
        f"{(sent - before) / measured.readers:,.0f} once sent"
    )
    sink = "its own mail server" if report.sink == "own" else report.sink
    rate = f"sent {measured.sent_per_second:,.0f} mails a second to {sink}"
    if measured.floor_per_second is not None:
        rate += (
            f"; smtp-source, with ready mails of {measured.mail_size / 1000:.0f} kB: "
            f"{measured.floor_per_second:,.0f}, ratio "
            f"{measured.sent_per_second / measured.floor_per_second:.3f}"
        )
    _print(rate)


def describe_served(report: Report, papers_at: str) -> str:
    """Say how many readers can be served, and by which rule."""
    measured = report.rounds[-1]
    what = "This cluster" if report.cluster else "This machine"
    sentence = (
        f"{what} can serve {report.served:,} readers from {papers_at} to {DEADLINE}: first all "
        f"are composed, then all are sent, by one process; that takes "
        f"{1000 * measured.each:.1f} ms a reader, after {measured.fixed:.1f} s for any number."
    )
    if report.served > 2 * measured.readers:
        sentence += (
            f" Only {measured.readers:,} were measured: --subscribers {report.served} checks it."
        )
    return sentence


def _print(text: str) -> None:
    out.print(text, highlight=False, markup=False, soft_wrap=True)
