"""A digest of any size stays below the size limit and loses no paper."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.mail.messages import (
    Listed,
    Mailing,
    MessageContext,
    PaperLinks,
    ReaderLinks,
    write_digest,
)
from digest.model import Message, Paper, Provenance, Subscriber
from tests.examples import examples

NOW = datetime(2026, 6, 12, 5, tzinfo=UTC)
MADE = Provenance(
    model="thumbs", features="words-1", thumbs_up=9, thumbs_down=2, candidates=1200, at=NOW
)
#: what mail programs show of an HTML part, as it is encoded
CLIPPED = 100_000
quietly = settings(database=None, max_examples=examples(25))


def write_papers(
    papers: int,
    *,
    title: str = "Title",
    abstract: str = "",
    url: int = 40,
    base: int = 30,
    local: bool = False,
) -> Message:
    """Write a digest of so many papers, each with a long title and abstract.

    `url` and `base` are lengths of addresses.
    """
    host = ("http://127.0.0.1:8025/" if local else "https://papers.example.org/") + "x" * (
        base - 30
    )
    token = "k5qxm2vtr7" * 5
    by_mail = (
        f"mailto:digest@papers.example.org?subject=More%20like%20this%20{token}" if local else ""
    )
    return write_digest(
        MessageContext(
            mailing=Mailing(
                from_address="digest@papers.example.org", domain="papers.example.org", base_url=host
            ),
            message_id="one@papers.example.org",
            date=NOW,
        ),
        subscriber=Subscriber(id=7, email="alice@example.net", created=NOW),
        local_date=date(2026, 6, 12),
        listed=[
            Listed(
                paper=Paper(
                    id=number,
                    title=f"{number}: {title}",
                    abstract=abstract,
                    authors=(title,) * 6,
                    categories=("cs.LG", "stat.ML"),
                    first_seen=date(2026, 6, 11),
                ),
                reason=f"It shares the words {title[:100]} with papers that you liked.",
                label="good match",
                links=PaperLinks(
                    read=f"https://example.org/{number}/{'r' * (url - 25)}",
                    up=f"{host}/t/{token}u{number}",
                    down=f"{host}/t/{token}d{number}",
                    up_by_mail=by_mail and f"{by_mail}u{number}",
                    down_by_mail=by_mail and f"{by_mail}d{number}",
                ),
            )
            for number in range(1, papers + 1)
        ],
        made=MADE,
        links=ReaderLinks(manage=f"{host}/m/{token}", unsubscribe=f"{host}/u/{token}"),
    )


def parts(message: Message) -> tuple[str, str, int]:
    """Return the text, the HTML, and the octets of the HTML part on the wire."""
    parsed = message_from_bytes(message.data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    plain, rich = parsed.iter_parts()
    wire = message.data.partition(b"Content-Type: text/html")[2].partition(b"\r\n\r\n")[2]
    assert max(map(len, message.data.split(b"\r\n"))) <= 998
    return plain.get_content(), rich.get_content(), len(wire)


titles = st.sampled_from(
    ["Title ", "语言模型学习", "👩🏽\u200d🔬", "ünï cödé ", "=?&<>", "x" * 300, "a" + "\u0301" * 60]
).map(lambda text: (text * 300)[:300])


@quietly
@given(
    papers=st.integers(1, 100),
    title=titles,
    abstract=titles.map(lambda text: text * 10),
    url=st.sampled_from([40, 300, 2000]),
    base=st.sampled_from([30, 60, 200]),
    local=st.booleans(),
)
@example(papers=100, title="语" * 300, abstract="语" * 3000, url=2000, base=200, local=True)
@example(papers=100, title="👩" * 300, abstract="", url=40, base=30, local=False)
def test_no_digest_is_clipped_and_no_paper_is_lost(
    papers: int, title: str, abstract: str, url: int, base: int, local: bool
) -> None:
    text, html, octets = parts(
        write_papers(papers, title=title, abstract=abstract, url=url, base=base, local=local)
    )
    assert octets < CLIPPED
    shown = [int(number) for number in re.findall(r"/t/[a-z0-9]{50}u(\d+)\"", html)]
    assert shown == list(range(1, len(shown) + 1))
    assert len(shown) >= 1
    counted = re.search(r"And (\d+) more papers? that did not fit here", html)
    assert len(shown) + (int(counted[1]) if counted else 0) == papers
    for number in range(1, papers + 1):
        for purpose in "ud":
            assert re.search(
                rf"<{'http://127.0.0.1:8025' if local else 'https://papers.example.org'}/[^>]*{purpose}{number}>",
                text,
            )


@pytest.mark.parametrize("papers", [1, 10, 20])
def test_an_ordinary_digest_is_shown_in_full(papers: int) -> None:
    abstract = (
        "We study an ordinary thing. "
        + "It is told at ordinary length, in a sentence or two. " * 10
    )
    html = parts(
        write_papers(
            papers, title="An ordinary title of some ten words or a few more", abstract=abstract
        )
    )[1]
    assert html.count("We study an ordinary thing") == papers
    assert "in short" not in html


def test_the_last_papers_are_the_ones_that_are_shortened() -> None:
    html = parts(
        write_papers(
            60, title="An ordinary title", abstract="We study it. " + "It is told at length. " * 20
        )
    )[1]
    full = html.count("We study it.")
    assert 5 < full < 60
    head, _, tail = html.partition("The rest in short")
    assert "We study" in head
    assert "We study" not in tail
    assert tail.count("<h2") == 60 - full
    assert html.count("<b>Why:</b>") == 60
    assert "no room here" not in html


def test_a_hundred_ordinary_papers_are_all_listed() -> None:
    html = parts(
        write_papers(
            100, title="A title with the usual number of words in it, and a colon: then some more"
        )
    )[1]
    assert html.count("<h2") == 100
    assert "no room here" not in html


def test_chinese_is_encoded_in_the_shorter_way_and_ascii_in_the_readable_one() -> None:
    def encodings(message: Message) -> list[bytes]:
        return re.findall(rb"Content-Transfer-Encoding: (\S+)", message.data)

    assert encodings(write_papers(3)) == [b"quoted-printable"] * 2
    assert encodings(write_papers(9, title="语言" * 100, abstract="语言" * 400)) == [b"base64"] * 2


def test_a_weekly_reader_is_told_of_the_week() -> None:
    def write_for(days: tuple[int, ...]) -> Message:
        subscriber = Subscriber(id=7, email="alice@example.net", created=NOW, days=days)
        item = Listed(
            paper=Paper(id=1, title="One", first_seen=date(2026, 6, 11)),
            reason="Because.",
            label="good match",
            links=PaperLinks(read="", up="https://a.example.org/u", down="https://a.example.org/d"),
        )
        return write_digest(
            MessageContext(
                mailing=Mailing(
                    from_address="digest@papers.example.org",
                    domain="papers.example.org",
                    base_url="https://papers.example.org",
                ),
                message_id="one@papers.example.org",
                date=NOW,
            ),
            subscriber=subscriber,
            local_date=date(2026, 6, 12),
            listed=[item, replace(item, paper=replace(item.paper, id=2, title="Two"))],
            made=MADE,
            links=ReaderLinks(
                manage="https://a.example.org/m", unsubscribe="https://a.example.org/u"
            ),
        )

    assert write_for((5,)).subject == "One and 1 more · week to 12 June"
    assert "2 papers this week, of 1,200 read" in write_for((5,)).text
    assert "Week to Friday, 12\u00a0June" in write_for((5,)).html
    assert write_for((1, 5)).subject == "One and 1 more · 12 June"
