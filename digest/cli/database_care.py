"""The commands `digest db prune`, `check` and `vacuum`."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.options import AsJson, ConfigPath, OnDate, open_app, out, show_json
from digest.cli.tables import make_table

care = typer.Typer()

#: how `digest db prune` names what it prunes
_KINDS = {
    "dumps": "files of the inbox",
    "raw": "texts of records",
    "rejects": "records that could not be used",
    "reasons": "reasons of listed papers",
    "deliveries": "attempts to deliver",
    "rounds": "reports of rounds",
    "letters": "letters to the operator",
    "unconfirmed": "sign-ups that nobody confirmed",
}


@care.command()
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count; change nothing.")] = False,
    as_json: AsJson = False,
    date: OnDate = None,
    config: ConfigPath = None,
) -> None:
    """Prune history that is older than the settings say, as `digest serve` does each day.

    The section `keep` says how long what is kept.

    Readers, thumbs, papers, digests and the ledger stay. The database's file stays as long as it
    is, and new rows fill what is free; `digest db vacuum` makes it shorter.
    """
    from digest import services

    with open_app(config, date, existing=True) as app:
        pruned = services.prune(app, dry_run=dry_run)
    if as_json:
        show_json({"dry_run": dry_run, "pruned": [kind.json for kind in pruned]})
        return
    table = make_table("what", "kept", "pruned", "MB", numbers=("pruned", "MB"))
    for kind in pruned:
        days = f"{kind.days} days" if kind.days else "for ever"
        table.add_row(_KINDS[kind.name], days, f"{kind.rows:,}", f"{kind.bytes / 1e6:,.1f}")
    out.print(table)
    if dry_run:
        out.print("dry run: nothing was changed")


@care.command()
def check(
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Leave out the index of words, during whose check writers wait."
        ),
    ] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Check the whole database: damage, indexes, and what must always hold.

    For example that no reader has two digests for a date. Changes nothing; exits with 1 when
    something is wrong.
    """
    from digest import services

    with open_app(config, existing=True) as app:
        checks = list(services.check_database(app, quick=quick))
    problems = [item for item in checks if item.problem]
    if as_json:
        show_json({"sound": not problems, "checks": [item.json for item in checks]})
    else:
        for item in checks:
            out.print(f"{'wrong' if item.problem else 'ok':<6} {item.name}", soft_wrap=True)
            if item.problem:
                out.print(f"       {item.problem}. {item.remedy}", style="red", soft_wrap=True)
    if problems:
        raise typer.Exit(1)


@care.command()
def vacuum(
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help="PostgreSQL: rewrite the tables to give the space back to the disk; each is "
            "locked meanwhile. SQLite is always rewritten.",
        ),
    ] = False,
    words: Annotated[
        bool, typer.Option("--words", help="Make the index of words anew first.")
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Give the space of pruned rows back to the disk.

    SQLite: stop `digest serve` first, and have as much free space on the disk as the file takes.
    """
    from digest import services

    with open_app(config, existing=True) as app:
        before, after = services.vacuum_database(app, full=full, words=words)
    out.print(f"{before / 1e6:,.1f} MB -> {after / 1e6:,.1f} MB", highlight=False)
