"""The commands `digest papers`: show, split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from digest.cli.options import AsJson, ConfigPath, open_app, out, show_json
from digest.cli.tables import make_table
from digest.cli.terminal import printable
from digest.model import UNSEEN

if TYPE_CHECKING:
    from digest.services import PaperRecords

commands = typer.Typer()
papers = typer.Typer(
    help="Show what a paper was made of, and split a wrong one.", no_args_is_help=True
)
commands.add_typer(papers, name="papers")

Name = Annotated[str, typer.Argument(help="arXiv id, DOI, link, paper:ID or whole title.")]


@papers.command()
def show(paper: Name, as_json: AsJson = False, config: ConfigPath = None) -> None:
    """Show a paper with the records that it was made of."""

    from digest import services

    with open_app(config, existing=True) as app:
        shown = services.show_paper(app, paper)
    if as_json:
        show_json(_to_json(shown))
    else:
        _print(shown)


@papers.command()
def split(
    paper: Name,
    records: Annotated[
        list[int],
        typer.Argument(help="Numbers of the records that are another paper, as `show` has them."),
    ],
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Split off the records that are another paper, for good.

    The rest keeps the id, with its thumbs and digests. The other paper gets a new id and competes
    in the next digest.
    """

    from digest import services

    with open_app(config, existing=True) as app:
        parts = services.split_paper(app, paper, records)
    if as_json:
        show_json([_to_json(part) for part in parts])
        return
    for part in parts:
        _print(part)


def _to_json(shown: PaperRecords) -> dict[str, Any]:
    return {
        "id": shown.paper.id,
        "paper": shown.paper.name,
        "title": shown.paper.title,
        "records": [
            {
                "record": record.number,
                "dump": record.dump,
                "line": record.line,
                "day": None if record.day == UNSEEN else record.day,
                "format": record.entry.source,
                "title": record.entry.title,
                "authors": record.entry.authors,
                "identifiers": [f"{name.kind}:{name.value}" for name in record.entry.identities],
                "url": record.entry.url,
            }
            for record in shown.records
        ],
    }


def _print(shown: PaperRecords) -> None:
    out.print(
        printable(f"paper:{shown.paper.id}  {shown.paper.title}"),
        style="bold",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    table = make_table("record", "says", "from", numbers=("record",))
    for record in shown.records:
        entry = record.entry
        names = ", ".join(f"{name.kind}:{name.value}" for name in entry.identities)
        authors = ", ".join(entry.authors[:3]) + (" and others" if len(entry.authors) > 3 else "")
        says = [text for text in (entry.title, authors, names or entry.url) if text]
        table.add_row(
            str(record.number),
            Text("\n".join(map(printable, says))),
            Text(f"{printable(record.dump)}\nline {record.line:,}"),
        )
    out.print(table)
