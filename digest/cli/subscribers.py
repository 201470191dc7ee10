"""Commands about readers: subscribe, unsubscribe, delete."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import AsJson, ConfigPath, err, open_app, out, show_json, show_rows
from digest.cli.reader_files import read_readers, subscriber_values
from digest.cli.row_files import STANDARD_INPUT, BadRow
from digest.errors import InputError

if TYPE_CHECKING:
    from digest.app import App
    from digest.model import Interest
    from digest.services import TypedWarning
    from digest.subscriptions import SubscribeResult, SubscriptionRequest

commands = typer.Typer()
Words = list[str] | None


def _repeatable_option(name: str, what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name, help=f"{what}; may be repeated.", show_default=False
    )
    return option


@commands.command()
def subscribe(
    email: Annotated[
        str | None, typer.Argument(help="Address of the reader.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            help="Many readers: .csv, .jsonl or .json, one a row, or what `subscribers --json` "
            "printed; `-` is standard input.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="How to greet them.")] = None,
    timezone: Annotated[str | None, typer.Option(help="For example Europe/Berlin.")] = None,
    hour: Annotated[int | None, typer.Option(help="Local hour of the digest, 0-23.")] = None,
    days: Annotated[
        str | None, typer.Option(help='Weekdays, for example "1,2,3,4,5" (1 = Monday).')
    ] = None,
    size: Annotated[int | None, typer.Option(help="Papers in a digest, at most.")] = None,
    strictness: Annotated[
        str | None,
        typer.Option(
            help="How sure a listed paper must be: few, balanced, many, always (a full digest "
            "whatever fits), or the least chance in per cent, 1-99."
        ),
    ] = None,
    threshold: Annotated[
        str | None, typer.Option(hidden=True, help="The old name of --strictness.")
    ] = None,
    quiet_days: Annotated[
        str | None,
        typer.Option(
            help="What comes on a day without fitting papers: silent (nothing), line (a mail of "
            "one line) or weekly (once a week their number)."
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Language of their mails and pages, such as de.")
    ] = None,
    keyword: Annotated[
        Words,
        _repeatable_option(
            "--keyword",
            'Keywords or phrases, with commas between them; with a leading "-", papers with it are '
            "never listed",
        ),
    ] = None,
    category: Annotated[
        Words, _repeatable_option("--category", "Categories such as cs.LG, q-bio")
    ] = None,
    author: Annotated[Words, _repeatable_option("--author", "An author to follow")] = None,
    paper: Annotated[
        Words, _repeatable_option("--paper", "An example paper: arXiv id, DOI, link or title")
    ] = None,
    text: Annotated[str | None, typer.Option(help="The interest in their own words.")] = None,
    interest: Annotated[
        str | None,
        typer.Option(help="Interest to change; a new name adds an interest."),
    ] = None,
    share: Annotated[
        int | None,
        typer.Option(help="Its part of the digest, relative to the other shares, 1-100."),
    ] = None,
    drop_interest: Annotated[
        Words, _repeatable_option("--drop-interest", "An interest to remove")
    ] = None,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Subscribe readers, or change their settings.

    They are confirmed at once: you answer for their consent. For a reader who is already
    subscribed, only the named settings change.
    """

    from digest import services, subscriptions
    from digest.subscriptions import SubscriptionRequest

    if (email is None) == (file is None):
        raise typer.BadParameter("give either one EMAIL or --file READERS.csv|.jsonl")
    with open_app(config) as app:
        if file is not None:
            _subscribe_file(app, file, as_json)
            return
        request = SubscriptionRequest(
            email=email or "",
            name=name,
            timezone=timezone,
            hour=hour,
            days=None if days is None else _parse_days(days),
            size=size,
            strictness=_as_number(strictness),
            threshold=_as_number(threshold),
            quiet_days=quiet_days,
            language=language,
            keywords=_split_words(keyword),
            categories=_split_words(category),
            authors=_as_tuple(author),
            papers=_as_tuple(paper),
            text=text,
            interest=interest,
            share=share,
            drop=_as_tuple(drop_interest),
        )
        result = subscriptions.subscribe(app, request, origin="command")
        with app.store.reading() as tx:
            (warnings,) = services.check_typed(tx, [result.subscriber.interests])
    _show_subscribed(result, warnings, as_json)
    if result.suppression is not None:
        raise typer.Exit(1)


