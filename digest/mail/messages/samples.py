"""Sample mails of every kind, to check templates before the first round."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import TemplateError as JinjaError

from digest.mail.messages import compose
from digest.mail.messages.templates import environment, shipped_folder
from digest.mail.messages.values import Listed, Mailing, MessageContext, PaperLinks, ReaderLinks
from digest.model import Message, Paper, Provenance, Quiet, QuietReason, Subscriber

_AT = datetime(2026, 6, 9, 7, tzinfo=UTC)
_PAGE = "https://digest.example/x/token"


def find_template_errors(folders: tuple[Path, ...] = ()) -> list[str]:
    """Syntax errors of all templates: file, line and message."""
    jinja = environment(folders)
    errors = []
    for name in jinja.list_templates(filter_func=_is_template):
        try:
            jinja.get_template(name)
        except JinjaError as error:
            file, line = getattr(error, "filename", None) or name, getattr(error, "lineno", None)
            errors.append(
                f"{file}{f', line {line}' if line else ''}: {error.message or type(error).__name__}"
            )
        except UnicodeDecodeError as error:
            errors.append(f"{name}: is not UTF-8 (byte {error.start})")
    return errors


def _is_template(name: str) -> bool:
    return name.endswith((".txt", ".html", ".css", ".svg")) and not name.startswith("shipped/")


def find_unused_files(folders: tuple[Path, ...]) -> list[Path]:
    """Template files in the operator's folders that replace no shipped template."""
    shipped = shipped_folder()
    return [
        file
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and file.suffix in (".txt", ".html", ".css", ".svg")
        and not (shipped / file.relative_to(folder)).is_file()
    ]


def write_samples(mailing: Mailing, folders: tuple[Path, ...] = ()) -> list[Message]:
    """One mail of each kind, a weekly digest, and a quiet day.

    Raises:
        DigestError: a template is missing or broken, or an address in `mailing` cannot be written.
    """
    reader = Subscriber(id=1, email="reader@digest.example", name="A Reader", created=_AT)
    links = ReaderLinks(
        manage=_PAGE,
        unsubscribe=_PAGE,
        browser=_PAGE,
        archive=_PAGE,
        unsubscribe_by_mail="mailto:digest@digest.example?subject=Unsubscribe%20token",
    )
    made = Provenance(model="keywords", features="words", at=_AT)
    papers = [
        Listed(
            paper=Paper(
                id=number,
                title=f"A paper <{number}> & its title",
                abstract="What it found.",
                url=_PAGE,
                first_seen=_AT.date(),
            ),
            reason="because of the word “paper”",
            label="good match",
            links=PaperLinks(read=_PAGE, up=_PAGE, down=_PAGE),
            seen_before=number == 2,
        )
        for number in (1, 2)
    ]

    def context(kind: str) -> MessageContext:
        return MessageContext(
            mailing=mailing,
            message_id=f"<{kind}.sample@digest.example>",
            date=_AT,
            folders=folders,
        )

    return [
        *(
            compose.write_digest(
                context("digest"),
                subscriber=subscriber,
                local_date=_AT.date(),
                listed=papers,
                made=made,
                links=links,
            )
            for subscriber in (reader, replace(reader, days=(2,)))
        ),
        compose.write_quiet_day(
            context("quiet"),
            subscriber=reader,
            quiet=Quiet(
                subscriber_id=reader.id,
                local_date=_AT.date(),
                reason=QuietReason.BELOW_THRESHOLD,
                provenance=made,
                quiet_days_told=2,
            ),
            nearest=papers[0].paper,
            url=_PAGE,
            links=links,
        ),
        compose.write_confirm(
            context("confirm"),
            subscriber=reader,
            confirm=_PAGE,
            confirm_by_mail=links.unsubscribe_by_mail,
            asked="a page",
        ),
        compose.write_welcome(
            context("welcome"), subscriber=reader, links=links, first=f"{_PAGE}/first"
        ),
        compose.write_goodbye(context("goodbye"), subscriber=reader, come_back=_PAGE),
        compose.write_notice(
            context("notice"), subscriber=reader, new_address="r…@digest.example", stop=_PAGE
        ),
        write_test(context("alert"), reader.email),
    ]


def write_test(context: MessageContext, recipient: str) -> Message:
    """A test mail, signed and sent like any other, to see how mails arrive.

    Raises:
        DigestError: a template is broken, or the address cannot be written.
    """
    return compose.write_alert(
        context,
        recipient=recipient,
        what="This is a test of how mails arrive",
        remedy=(
            "Nothing, if this lies in the inbox. Open its source and look for spf=pass, dkim=pass "
            "and dmarc=pass in Authentication-Results."
        ),
        details=f"sent by `digest doctor` at {context.date:%Y-%m-%d %H:%M} UTC",
    )
