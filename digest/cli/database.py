"""The commands `digest db upgrade`, `backup` and `restore`; the others stand beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest import kept
from digest.cli.database_care import care
from digest.cli.database_moves import moves
from digest.cli.options import (
    AsJson,
    ConfigPath,
    OnDate,
    load,
    load_existing,
    noon,
    out,
    parse_day,
    show_json,
)
from digest.locales import count_noun

if TYPE_CHECKING:
    from digest import store

commands = typer.Typer()
database = typer.Typer(
    help="Upgrade, back up, check, prune or move the database.", no_args_is_help=True
)
commands.add_typer(database, name="db")
database.add_typer(care)
database.add_typer(moves)

_KEYS = {
    "backup": "",
    "both": "Keys of links that only the database had were kept.",
    "store": "The backup has no keys of links; those of the database were kept.",
    "none": "The backup has no keys of links, and the database had none: links in earlier mails "
    "no longer work.",
}


@database.command()
def upgrade(config: ConfigPath = None) -> None:
    """Bring the database to the schema of this version."""

    from digest import store

    with _open_database(config) as db:
        before, after = store.schema.upgrade(db)
    out.print(
        f"schema {before or 'empty'} -> {after}"
        if before != after
        else f"schema {after}: up to date",
        highlight=False,
    )


@database.command()
def backup(
    file: Annotated[
        Path, typer.Argument(help="File to write; only its owner may read it.", show_default=False)
    ],
    without_keys: Annotated[
        bool,
        typer.Option("--without-keys", help="Leave out the keys that sign the links in mails."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    config: ConfigPath = None,
) -> None:
    """Write the whole database to a file, also while `digest serve` runs.

    The file holds one moment.
    """

    from digest import store

    with _open_database(config, existing=True) as db:
        store.backups.back_up(db, file, with_keys=not without_keys, overwrite=force)
    size = file.stat().st_size
    out.print(
        f"written: {file}, {size / 1e6:.1f} MB", highlight=False, markup=False, soft_wrap=True
    )
    if without_keys:
        warning = (
            "It has no keys of links: if it is restored where there are none, links in earlier "
            "mails do not work"
        )
        out.print(warning, style="dim", soft_wrap=True)


@database.command()
def restore(
    file: Annotated[
        Path, typer.Argument(help="File that `digest db backup` wrote.", show_default=False)
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    date: OnDate = None,
    config: ConfigPath = None,
) -> None:
    """Replace the whole database by a backup.

    Nothing else may use the database meanwhile. A failed restore changes nothing. Each reader's
    local date up to now is closed: no digest is composed for it, its papers go to the next one.
    """

    from digest import store

    now = datetime.now(UTC) if date is None else noon(parse_day(date))
    with _open_database(config) as db:
        if not yes:
            question = f"Replace all that {db.display_name} holds by {file}?"
            typer.confirm(question, abort=True, err=True)
        restored = store.backups.restore(db, file, now=now)
    if as_json:
        show_json(restored.json)
        return
    newest = f"{restored.newest:%Y-%m-%d %H:%M} UTC" if restored.newest else "never"
    lines = [
        f"restored: {file}, whose newest entry is from {newest}",
        f"schema {restored.before} -> {restored.after}"
        if restored.before != restored.after
        else "",
        f"Closed: each reader's local date up to {restored.closed_until:%Y-%m-%d %H:%M} UTC; "
        "their papers go to the next digest.",
        f"{count_noun(restored.stopped, 'message')} that waited in the backup will not be sent, "
        "since that may have happened already."
        if restored.stopped
        else "",
        f"{count_noun(restored.left, 'reader')} who left after the backup was made get no mail."
        if restored.left
        else "",
        "What was sent after the backup was made may be listed again. Readers who joined, were "
        "deleted or changed something since then are as in the backup, with their thumbs. Dumps "
        "that were read since then must be ingested again, except those in the inbox.",
        _KEYS[restored.keys],
    ]
    for line in filter(None, lines):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _open_database(config: Path | None, *, existing: bool = False) -> Iterator[store.Store]:
    """Open the database of the settings; ConfigError if it is `existing` and missing."""

    from digest import store

    settings = load_existing(config) if existing else load(config)
    kept.restrict(settings)
    db = store.Store(settings.store.url)
    try:
        yield db
    finally:
        db.close()
