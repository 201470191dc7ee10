"""The command init: write the settings, and ask for what cannot be guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from digest import config as settings
from digest.cli.options import out
from digest.cli.setup import questions
from digest.cli.setup.choices import (
    ServerOptions,
    Values,
    ask_password,
    choose_sender,
    choose_server,
    choose_sources,
    choose_time_zone,
    validate,
)
from digest.cli.setup.fields import Topic, list_categories
from digest.cli.setup.files import check_place, write_config
from digest.errors import InputError

commands = typer.Typer()


@commands.command()
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("config.toml"),
    sender: Annotated[
        str | None, typer.Option(help="Address that the mails come from.", show_default=False)
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option(help="Provider of the mail server, such as gmail.", show_default=False),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Region of the provider ses.", show_default=False)
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="Mail server; empty = write mails to the folder outbox.", show_default=False
        ),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Its port.", show_default=False)] = None,
    username: Annotated[
        str | None,
        typer.Option(
            help="Login; the sender when the server is its provider's.", show_default=False
        ),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(help="File with the password on its first line.", show_default=False),
    ] = None,
    client_id: Annotated[
        str | None,
        typer.Option(
            help="App to log in with instead of a password (OAuth 2.0).", show_default=False
        ),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            help="Field of the papers: a category of arXiv, or words; may be repeated.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="Source to fetch from, such as arxiv; may be repeated. By default, what the "
            "field needs.",
            show_default=False,
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(help="Time zone of readers, such as Europe/Berlin.", show_default=False),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Where readers reach `digest serve`.", show_default=False)
    ] = None,
    fetch: Annotated[
        bool | None,
        typer.Option("--fetch/--no-fetch", help="Fetch the first papers.", show_default=False),
    ] = None,
    systemd: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Also write a systemd unit there, such as /etc/systemd/system.",
            show_default=False,
        ),
    ] = None,
    docker: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Also write Dockerfile and compose.yaml there.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a config.toml that explains every key.

    Also make the inbox folder. On a terminal, ask for what cannot be guessed. With --systemd or
    --docker, a config that is there already is kept.
    """
    server = ServerOptions(
        provider=provider,
        region=region,
        host=host,
        port=port,
        username=username,
        password_file=password_file,
        client_id=client_id,
    )
    is_changed = server != ServerOptions() or any(
        value is not None for value in (sender, field, source, timezone, base_url)
    )
    wants_service = systemd is not None or docker is not None
    if not (wants_service and path.is_file() and not force and not is_changed):
        check_place(path, force)
        _check_options(server, base_url)
        values: Values = {"web": {"base_url": base_url}} if base_url is not None else {}
        sender = choose_sender(sender)
        values |= {"mail": {"sender": sender}} if sender else {}
        values |= choose_server(sender, server)
        topics, sources = choose_sources(field, source)
        values |= choose_time_zone(timezone)
        validate({**values, "sources": sources})
        if fetch and not sources:
            raise InputError(
                "--fetch: there is no source to fetch from; name a --field. Nothing was written"
            )
        password = ask_password(values.get("smtp", {}), password_file)
        write_config(path, settings.example(values, sources), password)
        if fetch is None and sources and out.is_terminal:
            fetch = questions.confirm("Fetch the first papers now?")
        first = "" if fetch else "digest fetch, " if sources else "digest ingest PATH, "
        _print_next_steps(path, values, topics, first)
    _write_service(path, systemd, docker)
    if fetch:
        _fetch(path)


def _check_options(server: ServerOptions, base_url: str | None) -> None:
    """Refuse invalid options before the first question is asked."""
    for key in ("host", "port", "username"):
        if (value := getattr(server, key)) is not None:
            validate({"smtp": {key: value}})
    if base_url is not None:
        validate({"web": {"base_url": base_url}})


def _write_service(path: Path, systemd: Path | None, docker: Path | None) -> None:
    from digest.cli.setup import service_files

    if systemd is not None:
        unit = service_files.write_unit(path, systemd)
        questions.say(f"written: {unit}; its first lines say how to start it", None)
        if path.resolve().parent.stat().st_uid == 0:
            questions.say(
                f"The folder {path.resolve().parent} belongs to root, so the service would run as "
                "root. Give the folder to a user of its own, then write the unit again.",
                "yellow",
            )
    if docker is not None:
        files = service_files.write_container(path, docker)
        questions.say(
            f"written: {' and '.join(map(str, files))}. Start it there with: docker compose up "
            "--detach --build",
            None,
        )


def _fetch(path: Path) -> None:
    from digest.cli.fetch import fetch

    try:
        fetch(names=None, as_json=False, config=path)
    except typer.Exit:
        questions.say("The config was written; `digest fetch` tries again.", "yellow")
        raise


def _print_next_steps(
    path: Path,
    values: Mapping[str, Mapping[str, Any]],
    topics: Sequence[Topic],
    first: str,
) -> None:
    inbox = path.parent / "inbox"
    out.print(f"written: {path}, and the folder {inbox} for dumps", highlight=False, markup=False)
    smtp = values.get("smtp", {})
    file = smtp.get("password_file")
    if file and not (path.parent / file).is_file():
        out.print(
            f"Put the password of {smtp['username']} into {path.parent / file} (readable by you "
            "only). Until then nothing is sent; everything else works.",
            style="yellow",
            markup=False,
        )
    if smtp.get("auth") == "oauth2":
        app = "" if values.get("oauth") else "set [oauth] client_id (deploy/README.md), then "
        questions.say(
            f"To send mails as {smtp['username']}: {app}run `digest login`. Until then nothing is "
            "sent; everything else works.",
            "yellow",
        )
    if not smtp:
        out.print(
            "Mails will be written to the folder outbox; set [smtp] host to send them.",
            style="dim",
            markup=False,
        )
    if not topics:
        out.print(
            "Next: digest ingest PATH, digest subscribe EMAIL --keyword ..., digest preview EMAIL, "
            "digest run",
            style="dim",
            markup=False,
        )
        return
    interests = "".join(f" --category {code}" for code in list_categories(topics))
    interests += "".join(f' --keyword "{topic.text}"' for topic in topics if not topic.categories)
    questions.say(
        f"Next: {first}digest subscribe EMAIL{interests}, digest preview EMAIL, digest serve"
    )
