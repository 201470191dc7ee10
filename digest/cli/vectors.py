"""The commands `digest vectors`: word vectors, and an optional text encoder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from digest.cli.options import AsJson, ConfigPath, err, open_app, out, show_json, write_file
from digest.errors import ConfigError
from digest.locales import count_noun

if TYPE_CHECKING:
    from digest import services

commands = typer.Typer()
vectors = typer.Typer(help="Train word vectors, and show which are in force.", no_args_is_help=True)
commands.add_typer(vectors, name="vectors")


@vectors.command()
def info(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Show which word vectors are in force, and their origin."""

    from digest import pipeline, services
    from digest.ranking import features

    with open_app(config, existing=True) as app:
        info = services.vectors_info(app)
        due = pipeline.word_vectors_due(app)
        encoder = services.encoder_info(app)
    if as_json:
        show_json(info.json | {"due": due, "encoder": encoder and encoder.json})
        return
    origin = (
        f"trained here on {info.made_at:%Y-%m-%d}"
        if info.made_at is not None
        else "as they ship with the package"
    )
    out.print(
        f"{info.version}: {info.words:,} words of {features.DIMENSIONS} numbers, from "
        f"{count_noun(info.papers, 'paper')}, {origin}.",
        highlight=False,
    )
    if due:
        out.print(
            f"`digest vectors train` would learn from {count_noun(info.stored, 'stored paper')}.",
            highlight=False,
        )
    if encoder:
        out.print(_format_encoder(encoder), highlight=False, markup=False)


def _format_encoder(info: services.EncoderInfo) -> str:
    if not info.version:
        return f"{info.name}: has encoded nothing yet; `digest vectors encode` starts that."
    return (
        f"{info.version}: {info.encoded:,} of {info.stored:,} papers are encoded, "
        f"{info.dimensions} numbers each."
    )


@vectors.command()
def train(
    config: ConfigPath = None,
    from_nothing: Annotated[
        bool,
        typer.Option("--from-nothing", help="Start from nothing instead of the shipped vectors."),
    ] = False,
    seed: Annotated[
        int, typer.Option(help="The same papers and seed give the same vectors on one machine.")
    ] = 0,
    write: Annotated[Path | None, typer.Option(help="Also write the table to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Train the word vectors on the newest stored papers.

    The next round ranks with them.
    """

    from digest import pipeline, services

    began = time.monotonic()
    with open_app(config, existing=True) as app:
        with Progress(console=err, transient=True) as bar:
            task = bar.add_task("training", total=None)
            table = pipeline.train_word_vectors(
                app,
                from_nothing=from_nothing,
                seed=seed,
                progress=lambda done, steps: bar.update(task, completed=done, total=steps),
            )
        info = services.vectors_info(app)
    if write is not None:
        write_file(write, table.to_bytes())
    if as_json:
        show_json(info.json | {"seconds": round(time.monotonic() - began, 1)})
    else:
        out.print(
            f"{info.version}: {count_noun(info.words, 'word')} from "
            f"{count_noun(info.papers, 'paper')}, in "
            f"{time.monotonic() - began:.0f} s.",
            highlight=False,
        )


@vectors.command()
def encode(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Encode the stored papers with the encoder of the config.

    The newest first. If stopped, it continues where it was.
    """

    from digest import services

    with open_app(config, existing=True) as app, Progress(console=err, transient=True) as bar:
        task = bar.add_task("encoding", total=None)
        info = services.encode(
            app, progress=lambda done, every: bar.update(task, completed=done, total=every)
        )
    if info is None:
        raise ConfigError(
            "features.encoder: is not set, so there is nothing to encode with. Name a folder there"
        )
    if as_json:
        show_json(info.json)
    else:
        out.print(_format_encoder(info), highlight=False, markup=False)


@vectors.command()
def index(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Make the index of the search by meaning anew.

    `serve` makes it when it is missing, and adds new papers. This makes it before.
    """

    from digest import services

    began = time.monotonic()
    with open_app(config, existing=True) as app, Progress(console=err, transient=True) as bar:
        task = bar.add_task("indexing", total=services.vectors_info(app).stored)
        made = services.rebuild_index(
            app, progress=lambda papers: bar.update(task, completed=papers)
        )
        path = services.find_index_file(app)
    if as_json:
        show_json(
            {
                "papers": len(made.ids),
                "version": made.version,
                "file": path and str(path),
                "seconds": round(time.monotonic() - began, 1),
            }
        )
        return
    where = path or "no file: with PostgreSQL each process keeps it in memory"
    out.print(
        f"{len(made.ids):,} papers in {time.monotonic() - began:.0f} s, in {where}.",
        highlight=False,
        markup=False,
    )
