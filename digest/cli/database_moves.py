"""The commands `digest db export` and `import`: a whole database into another kind."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest import kept
from digest.cli.options import AsJson, ConfigPath, load, load_existing, open_app, out, show_json
from digest.locales import count_noun

if TYPE_CHECKING:
    from digest.store.transfers import Transferred

moves = typer.Typer()


@moves.command(name="export")
def export_database(
    file: Annotated[
        Path, typer.Argument(help="File to write; only its owner may read it.", show_default=False)
    ],
    in_use: Annotated[
        bool,
        typer.Option(
            "--in-use",
            help="Also while `digest serve` runs. The import then sends nothing that waited, "
            "since that may have been sent since.",
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Write the whole database to a file that any kind of database can import.

    To move from SQLite to PostgreSQL: stop `digest serve`, export, set store.url, import, and start
    it again. The file holds the keys that sign links.
    """
    from digest import store

    load_existing(config)
    with open_app(config) as app:
        exported = store.transfers.export_all(
            app.store, file, now=datetime.now(UTC), in_use=in_use, overwrite=force
        )
    if as_json:
        show_json(exported.json | {"bytes": file.stat().st_size})
        return
    size = f"{file.stat().st_size / 1e6:.1f} MB"
    out.print(f"written: {file}, {size}: {_count(exported)}", highlight=False, soft_wrap=True)
    out.print(
        "It may be imported once: two services with the same readers would both write to them",
        style="dim",
        soft_wrap=True,
    )


@moves.command(name="import")
def import_database(
    file: Annotated[
        Path, typer.Argument(help="File that `digest db export` wrote.", show_default=False)
    ],
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Fill the empty database of store.url with an exported one.

    All or nothing: a file that is damaged or of a newer version, or a database that holds
    something, is refused. Links of sent mails go on working, and no digest is sent twice.
    """
    from digest import store

    settings = load(config)
    db = store.Store(settings.store.url)
    try:
        imported = store.transfers.import_all(db, file, now=datetime.now(UTC))
    finally:
        db.close()
    kept.restrict(settings)
    if as_json:
        show_json(imported.json)
        return
    out.print(f"imported: {file}: {_count(imported)}", highlight=False, soft_wrap=True)
    if imported.closed:
        until = f"{imported.closed.closed_until:%Y-%m-%d %H:%M} UTC"
        waited = count_noun(imported.closed.stopped, "message")
        out.print(
            f"It was exported in use. Closed: each reader's local date up to {until}; {waited} "
            "that waited will not be sent, since that may have happened already.",
            highlight=False,
            soft_wrap=True,
        )


def _count(moved: Transferred) -> str:
    nouns = {"subscribers": "reader", "papers": "paper", "digests": "digest", "messages": "message"}
    parts = [count_noun(moved.rows[table], noun) for table, noun in nouns.items()]
    return f"{', '.join(parts)}, {sum(moved.rows.values()):,} rows in all"
