"""Commands of a round: compose, send, run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.inbound import show_polled
from digest.cli.ingest import show_ingested
from digest.cli.options import (
    AsJson,
    ConfigPath,
    DryRun,
    OnDate,
    OnlyEmail,
    err,
    open_app,
    out,
    parse_day,
    show_json,
)
from digest.cli.tables import count_noun, make_table
from digest.model import MessageState, Subscriber
from digest.signals import stop_on_signals

if TYPE_CHECKING:
    from digest import pipeline
    from digest.app import App

commands = typer.Typer()


def _find_reader(app: App, email: str | None) -> Subscriber | None:
    from digest import subscriptions

    return None if email is None else subscriptions.find(app, email)


@commands.command()
def compose(
    date: OnDate = None,
    only: OnlyEmail = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Choose a digest for every reader who has none for the date.

    Does not wait for the readers' hours.
    """

    from digest import pipeline

    with open_app(config, date, existing=True) as app:
        report = pipeline.compose(
            app,
            day=None if date is None else parse_day(date),
            only=_find_reader(app, only),
            dry_run=dry_run,
        )
    if as_json:
        show_json(report.json)
    else:
        show_composed(report)


def show_composed(report: pipeline.ComposeReport) -> None:
    """Print who gets a digest, and who does not and why."""
    table = make_table("subscriber", "date", "digest", numbers=("date",))
    for planned in report.planned:
        table.add_row(planned.email, str(planned.local_date), count_noun(planned.papers, "paper"))
    for quiet in report.quiet:
        table.add_row(quiet.email, str(quiet.local_date), f"quiet: {quiet.reason.value}")
    for left in report.left_out:
        table.add_row(left.email, "", f"left out: {left.reason}")
    if table.row_count > 60:
        out.print(
            f"{count_noun(len(report.planned), 'digest')}, {len(report.quiet)} quiet, "
            f"{len(report.left_out)} left out",
            highlight=False,
        )
    elif table.row_count:
        out.print(table)
    else:
        out.print("nobody is subscribed: `digest subscribe EMAIL`", style="yellow")


@commands.command()
def send(
    date: OnDate = None,
    only: OnlyEmail = None,
    dry_run: DryRun = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on after all sending was stopped by bounces or complaints."
        ),
    ] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Send the messages that are due.

    Nothing is ever sent twice. After SIGTERM or Ctrl-C, messages on their way are finished and
    the others wait; a second signal ends at once.
    """

    from digest import pipeline

    with open_app(config, date, existing=True) as app, stop_on_signals() as stop:
        if resume and not dry_run:
            pipeline.resume(app)
        report = pipeline.send(app, only=_find_reader(app, only), dry_run=dry_run, stop=stop)
    if as_json:
        show_json(report.json)
    elif dry_run:
        _show_due(report)
    else:
        show_sent(report)
    if report.error or report.halted:
        raise typer.Exit(1)


def _show_due(report: pipeline.SendReport) -> None:
    table = make_table("to", "message", "of", "papers", "", numbers=("papers",))
    for row in report.due[:60]:
        again = "again" if row["state"] == MessageState.DEFERRED.value else ""
        table.add_row(row["email"], row["kind"], row["key"], str(row["papers"] or ""), again)
    if report.due:
        out.print(table)
    more = f", {report.sendable - 60} of them not shown" if report.sendable > 60 else ""
    out.print(
        f"{count_noun(report.sendable, 'message')} would be sent{more}; {report.later} later. "
        "Nothing was sent.",
        highlight=False,
    )
    _show_held_back(report)


def _show_held_back(report: pipeline.SendReport) -> None:
    """Print what keeps digests from being sent."""
    if report.held_back:
        out.print(
            f"{count_noun(report.held_back, 'digest')} held back by today's limit",
            style="yellow",
            highlight=False,
        )
    if report.halted:
        err.print(
            f"digest: all sending is stopped: {report.halted}. `digest status` names the remedy; "
            "`digest send --resume` goes on",
            style="red",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def show_sent(report: pipeline.SendReport) -> None:
    """Print the outcome of the messages."""
    summary = (
        ", ".join(f"{n} {state.value}" for state, n in sorted(report.states.items()))
        or "nothing sent"
    )
    out.print(
        f"messages: {summary}; {report.waiting} waiting, {report.later} later", highlight=False
    )
    for email, reason in report.troubles[:20]:
        out.print(f"  {email}: {reason}", style="yellow", highlight=False, markup=False)
    if report.stopped:
        out.print(
            "stopped before the end; what was not begun waits for the next send", style="yellow"
        )
    _show_held_back(report)
    if report.error:
        err.print(
            f"digest: {report.error}", style="red", highlight=False, markup=False, soft_wrap=True
        )


@commands.command()
def run(
    date: OnDate = None,
    only: OnlyEmail = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Run one round: read the mailbox and the inbox, compose, send.

    A second run on the same day sends nobody a second digest.
    """

    from digest import pipeline, services

    with open_app(config, date, existing=dry_run) as app:
        day, reader = None if date is None else parse_day(date), _find_reader(app, only)
        if dry_run:
            composed = pipeline.compose(app, day=day, only=reader, dry_run=True)
            show_json({"compose": composed.json}) if as_json else show_composed(composed)
            return
        # first the mailbox: unsubscribed and unreachable readers get no mail in this round; an
        # error of the mailbox does not stop the round
        polled = services.poll_mailbox(app)
        ingested = services.ingest_inbox(app)
        # A signal ends composing at once; what is stored stays. Sending first ends what it began.
        composed = pipeline.compose(app, day=day, only=reader)
        with stop_on_signals() as stop:
            sent = pipeline.send(app, only=reader, stop=stop)
            report = pipeline.RoundReport(composed=composed, sent=sent)
            if date is None:  # what happens on another date is only tried out
                # without `serve` this is the only alarm for the operator
                if services.watch(app).planned:
                    pipeline.send(app)
                services.send_webhooks(app, stop=stop)
    if as_json:
        show_json(
            ({} if polled.not_configured else {"mailbox": polled.json})
            | {"ingest": ingested.json}
            | report.json
        )
    else:
        if not polled.not_configured:
            show_polled(polled)
        if ingested.files:
            show_ingested(ingested)
        show_composed(report.composed)
        show_sent(report.sent)
    if report.sent.error or report.sent.halted or ingested.failed or polled.error:
        raise typer.Exit(1)
