"""Terminal output. Much of it comes from mail servers, dumps and readers.

Every text goes through `printable`, so commands need not escape anything.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from digest.escaping import escape_to_one_line
from digest.redaction import redact


def printable(text: str) -> str:
    """Return a text on one line, without secrets and control characters."""
    return escape_to_one_line(redact(text))


class Terminal(Console):
    """A console that prints texts as one line, without secrets or markup.

    This holds for each cell of a table, too.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(markup=False, emoji=False, stderr=stderr)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a text printable; rich calls this for every string."""
        return super().render_str(printable(text), **options)


out = Terminal()
err = Terminal(stderr=True)