def _show_subscribed(
    result: SubscribeResult, warnings: Sequence[TypedWarning], as_json: bool
) -> None:
    """Print the outcome, what finds no paper, and a warning if no mail goes to the address."""
    if as_json:
        show_json(
            {
                "email": result.subscriber.email,
                "outcome": result.outcome,
                "subscriber": subscriber_values(result.subscriber),
                "warnings": [warning.json for warning in warnings],
            }
        )
    else:
        out.print(f"{result.subscriber.email}: {result.outcome}", highlight=False, markup=False)
        if result.subscriber.interests == () and result.outcome != "suppressed":
            out.print(
                "No interests yet: the digest lists what is trending until there are thumbs. Add "
                "--keyword, --category, --author or --paper.",
                style="dim",
            )
        for warning in warnings:
            out.print(
                f"  {warning.sentence}",
                highlight=False,
                markup=False,
                style="yellow",
                soft_wrap=True,
            )
    if result.suppression is not None:
        suppression = result.suppression
        err.print(
            f"digest: no mail goes to {suppression.address} since {suppression.since:%Y-%m-%d} "
            f"({suppression.reason.value}: {suppression.evidence or 'no evidence noted'}). "
            f"If it takes mail again: digest suppressions release {suppression.address}",
            style="yellow",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _as_number(text: str | None) -> int | str | None:
    """Return a number as one, and any other text as it is."""
    return int(text) if text and text.isdigit() else text


def _as_tuple(values: Words) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _split_words(values: Words) -> tuple[str, ...] | None:
    from digest.subscriptions import split_words

    return None if values is None else tuple(word for text in values for word in split_words(text))


def _parse_days(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdigit() for part in parts):
        raise InputError(f'days {text!r}: write weekdays as numbers, for example "1,2,3,4,5"')
    return tuple(int(part) for part in parts)


def _subscribe_file(app: App, file: Path, as_json: bool) -> None:
    from digest import services, subscriptions
    from digest.subscriptions import SubscribeResult

    outcomes: Counter[str] = Counter()
    bad: list[BadRow] = []
    #: of the requests that have no result yet
    lines: deque[int] = deque()
    interests_by_line: dict[int, Sequence[Interest]] = {}

    def requests() -> Iterator[SubscriptionRequest]:
        for row in read_readers(file):
            if isinstance(row, BadRow):
                bad.append(row)
            else:
                line, request = row
                lines.append(line)
                yield request

    for done in subscriptions.subscribe_many(app, requests(), origin="file"):
        line = lines.popleft()
        if isinstance(done, SubscribeResult):
            outcomes[done.outcome] += 1
            interests_by_line[line] = done.subscriber.interests
        else:
            bad.append(BadRow(line=line, reason=str(done[1])))
    with app.store.reading() as tx:
        checked = services.check_typed(tx, list(interests_by_line.values()))
    warnings = [
        (line, warning)
        for line, found in zip(interests_by_line, checked, strict=True)
        for warning in found
    ]
    bad.sort(key=lambda row: row.line)
    summary = ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items())) or "nobody"
    if outcomes["pending"]:
        summary += (
            ". Who is pending asked by page or API: they get no digest until they confirm by the "
            "link in their mail"
        )
    source = "standard input" if file == STANDARD_INPUT else file
    show_rows(
        f"{source}: {summary}",
        outcomes,
        bad,
        as_json=as_json,
        warnings=[(line, warning.json, warning.sentence) for line, warning in warnings],
    )


@commands.command()
def unsubscribe(
    email: Annotated[str, typer.Argument(help="Address of the reader.")],
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Unsubscribe a reader; one last mail tells them.

    Waiting messages to them are not sent.
    """

    from digest import subscriptions

    with open_app(config, existing=True) as app:
        subscriber = subscriptions.find(app, email)
        gone = subscriptions.unsubscribe(app, subscriber.id, farewell=True)
    if as_json:
        show_json({"email": gone.email, "standing": gone.status.value})
    else:
        out.print(f"{gone.email}: {gone.status.value}", highlight=False, markup=False)


@commands.command()
def delete(
    email: Annotated[str, typer.Argument(help="Address of the reader.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before all is deleted.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Delete a reader and everything stored about them.

    That is their settings, thumbs, digests and messages. They get no mail about it. A suppressed
    address stays suppressed.
    """

    from digest import subscriptions

    with open_app(config, existing=True) as app:
        subscriber = subscriptions.find(app, email)
        if not yes:
            typer.confirm(
                f"Delete {subscriber.email} and everything stored about them? "
                "This cannot be undone",
                abort=True,
            )
        subscriptions.delete(app, subscriber.id)
    if as_json:
        show_json({"email": subscriber.email, "deleted": True})
    else:
        out.print(
            f"{subscriber.email}: deleted. Backups made before, and the mail server's log, still "
            f"name them",
            highlight=False,
            markup=False,
        )
