"""The demonstration: two days in a minute, offline, on shipped papers.

It calls the product's own verbs and does nothing that a verb should do.
"""

from __future__ import annotations

import contextlib
import logging
import re
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, date, datetime, time
from importlib import resources
from itertools import zip_longest
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from digest import config, pipeline, private, serve, services, subscriptions
from digest.app import App
from digest.demo.cast import CAST, Reader
from digest.demo.inbox import DigestComparison, inbox_pages
from digest.demo.mail_sink import MailSink, ReceivedMail
from digest.demo.servers import free_port
from digest.errors import DigestError, InputError
from digest.locales import count_noun
from digest.mail.messages import texts
from digest.mail.messages.cards import SLOTS
from digest.model import Digest, MessageState, Subscriber
from digest.ranking import scores
from digest.scheduler import Scheduler
from digest.signals import EndedBySignal, wait_for_signal

#: the cast reads on Tuesdays and Fridays, so the second digest covers three days
FIRST_DAY, SECOND_DAY = date(2026, 6, 9), date(2026, 6, 12)
#: seconds between looks for mails to those who sign up on the pages
_SEND_SECONDS = 2

out = Console()


def run(folder: Path | None = None, *, serving: bool = True, port: int = 0) -> None:
    """Play both days, print what happens, then serve the pages until interrupted.

    Raises:
        DigestError: a step did not do what it should; the message says which.
    """
    workspace = _make_folder(folder)
    logging.getLogger("digest").setLevel(logging.WARNING)  # the story is printed on standard output
    out.print(
        f"Working in {workspace}; nothing outside it is touched, and no other machine is "
        "contacted.",
        style="dim",
        soft_wrap=True,
    )
    with MailSink(workspace / "mail") as mail_sink:
        comparisons: list[DigestComparison] = []
        app = _open_app(workspace, mail_sink, port or free_port())
        try:
            with serve.Background(
                app, extra=[inbox_pages(mail_sink.mails, comparisons)]
            ) as address:
                _play_two_days(app, mail_sink, comparisons)
                if serving:
                    _serve(app, address)
        finally:
            app.close()


def _make_folder(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="digest-demo-"))
    private.make_folder(folder)
    if any(folder.iterdir()):
        raise InputError(f"{folder} is not empty. Name a new folder, or leave --folder out")
    return folder.resolve()


def _open_app(workspace: Path, mail_sink: MailSink, port: int) -> App:
    """Open an app with its own settings; config.toml and the environment are ignored."""
    settings = {
        "DIGEST_STORE__URL": f"sqlite:///{workspace / 'digest.sqlite'}",
        "DIGEST_INGEST__INBOX": str(workspace / "inbox"),
        "DIGEST_SMTP__HOST": mail_sink.host,
        "DIGEST_SMTP__PORT": str(mail_sink.port),
        "DIGEST_SMTP__TLS": "none",
        "DIGEST_MAIL__SENDER": "digest@demo.example",
        "DIGEST_WEB__BASE_URL": f"http://127.0.0.1:{port}",
        "DIGEST_WEB__BIND": f"127.0.0.1:{port}",
        "DIGEST_WEB__CURATORS": f'["{CAST[0].request.email}"]',
    }
    return App.open(config.load(None, settings))


# ----------------------------------------------------------------------------------------------
# the two days


