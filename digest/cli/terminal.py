"""What commands print: most of it was written by mail servers, dumps and readers.

Every text goes through `printable` before it is shown, so no command has to think of it.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from digest.escaping import escape_to_one_line
from digest.redaction import redact


def printable(text: str) -> str:
    """A text from anywhere as it may be shown: on one line, without secrets."""
    return escape_to_one_line(redact(text))


class Terminal(Console):
    """A console that prints a text, or a cell of a table, as one line and without secrets.

    Several lines are several texts. Brackets and colons are no markup.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(markup=False, emoji=False, stderr=stderr)

    def render_str(self, text: str, **how: Any) -> Text:
        """Called by rich for whatever is a text and no renderable."""
        return super().render_str(printable(text), **how)


out = Terminal()
err = Terminal(stderr=True)
