"""What commands print as rows: nothing in them is cut, however narrow the terminal."""

from __future__ import annotations

from collections.abc import Collection

from rich.table import Table


def make_table(*columns: str, numbers: Collection[str] = ()) -> Table:
    """An empty table.

    What does not fit into a cell goes on in the next line, for addresses and file names are there
    to be copied.

    Args:
        columns: their headings; those that are also in `numbers` stand at the right and are never
        broken.
    """
    table = Table(box=None, header_style="bold")
    for name in columns:
        number = name in numbers
        table.add_column(
            name, justify="right" if number else "left", no_wrap=number, overflow="fold"
        )
    return table


def count_noun(count: int, noun: str) -> str:
    """ "1 file", "2 files"; of nouns that take an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
