"""The commands `digest suppressions`: addresses that get no mail."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from digest.cli.csv_files import csv_text
from digest.cli.options import AsJson, ConfigPath, open_app, out, show_json, show_rows, write_file
from digest.cli.row_files import BadRow, read_rows
from digest.cli.tables import make_table
from digest.errors import AddressError, InputError
from digest.escaping import escape_lines
from digest.model import Suppression, SuppressionReason

if TYPE_CHECKING:
    from digest.app import App

commands = typer.Typer()
suppressions = typer.Typer(
    help="List or change the addresses that get no mail.",
    invoke_without_command=True,
)
commands.add_typer(suppressions, name="suppressions")

#: columns of exported and imported files; only `address` is required
COLUMNS = ("address", "reason", "since", "evidence")


@suppressions.callback()
def list_by_default(
    context: typer.Context, as_json: AsJson = False, config: ConfigPath = None
) -> None:
    if context.invoked_subcommand is None:
        show(as_json=as_json, config=config)


@suppressions.command(name="list")
def show(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """List the addresses, the newest last."""

    from digest import subscriptions

    with open_app(config, existing=True) as app:
        entries = subscriptions.list_suppressions(app)
    if as_json:
        show_json([_row(entry) for entry in entries])
        return
    table = make_table("address", "reason", "since", "evidence", numbers=("since",))
    for entry in entries:
        table.add_row(entry.address, entry.reason.value, f"{entry.since:%Y-%m-%d}", entry.evidence)
    if entries:
        out.print(table)
    out.print(
        "one suppressed address" if len(entries) == 1 else f"{len(entries)} suppressed addresses",
        style="dim",
    )


@suppressions.command()
def add(
    addresses: Annotated[list[str], typer.Argument(help="Addresses that get no more mail.")],
    evidence: Annotated[str, typer.Option(help="The reason, for later readers of the list.")] = "",
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Stop all mail to addresses, subscribed or not."""

    from digest import subscriptions

    with open_app(config) as app:
        added_count = subscriptions.suppress(
            app,
            [subscriptions.make_suppression(app, address, evidence) for address in addresses],
        )
    _print_counts({"added": added_count, "known": len(addresses) - added_count}, as_json)


@suppressions.command()
def release(
    addresses: Annotated[list[str], typer.Argument(help="Addresses that may get mail again.")],
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Allow mail to addresses again.

    Their subscriptions are as before. Earlier bounces no longer count.
    """

    from digest import subscriptions

    with open_app(config, existing=True) as app:
        for address in addresses:
            subscriptions.release(app, address)
    _print_counts({"released": len(addresses)}, as_json)


@suppressions.command(name="import")
def read(
    file: Annotated[
        Path,
        typer.Argument(
            help=f".csv or .jsonl with the column address, and optionally {', '.join(COLUMNS[1:])}."
        ),
    ],
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Import a list, such as another service's or an export.

    Addresses that are already listed stay as they are.
    """

    from digest import subscriptions

    rejected: list[BadRow] = []

    def read_suppressions(app: App) -> Iterator[Suppression]:
        for row in read_rows(file, COLUMNS, needed="address"):
            if isinstance(row, BadRow):
                rejected.append(row)
                continue
            line, values = row
            try:
                yield _parse_suppression(app, values)
            except (AddressError, InputError) as error:
                rejected.append(BadRow(line=line, reason=str(error)))

    with open_app(config) as app:
        entries = list(read_suppressions(app))
        added_count = subscriptions.suppress(app, entries)
    report = {"added": added_count, "known": len(entries) - added_count}
    show_rows(_format_counts(report), report, rejected, as_json=as_json)


@suppressions.command()
def export(
    file: Annotated[
        Path | None,
        typer.Argument(
            help=".csv or .jsonl; CSV on standard output when none is named.", show_default=False
        ),
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Write the list as .csv or .jsonl."""

    from digest import subscriptions

    with open_app(config, existing=True) as app:
        rows = [_row(entry) for entry in subscriptions.list_suppressions(app)]
    if file is not None and file.suffix.lower() == ".jsonl":
        text = "".join(msgspec.json.encode(row).decode() + "\n" for row in rows)
    elif file is None or file.suffix.lower() == ".csv":
        text = csv_text(COLUMNS, rows)
    else:
        raise InputError(f"{file}: its name must end in .csv or .jsonl")
    if file is None:
        # a file gets the stored text; for a terminal control characters are escaped
        sys.stdout.write(escape_lines(text) if sys.stdout.isatty() else text)
    else:
        write_file(file, text, secret=True)  # addresses
        out.print(f"written: {len(rows)} to {file}", highlight=False, markup=False)


def _row(entry: Suppression) -> dict[str, str]:
    return {
        "address": entry.address,
        "reason": entry.reason.value,
        "since": entry.since.isoformat(),
        "evidence": entry.evidence,
    }


def _parse_suppression(app: App, values: Mapping[str, Any]) -> Suppression:
    from digest import subscriptions

    if odd := [name for name, value in values.items() if not isinstance(value, str)]:
        raise InputError(f"{odd[0]} = {values[odd[0]]!r}: must be text")
    reason = values.get("reason") or SuppressionReason.OPERATOR.value
    if reason not in tuple(SuppressionReason):
        raise InputError(f"reason {reason!r} is not one of {', '.join(SuppressionReason)}")
    try:
        since = datetime.fromisoformat(values["since"]) if values.get("since") else app.now()
    except ValueError:
        raise InputError(
            f"since {values['since']!r} is not a time; write it as 2026-06-09 or "
            f"2026-06-09T12:00:00+00:00"
        ) from None
    return Suppression(
        address=subscriptions.normalise_address(values["address"]),
        reason=SuppressionReason(reason),
        since=since if since.tzinfo else since.replace(tzinfo=UTC),
        evidence=values.get("evidence", ""),
    )


def _format_counts(report: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {what}" for what, n in report.items())


def _print_counts(report: Mapping[str, int], as_json: bool) -> None:
    if as_json:
        show_json(report)
    else:
        out.print(_format_counts(report), highlight=False)
