"""The questions of `digest init` on a terminal; each has a guess that Enter takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from rich.prompt import Confirm, Prompt

from digest import config as settings
from digest.cli.options import err, out
from digest.cli.setup.fields import Topic, describe_source, make_sources, propose_sources
from digest.cli.setup.mail_servers import Guess
from digest.errors import DigestError

T = TypeVar("T")
#: the answer that leaves a guessed value out
NONE = "none"
#: providers that a question names
_RELAYS = ("gmail", "microsoft365", "ses", "postmark", "brevo")


def ask(question: str, parse: Callable[[str], T], default: str = "") -> T:
    """Ask until the answer is valid."""
    while True:
        try:
            return parse(
                Prompt.ask(question, default=default, show_default=bool(default), console=out)
            )
        except DigestError as error:
            err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)


def ask_secret(question: str) -> str:
    """Ask for what the terminal must not show."""
    return Prompt.ask(question, default="", show_default=False, password=True, console=out)


def confirm(question: str) -> bool:
    """Ask a question whose answer is yes by default."""
    return Confirm.ask(question, default=True, console=out)


def ask_mail_server(guesses: Sequence[Guess], check: Callable[[str], str]) -> str:
    """Ask for the mail server.

    Args:
        guesses: The likeliest first.
        check: Raises for what is neither a host nor a provider.

    Returns:
        The name of a provider or of a host; "" = mails go to a folder.
    """
    for guess in guesses:
        say(f"{_describe_server(guess)}: {guess.reason}.")
    default = guesses[0].answer if guesses else ""
    ending = f'"{NONE}"' if default else "empty"
    say(
        f"A mail server is a name such as smtp.example.org, or one of {', '.join(_RELAYS)} and "
        f"others; {ending} = write mails to the folder outbox."
    )
    answer = ask("Mail server", check, default)
    return "" if answer.lower() == NONE else answer


def _describe_server(guess: Guess) -> str:
    if not guess.provider:
        return f"{guess.host}:{guess.port}"
    server = settings.PROVIDERS[guess.provider].smtp
    return f"{guess.provider} ({server.host}:{server.port})"


def ask_field(parse: Callable[[str], list[Topic]]) -> list[Topic]:
    """Ask for the field, and show which categories it stands for."""
    say(
        'A field is categories of arXiv or words, such as cs.LG, "machine learning"; empty = name '
        "sources later."
    )
    topics = ask("Your field", parse)
    show_field(topics)
    return topics


def show_field(topics: Sequence[Topic]) -> None:
    """Print which categories a field stands for."""
    from digest.papers.categories import describe_category

    for topic in topics:
        meant = ", ".join(describe_category(code) for code in topic.categories)
        if not topic.is_known:
            meant = "no category of arXiv, so Europe PMC is searched for these words"
        elif not meant:
            meant = "a subject of bioRxiv and medRxiv"
        say(f"  {topic.text}: {meant}")


def ask_sources(topics: Sequence[Topic]) -> list[dict[str, object]]:
    """Ask which sources to fetch from."""
    proposed = propose_sources(topics)
    for table in make_sources(proposed, topics):
        say(f"  {table['name']}: {describe_source(table)}")

    def parse(text: str) -> list[dict[str, object]]:
        names = [] if text.strip().lower() == NONE else text.replace(",", " ").split()
        return make_sources(names, topics)

    say(f'Also: huggingface; "{NONE}" = none yet.')
    return ask("Sources", parse, ", ".join(proposed))


def show_sources(tables: Sequence[Mapping[str, object]]) -> None:
    """Print what the chosen sources bring."""
    for table in tables:
        say(f"  {table['name']}: {describe_source(table)}")


def say(text: str, style: str | None = "dim") -> None:
    """Print a line."""
    out.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
