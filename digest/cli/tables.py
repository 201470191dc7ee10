"""Tables for the terminal. Long cells are wrapped, never cut."""

from __future__ import annotations

from collections.abc import Collection

from rich.table import Table

from digest.locales import count_noun as count_noun


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