def _play_two_days(app: App, mail_sink: MailSink, comparisons: list[DigestComparison]) -> None:
    days = sorted(
        path
        for path in Path(str(resources.files("digest.demo") / "papers")).iterdir()
        if path.suffix == ".jsonl"
    )
    _print_headline(
        f"Day 1: the papers up to {texts.format_date(FIRST_DAY, weekday=True, year=True)}"
    )
    _ingest_sample_papers(
        app, [path for path in days if date.fromisoformat(path.stem) <= FIRST_DAY]
    )
    for reader in CAST:
        subscriptions.subscribe(app, reader.request, origin="command")
        out.print(f"  subscribed {reader.request.email}", highlight=False)
    _send_round(app, FIRST_DAY)
    first = list(mail_sink.mails)
    _print_mails(app, FIRST_DAY)

    _print_headline(
        f"Day 2: the papers up to {texts.format_date(SECOND_DAY, weekday=True, year=True)}"
    )
    _ingest_sample_papers(app, [path for path in days if date.fromisoformat(path.stem) > FIRST_DAY])
    before = {reader.request.email: _preview_titles(app, reader, SECOND_DAY) for reader in CAST}
    _print_headline("Thumbs, by POSTing the links in the mails")
    for mail in first:
        _give_thumbs(
            next(reader for reader in CAST if reader.request.email == mail.recipient), mail
        )
    _send_round(app, SECOND_DAY)
    _print_headline("What the thumbs changed on day 2: without them, and as sent")
    for reader in CAST:
        comparison = _compare(app, reader, before[reader.request.email])
        comparisons.append(comparison)
        _print_comparison(comparison)
    _fill_lists(app)
    counts = services.status(app).messages
    if counts != {MessageState.ACCEPTED.value: 2 * len(CAST)}:
        raise DigestError(f"not every mail was accepted: {counts}")
    out.print(
        f"\n{len(mail_sink.mails)} mails were delivered over SMTP; the ledger has each of them as "
        f"accepted.",
        style="bold green",
    )


def _fill_lists(app: App) -> None:
    """Let each reader up-vote what they like of their digest, and the first one pick a paper."""
    _print_headline("Up-votes and a pick, on the lists for everybody")
    votes = 0
    for number, reader in enumerate(CAST):
        subscriber = _reader(app, reader)
        digest, papers = services.sent_digest(app, subscriber, SECOND_DAY)
        listed = [papers[item.score.paper_id] for item in digest.items]
        liked = [paper for paper in listed if reader.vote(f"{paper.title} {paper.abstract}") > 0]
        for paper in liked:
            services.up_vote(app, subscriber.id, paper.id)
        votes += len(liked)
        if number == 0 and liked:
            note = "The one I would read first this week."
            services.pick(app, subscriber.id, liked[0].id, name=subscriber.name, note=note)
            out.print(f"  {subscriber.name} picked {liked[0].title!r}", highlight=False)
    out.print(f"  {texts.plural(votes, 'up-vote')} by {len(CAST)} readers", highlight=False)


def _print_headline(text: str) -> None:
    out.print(f"\n{text}", style="bold cyan")


def _ingest_sample_papers(app: App, files: list[Path]) -> None:
    """Ingest shipped papers.

    Raises:
        DigestError: a file cannot be read.
    """
    # Each file is named after its day, so that the papers count as first seen on that day.
    report = pipeline.ingest(app, files, seen="name")
    if report.failed:
        raise DigestError("the papers that ship with the package cannot be read; install it again")
    out.print(
        f"  ingested {count_noun(len(files), 'dump')}: {count_noun(report.count('read'), 'record')}"
        f", {count_noun(report.count('new'), 'new paper')}"
    )


def _at_noon(app: App, day: date) -> App:
    return app.at(datetime.combine(day, time(12), UTC))


def _send_round(app: App, day: date) -> None:
    report = pipeline.round(_at_noon(app, day), day=day)
    if report.sent.error or len(report.composed.planned) != len(CAST):
        raise DigestError(f"the round of {day} did not reach everybody: {report.json}")
    sent = count_noun(report.sent.states[MessageState.ACCEPTED], "digest")
    out.print(f"  sent {sent} over SMTP")


def _reader(app: App, reader: Reader) -> Subscriber:
    return subscriptions.find(app, reader.request.email)


