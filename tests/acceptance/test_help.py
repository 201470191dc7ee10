"""The help of the commands: fast, grouped, and equal to the docstrings."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from digest.cli.commands import COMMANDS, GROUPS, RENAMED, load_command
from digest.evaluate import evaluate
from tests.acceptance.conftest import Run

#: packages that take long to import; none of them is needed for a list of commands
HEAVY = (
    *("aiosmtplib", "alembic", "apscheduler", "cryptography", "dns", "fastapi", "httpx", "jinja2"),
    *("lxml", "model2vec", "msgspec", "numpy", "pydantic", "scipy", "sentence_transformers"),
    *("sklearn", "sqlalchemy", "starlette", "torch", "uvicorn"),
    *("digest.app", "digest.config", "digest.dumps", "digest.evaluate", "digest.pipeline"),
    *("digest.ranking", "digest.services", "digest.store", "digest.web"),
)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_no_heavy_package(option: str) -> None:
    program = (
        "import sys; from digest.__main__ import main\n"
        f"sys.argv = ['digest', {option!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print('imported:', *(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "imported:"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_loaded_without_services_and_store(name: str) -> None:
    heavy = set(HEAVY) - {"msgspec"}
    if name in ("config", "init"):  # they speak of the settings themselves
        heavy -= {"digest.config", "pydantic"}
    program = (
        f"import sys; from digest.cli.commands import load_command; load_command({name!r})\n"
        f"print('imported:', *(name for name in {heavy!r} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "imported:"


def test_evaluate_takes_as_much_as_its_function_by_default() -> None:
    defaults = inspect.signature(evaluate).parameters
    options = {option.name: option.default for option in load_command("evaluate").params}
    for name in ("readers", "digests"):
        assert options[name] == defaults[name].default


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_line_of_a_command_is_its_docstring(name: str) -> None:
    command = load_command(name)
    assert inspect.cleandoc(command.help).split("\n\n")[0] == COMMANDS[name].help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_prints_its_help(name: str, run: Run) -> None:
    assert COMMANDS[name].help.split()[0] in run(name, "--help", COLUMNS="200").stdout


def test_help_lists_the_commands_by_group_and_begins_with_the_newcomers(run: Run) -> None:
    lines = run("--help", COLUMNS="120").stdout.splitlines()
    titles = [line.strip("╭─╮ ") for line in lines if line.startswith("╭")]
    assert titles == ["Options", *GROUPS]
    shown = [line.split()[1] for line in lines if line.startswith("│")]
    assert [name for name in shown if name in COMMANDS] == list(COMMANDS)
    assert shown[shown.index("demo") :][:3] == ["demo", "init", "doctor"]
    assert not set(RENAMED) & set(shown)


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_still_works_and_names_the_new_one(old: str, new: str, run: Run) -> None:
    by_old_name = run(old, "--help")
    assert f"`{old}` is now called `{new}`" in by_old_name.stderr
    by_new_name = run(new, "--help")
    assert by_old_name.stdout == by_new_name.stdout
    assert "is now called" not in by_new_name.stderr


def test_a_misspelt_command_names_a_similar_one(run: Run) -> None:
    assert "'explain'" in run("explian", code=2).stderr
