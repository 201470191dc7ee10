"""The commands by group.

A command's module is imported when the command is called. Commands import services and the store
inside their functions, so that their `--help` does not load them.

So `digest --help` and `digest --version` load no database, no web server and no models.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup

from digest import __version__
from digest.cli.terminal import err


class Entry(NamedTuple):
    """A line of `digest --help`."""

    #: module of this package that defines the command
    module: str
    #: the first paragraph of its docstring; a test compares them
    help: str


#: group of `digest --help` -> command -> its entry
GROUPS: Mapping[str, Mapping[str, Entry]] = {
    "Start here": {
        "demo": Entry("demo", "Try everything once, offline: papers in, mails out, thumbs."),
        "init": Entry("init", "Write a config.toml that explains every key."),
        "doctor": Entry("doctor", "Check settings, files, database, mail, DNS, pages and clock."),
        "login": Entry("login", "Log in to mail accounts that take no password (OAuth 2.0)."),
        "config": Entry("config", "Show the settings in force."),
        "dev-mail": Entry("dev_mail", "Run a mail server that only shows mails in the browser."),
    },
    "Readers": {
        "subscribe": Entry("subscribers", "Subscribe readers, or change their settings."),
        "subscribers": Entry(
            "subscriber_lists", "List the readers with their settings and interests."
        ),
        "rate": Entry("feedback", "Record a reader's thumb on a paper."),
        "forget": Entry("feedback", "Forget a reader's thumb on a paper, or all their thumbs."),
        "import-library": Entry("library", "Import a reader's library as papers they like."),
        "unsubscribe": Entry("subscribers", "Unsubscribe a reader; one last mail tells them."),
        "delete": Entry("subscribers", "Delete a reader and everything stored about them."),
    },
    "Papers": {
        "ingest": Entry("ingest", "Read dumps of papers, in any known format."),
        "fetch": Entry("fetch", "Fetch papers from the configured sources and ingest them."),
        "dumps": Entry("dumps", "List the dumps that were read, with counts."),
        "rejects": Entry("dumps", "Show the records that could not be used."),
        "papers": Entry("papers", "Show what a paper was made of, and split a wrong one."),
        "submissions": Entry(
            "submissions", "List the papers that readers suggest, and decide about them."
        ),
        "picks": Entry("picks", "List the picks of curators, and remove one."),
        "votes": Entry("picks", "List who up-votes most, and drop a reader's votes."),
        "withdrawn": Entry("dumps", "List withdrawn papers and the readers who liked them."),
        "vectors": Entry("vectors", "Train word vectors, and show which are in force."),
    },
    "Sending": {
        "serve": Entry("serve", "Run the service: pages, API, scheduler and sender."),
        "run": Entry("rounds", "Run one round: read the mailbox and the inbox, compose, send."),
        "compose": Entry("rounds", "Choose a digest for every reader who has none for the date."),
        "send": Entry("rounds", "Send the messages that are due."),
        "mailbox": Entry("inbound", "Read new mail in the mailbox: bounces, complaints, requests."),
        "bounce": Entry("inbound", "Read one mail from standard input: bounce or request."),
        "suppressions": Entry("suppressions", "List or change the addresses that get no mail."),
        "webhooks": Entry("webhooks", "Tell other programs of sent digests, thumbs and leavers."),
    },
    "Looking": {
        "status": Entry("status", "Show what happened, what is waiting, and what is wrong."),
        "preview": Entry("preview", "Show the digest a reader would get now, and why."),
        "explain": Entry("feedback", "Show what the thumbs of a reader have taught."),
        "export": Entry("export", "Print everything that is stored about a reader as JSON."),
        "deliveries": Entry("deliveries", "List messages with every attempt to deliver them."),
        "evaluate": Entry("evaluate", "Compare the recipes on your readers' own thumbs."),
        "bench": Entry("bench", "Measure how many readers this machine can serve."),
    },
    "Keeping": {
        "db": Entry("database", "Upgrade, back up, check, prune or move the database."),
        "operator": Entry("operator", "Log in to the operator's pages, and end sessions."),
        "keys": Entry("link_keys", "List, rotate or revoke the keys that sign links in mails."),
        "api-keys": Entry(
            "api_keys", "Make, list or revoke the keys that programs use the API with."
        ),
        "dkim": Entry("dkim", "Make the DKIM key that signs mails, and print its DNS record."),
    },
}
COMMANDS: Mapping[str, Entry] = {
    name: entry for commands in GROUPS.values() for name, entry in commands.items()
}
#: old name -> new name; the old ones go in version 0.3.0
RENAMED: Mapping[str, str] = {"learned": "explain", "catch": "dev-mail"}


def load_command(name: str) -> Any:
    """Import the module of a command, and return the command."""
    module = import_module(f"digest.cli.{COMMANDS[name].module}")
    return typer.main.get_group(module.commands).commands[name]


class _LazyGroup(TyperGroup):
    """The group `digest`, whose commands are placeholders until one is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if name is None:  # shell completion of an unknown command
            return name, command, rest
        if name in RENAMED:
            err.print(
                f"digest: `{name}` is now called `{RENAMED[name]}`; "
                "the old name goes in version 0.3.0",
                style="yellow",
                highlight=False,
                soft_wrap=True,
            )
            name = RENAMED[name]
        return name, load_command(name), rest


app = typer.Typer(
    name="digest",
    cls=_LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_given: bool) -> None:
    if is_given:
        typer.echo(f"digest {__version__}")
        raise typer.Exit


@app.callback()
def digest(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Mail each subscriber the few new papers worth their time, and learn from their thumbs."""


def _placeholder() -> None:
    """Stand for a command that is not imported yet."""


for _group, _commands in GROUPS.items():
    for _name, _entry in _commands.items():
        app.command(_name, help=_entry.help, rich_help_panel=_group)(_placeholder)
for _name in RENAMED:
    app.command(_name, hidden=True)(_placeholder)
