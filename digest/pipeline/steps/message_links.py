"""The signed links of a message, and its bounce address."""

from __future__ import annotations

from collections.abc import Sequence

from digest.app import App
from digest.mail import messages
from digest.mail.messages import PaperLinks, ReaderLinks
from digest.model import Link, MessageKind, Paper, Purpose, Queued, Resources

_VOTES = (Purpose.UP, Purpose.DOWN)


def make_bounce_address(app: App, queued: Queued) -> str | None:
    """Return the bounce address of a message; None where none is configured."""
    return app.bounce_address(queued.subscriber.id, queued.id)


def sign_links(
    app: App,
    queued: Queued,
    listed: Sequence[Paper] = (),
    resources: Sequence[Resources] = (),
) -> tuple[ReaderLinks, list[PaperLinks], str | None]:
    """The links that a message carries, the reader's own and those of each paper.

    Also its bounce address.
    """
    reader, message = queued.subscriber.id, queued.id
    own = [
        Link(purpose, reader, message_id=message)
        for purpose in (Purpose.MANAGE, Purpose.UNSUBSCRIBE, Purpose.RATE)
    ]
    votes = [Link(vote, reader, paper.id, message) for paper in listed for vote in _VOTES]
    (manage, unsubscribe, rate, *answers), bounce_address = app.urls_and_bounce_address(
        own + votes, reader, message
    )
    by_mail = _votes_by_mail(app, queued, listed)
    return (
        ReaderLinks(
            manage=manage,
            unsubscribe=unsubscribe,
            rate=rate if listed else "",
            provenance=f"{rate}/made" if listed else "",
            browser=f"{rate}/mail" if queued.kind is MessageKind.DIGEST else "",
            archive=f"{manage}/digests" if queued.kind is MessageKind.DIGEST else "",
            unsubscribe_by_mail=app.mailto(Purpose.UNSUBSCRIBE, reader, message_id=message),
        ),
        [
            PaperLinks(
                read=paper_resources.page,
                up=up,
                down=down,
                up_by_mail=up_by_mail,
                down_by_mail=down_by_mail,
            )
            for paper_resources, up, down, (up_by_mail, down_by_mail) in zip(
                resources, answers[::2], answers[1::2], by_mail, strict=True
            )
        ],
        bounce_address,
    )


def _votes_by_mail(app: App, queued: Queued, listed: Sequence[Paper]) -> list[tuple[str, str]]:
    """Return for each paper the mailto links for its thumbs, up and down; else ""."""
    if messages.is_public_url(app.config.web.base_url):
        return [("", "")] * len(listed)
    return [
        (
            write_mailto(app, Purpose.UP, queued, paper.id),
            write_mailto(app, Purpose.DOWN, queued, paper.id),
        )
        for paper in listed
    ]


def write_mailto(app: App, purpose: Purpose, queued: Queued, paper_id: int = 0) -> str:
    """Return a mailto link that asks what a page would; else "".

    It is for readers who cannot reach our pages.
    """
    if messages.is_public_url(app.config.web.base_url):
        return ""
    return app.mailto(purpose, queued.subscriber.id, paper_id=paper_id, message_id=queued.id)