def _print_mails(app: App, day: date) -> None:
    for reader in CAST:
        digest, papers = services.sent_digest(app, _reader(app, reader), day)
        table = Table(
            title=f"{reader.request.email}: {reader.about}",
            title_justify="left",
            title_style="bold",
            box=None,
            show_header=False,
            padding=(0, 1),
        )
        for item in digest.items:
            paper = papers[item.score.paper_id]
            match = Text(item.score.word, style="dim", no_wrap=True)
            table.add_row(
                f"{item.position}.", Text(paper.title, overflow="ellipsis", no_wrap=True), match
            )
            note = f" {SLOTS[item.slot]}" if item.slot in SLOTS else ""
            table.add_row("", Text(scores.write_reason(item.score) + note, style="dim"), "")
        out.print()
        out.print(table)


def _preview_titles(app: App, reader: Reader, day: date) -> list[str]:
    preview = services.preview(_at_noon(app, day), _reader(app, reader), day=day)
    return (
        [preview.papers[item.score.paper_id].title for item in preview.outcome.items]
        if isinstance(preview.outcome, Digest)
        else []
    )


def _compare(app: App, reader: Reader, before: list[str]) -> DigestComparison:
    digest, papers = services.sent_digest(app, _reader(app, reader), SECOND_DAY)
    return DigestComparison(
        name=reader.request.email,
        about=reader.about,
        up=digest.provenance.thumbs_up,
        down=digest.provenance.thumbs_down,
        before=tuple(before),
        after=tuple(
            (papers[item.score.paper_id].title, scores.write_reason(item.score))
            for item in digest.items
        ),
    )


def _print_comparison(comparison: DigestComparison) -> None:
    table = Table(
        "without thumbs",
        "as sent",
        title_justify="left",
        title_style="bold",
        expand=True,
        box=None,
        header_style="dim",
    )
    table.title = (
        f"{comparison.name}: {comparison.about} ({comparison.up} up, {comparison.down} down)"
    )
    for left, right in zip_longest(
        comparison.before, (title for title, _ in comparison.after), fillvalue=""
    ):
        table.add_row(
            Text(
                left,
                overflow="ellipsis",
                no_wrap=True,
                style="" if left in comparison.titles else "red",
            ),
            Text(
                right,
                overflow="ellipsis",
                no_wrap=True,
                style="" if right in comparison.before else "green",
            ),
        )
    out.print()
    out.print(table)


# ----------------------------------------------------------------------------------------------
# thumbs and pages


def thumb_links(mail: ReceivedMail) -> list[tuple[str, str, str]]:
    """(text, link up, link down) of each paper in the text part."""
    text = mail.part("plain")
    links = []
    start = 0
    for match in re.finditer(r"More like this:\s*<(\S+?)>\s*Less like this:\s*<(\S+?)>", text):
        links.append((text[start : match.start()], match[1], match[2]))
        start = match.end()
    return links


def _give_thumbs(reader: Reader, mail: ReceivedMail) -> None:
    signs = []
    for text, up, down in thumb_links(mail):
        vote = reader.vote(text)
        if vote:
            _post(up if vote > 0 else down)
        signs.append({1: "+", -1: "-", 0: "."}[vote])
    out.print(
        f"  {reader.request.email:<20} {' '.join(signs)}   (+ more like this, - less like this, . "
        f"nothing)",
        highlight=False,
    )


def _post(link: str) -> None:
    # a link of our own mail
    request = urllib.request.Request(link, data=b"", method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310
            return
    except urllib.error.URLError as error:
        raise DigestError(
            f"the thumb {urllib.parse.urlsplit(link).path} was not taken: {error}"
        ) from error


def _serve(app: App, address: str) -> None:
    """Serve until a signal; who signs up on the pages gets their mails in the inbox."""
    sender = Scheduler([lambda: pipeline.send(app)], seconds=_SEND_SECONDS)
    sender.start()
    try:
        with contextlib.suppress(EndedBySignal, KeyboardInterrupt):
            out.print(
                f"\nThe home page is {address}, and the mails are at {address}/inbox: open one and "
                "click a thumb.\nSign up with any address: its mails come to the inbox, too. "
                "Ctrl-C ends the demonstration.",
                style="bold",
                highlight=False,
                soft_wrap=True,
            )
            wait_for_signal()
    finally:
        sender.stop()
