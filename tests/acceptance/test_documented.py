"""Every command is documented, and the README stays short."""

from __future__ import annotations

import re
from typing import Any

from digest.cli.commands import COMMANDS, load_command
from tests.conftest import ROOT


def test_the_help_hides_no_word_as_markup() -> None:
    markup = re.compile(r"(?<!\\)\[[a-z\[/]")
    waiting: list[Any] = [load_command(name) for name in COMMANDS]
    while waiting:
        command = waiting.pop()
        waiting += getattr(command, "commands", {}).values()
        words = [
            command.help or "",
            *(getattr(parameter, "help", None) or "" for parameter in command.params),
        ]
        assert not [text for text in words if markup.search(text)], command.name


def test_every_command_has_help_and_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        command = load_command(name)
        assert command.help, f"digest {name} has no help"
        assert f"digest {name}" in readme, f"README.md says nothing about `digest {name}`"
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"digest {name}: {parameter.name} has no help"


def test_the_readme_stays_short_and_shows_the_commands_first() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 200
    assert any(line.startswith("    python3 -m venv") for line in lines[:25])
