"""Tables for the terminal. Long cells are wrapped, never cut."""

from __future__ import annotations

from collections.abc import Collection

from rich.table import Table


def make_table(*columns: str, numbers: Collection[str] = ()) -> Table:
    """Make an empty table.

    Args:
        columns: headings.
        numbers: the columns that are aligned to the right and never wrapped.
    """
    table = Table(box=None, header_style="bold")
    for name in columns:
        number = name in numbers
        table.add_column(
            name, justify="right" if number else "left", no_wrap=number, overflow="fold"
        )
    return table


def count_noun(count: int, noun: str) -> str:
    """ "1 file", "2 files"; only for nouns with a plural in s."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
