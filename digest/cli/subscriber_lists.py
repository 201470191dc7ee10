"""The command subscribers: list, filter, count and export readers."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from digest.cli.csv_files import csv_text
from digest.cli.options import AsJson, ConfigPath, open_app, out, parse_day, show_json
from digest.cli.reader_files import EXPORTED, exported_cells, exported_values
from digest.cli.tables import count_noun, make_table
from digest.escaping import escape_json, escape_lines
from digest.model import SubscriberStatus

if TYPE_CHECKING:
    from digest.app import App
    from digest.services.subscriber_lists import ListedReader, ReaderSummary
    from digest.store.subscriber_lists import SubscriberFilter

commands = typer.Typer()

#: readers in a table, unless --limit says otherwise; JSON and CSV have all
_TABLE_ROWS = 100
#: lines of each count that are printed; --json has all
_COUNTS_SHOWN = 15


@commands.command()
def subscribers(
    apply: Annotated[
        bool,
        typer.Option(
            "--apply", help="First apply the subscribers of the config, as serve does at its start."
        ),
    ] = False,
    state: Annotated[
        list[SubscriberStatus] | None,
        typer.Option("--state", help="Only readers in this state; may be repeated."),
    ] = None,
    interest: Annotated[
        str, typer.Option(metavar="WORD", help="Only readers with this word in an interest.")
    ] = "",
    language: Annotated[
        str, typer.Option(metavar="CODE", help="Only readers of this language, such as de.")
    ] = "",
    joined_since: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="Only who joined on this day or later."),
    ] = None,
    silent_since: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM-DD",
            help="Only who joined before this day, and since then gave no thumb, saved no paper "
            "and pressed no button.",
        ),
    ] = None,
    domain: Annotated[
        str, typer.Option(metavar="DOMAIN", help="Only addresses at this domain.")
    ] = "",
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=f"Readers at most. By default a table has {_TABLE_ROWS}, JSON and CSV have all.",
            show_default=False,
        ),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(metavar="EMAIL", help="Begin after this reader.", show_default=False),
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="Only count them: by state, schedule, language, zone.")
    ] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print them as CSV, as `subscribe --file` reads it.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """List the readers with their settings and interests."""

    from digest import services, subscriptions

    if as_csv and (as_json or summary):
        raise typer.BadParameter("give either --csv, or --json or --summary")
    if summary and (limit or after):
        raise typer.BadParameter("--summary counts all pages; leave out --limit and --after")
    with open_app(config, existing=not apply) as app:
        if apply:
            subscriptions.apply_config(app)
        wanted = _make_filter(app, state, language, joined_since, silent_since, domain)
        if summary:
            _show_summary(services.summarise_readers(app, wanted, word=interest), as_json)
            return
        first = subscriptions.find(app, after) if after else None
        most = limit if limit or as_json or as_csv else _TABLE_ROWS
        if as_json or as_csv:
            readers = services.list_readers(app, wanted, word=interest, after=first, limit=most)
            _print_json(readers) if as_json else _print_csv(readers)
            return
        count = (most or _TABLE_ROWS) + 1  # whether there are more
        page = list(services.list_readers(app, wanted, word=interest, after=first, limit=count))
    _show_table(page[: count - 1], has_more=len(page) == count)


def _make_filter(
    app: App,
    states: list[SubscriberStatus] | None,
    language: str,
    joined_since: str | None,
    silent_since: str | None,
    domain: str,
) -> SubscriberFilter:
    from digest.store.subscriber_lists import SubscriberFilter

    code = language.strip()
    # Who chose no language reads the service's own.
    own = ("",) if code and code == app.config.digest.language else ()
    return SubscriberFilter(
        statuses=tuple(states or ()),
        languages=(code, *own) if code else (),
        joined_since=_start_of_day(joined_since),
        silent_since=_start_of_day(silent_since),
        domain=domain.strip().removeprefix("@"),
    )


def _start_of_day(day: str | None) -> datetime | None:
    return None if day is None else datetime.combine(parse_day(day), time(), UTC)


def _values(readers: Iterable[ListedReader]) -> Iterator[dict[str, object]]:
    for reader in readers:
        yield exported_values(
            reader.subscriber, origin=reader.origin, suppression=reader.suppression
        )


def _print_json(readers: Iterable[ListedReader]) -> None:
    """Print a JSON list, reader by reader: a million of them need no memory.

    Secrets are not hidden in it, since the list can be imported again.
    """
    separator = "[\n"
    for values in _values(readers):
        text = msgspec.json.format(msgspec.json.encode(values), indent=2).decode()
        sys.stdout.write(separator + "  " + escape_json(text).replace("\n", "\n  "))
        sys.stdout.flush()
        separator = ",\n"
    typer.echo("[]" if separator == "[\n" else "\n]")


def _print_csv(readers: Iterable[ListedReader]) -> None:
    # a terminal gets no control characters; a file and a pipe get the stored text
    shown = escape_lines if sys.stdout.isatty() else str
    rows = (exported_cells(values) for values in _values(readers))
    header = csv_text(EXPORTED, [])
    sys.stdout.write(header)
    while batch := list(islice(rows, 500)):
        sys.stdout.write(shown(csv_text(EXPORTED, batch).removeprefix(header)))


def _show_table(readers: list[ListedReader], *, has_more: bool) -> None:
    table = make_table("email", "standing", "when", "size", "interests", numbers=("size",))
    for reader in readers:
        s = reader.subscriber
        words = [
            *(w for i in s.interests for w in (*i.keywords, *i.categories, *i.authors)),
            *(f"like {p}" for i in s.interests for p in i.papers),
        ]
        days = "daily" if len(s.days) == 7 else "days " + ",".join(map(str, s.days))
        table.add_row(
            s.email,
            s.status.value,
            f"{days} {s.hour}:00 {s.timezone}",
            str(s.size),
            ", ".join(words) or "(trending)",
        )
    out.print(table)
    text = count_noun(len(readers), "subscriber")
    if has_more:
        text += f"; the next: --after {shlex.quote(readers[-1].subscriber.email)}"
    out.print(text, style="dim", highlight=False, markup=False, soft_wrap=True)


def _show_summary(report: ReaderSummary, as_json: bool) -> None:
    if as_json:
        show_json(report.json)
        return
    out.print(count_noun(report.total, "subscriber"), highlight=False)
    counts: Mapping[str, Mapping[str, int]] = {
        "state": report.states,
        "schedule": report.schedules,
        "language": report.languages,
        "time zone": report.zones,
    }
    for heading, by_name in counts.items():
        table = make_table(heading, "subscribers", numbers=("subscribers",))
        ordered = sorted(by_name.items(), key=lambda item: (-item[1], item[0]))
        for name, count in ordered[:_COUNTS_SHOWN]:
            table.add_row(name, str(count))
        if rest := ordered[_COUNTS_SHOWN:]:
            table.add_row(f"{len(rest)} others", str(sum(count for _, count in rest)))
        out.print()
        out.print(table)
