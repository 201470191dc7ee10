"""What commands share: options, opening the app, dates, files, JSON output."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from digest import logs, private
from digest.cli.row_files import BadRow
from digest.cli.terminal import err as err
from digest.cli.terminal import out as out
from digest.errors import ConfigError, InputError
from digest.escaping import escape_json
from digest.redaction import redact_json

if TYPE_CHECKING:
    from digest.app import App
    from digest.config import Config

ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="DIGEST_CONFIG",
        help="Settings file; by default ./config.toml if it exists, else the defaults.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
OnDate = Annotated[
    str | None,
    typer.Option(
        "--date", metavar="YYYY-MM-DD", help="Act as if it were this day.", show_default=False
    ),
]
OnlyEmail = Annotated[
    str | None,
    typer.Option("--only", metavar="EMAIL", help="Only this reader.", show_default=False),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing, send nothing.")]


def load(path: Path | None) -> Config:
    """Load the settings of a command."""
    from digest import config as settings

    default = Path("config.toml")
    return settings.load(path if path is not None else default if default.is_file() else None)


@contextmanager
def open_app(
    path: Path | None, day: str | None = None, *, migrate: bool = False, existing: bool = False
) -> Iterator[App]:
    """Open the app for one command.

    Args:
        path: of the settings file.
        day: act at noon of this day.
        migrate: upgrade an older schema.
        existing: the command only reads. If there is no database, it creates none: it warns and
            works on an empty temporary one.

    Raises:
        ConfigError: `existing`, and there are neither settings nor a database.
    """

    from digest import store
    from digest.app import App

    config = load(path)
    logs.set_up(config.log.level, config.log.format)
    with ExitStack() as stack:
        if existing and store.schema.is_empty(config.store.url):
            require_settings(path)
            config = _without_database(config, stack)
        app = App.open(config, migrate=migrate)
        stack.callback(app.close)
        yield app if day is None else app.at(noon(parse_day(day)))


def require_settings(path: Path | None) -> None:
    """Raise ConfigError if neither a settings file nor the environment has settings."""
    from digest import config as settings

    if path is None and not Path("config.toml").is_file() and not settings.environment_settings():
        raise ConfigError(
            f"{Path.cwd()} holds neither a config.toml nor a database. Change to the folder of the "
            "service, name its settings with --config, or begin with `digest init`"
        )


def load_existing(path: Path | None) -> Config:
    """Load the settings; ConfigError if their database does not exist or holds nothing."""
    from digest import store

    config = load(path)
    if store.schema.is_empty(config.store.url):
        require_settings(path)
        raise ConfigError("nothing is there yet: store.url names no database that holds anything")
    return config


def _without_database(config: Config, stack: ExitStack) -> Config:
    from digest import config as settings

    url_shown = settings.redacted_values(config)["store"]["url"]
    err.print(
        f"digest: nothing is there yet: no database at {url_shown}. `digest ingest PATH` or "
        "`digest subscribe EMAIL` makes it",
        style="yellow",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="digest-"))
    url = f"sqlite:///{Path(folder) / 'empty.sqlite'}"
    return config.model_copy(update={"store": config.store.model_copy(update={"url": url})})


def make_folder(path: Path) -> Path:
    """Make the folder if it is missing; InputError if that fails."""
    try:
        private.make_folder(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be made ({error.strerror}). Check the path and its permissions"
        ) from error
    return path


def write_file(path: Path, contents: bytes | str, *, secret: bool = False) -> None:
    """Write a file; if it is secret, only its owner may read it.

    Raises:
        InputError: it cannot be written.
    """
    data = contents.encode() if isinstance(contents, str) else contents
    try:
        with private.create_file(path) if secret else path.open("wb") as file:
            file.write(data)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}). Check the folder and its permissions"
        ) from error


#: limits of dates, since windows and backfills add years to a date
#: rejected rows, and warnings, that are printed at most
_ROWS_SHOWN = 20
_EARLIEST, _LATEST = date(1900, 1, 1), date(9900, 1, 1)


def parse_day(text: str) -> date:
    """Parse a date; BadParameter if it is not one."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a date; write YYYY-MM-DD, for example 2026-06-09"
        ) from None
    if not _EARLIEST <= day <= _LATEST:
        raise typer.BadParameter(f"{text} is too far away; dates go from {_EARLIEST} to {_LATEST}")
    return day


def noon(day: date) -> datetime:
    """Return noon in UTC, which has the same date nearly everywhere."""
    return datetime.combine(day, time(12), UTC)


def show_json(value: Any, *, exact: bool = False) -> None:
    """Print one JSON document.

    Args:
        value: anything that msgspec can encode.
        exact: the document can be imported again, so secrets in it are not hidden.
    """
    plain = msgspec.to_builtins(value, str_keys=True, enc_hook=str)
    shown = plain if exact else redact_json(plain)
    typer.echo(escape_json(msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()))


def show_rows(
    summary: str,
    report: Mapping[str, int],
    rejected: Sequence[BadRow],
    *,
    as_json: bool,
    warnings: Sequence[tuple[int, Mapping[str, str], str]] | None = None,
) -> None:
    """Print the counts of an imported file, and its rejected rows with their lines.

    Args:
        summary: the counts in words.
        report: the counts.
        rejected: rows that were left out.
        as_json: print JSON.
        warnings: line, values and sentence of what was taken and finds nothing yet; None = the
            file has no such values.

    Raises:
        typer.Exit: with code 1, if a row was rejected. The others were taken.
    """
    if as_json:
        values: dict[str, object] = {
            **report,
            "rejected": len(rejected),
            "rejects": [{"line": row.line, "reason": row.reason} for row in rejected],
        }
        if warnings is not None:
            values["warnings"] = [{"line": line, **warning} for line, warning, _ in warnings]
        show_json(values)
    else:
        out.print(f"{summary}, {len(rejected)} rejected", highlight=False, markup=False)
        notes = [f"line {row.line}: {row.reason}" for row in rejected[:_ROWS_SHOWN]]
        sentences = [f"line {line}: {sentence}" for line, _, sentence in warnings or ()]
        for text in (*notes, *sentences[:_ROWS_SHOWN]):
            out.print(f"  {text}", highlight=False, markup=False, style="yellow", soft_wrap=True)
        if len(sentences) > _ROWS_SHOWN:
            out.print(f"  and {len(sentences) - _ROWS_SHOWN} more such values; see --json")
    if rejected:
        raise typer.Exit(1)
