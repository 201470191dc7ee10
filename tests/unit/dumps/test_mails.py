"""Listing mails of arXiv, alert mails, mailbox files, and arXiv's listing pages."""

from __future__ import annotations

import base64
import quopri
import tracemalloc
from collections.abc import Callable
from datetime import date
from email.message import EmailMessage

import pytest

from digest.dumps.mails import mime
from digest.dumps.mails.mime import decode_text
from digest.model import Record, Rejected, Skipped
from tests.unit.dumps.conftest import MakeDump, entries, only, papers, skipped_lines, titles
from tests.unit.dumps.every_format import END, RULE, format_text, reasons


def listed(number: str, title: str, *lines: str, abstract: str = "  It is invented.") -> str:
    head = "\n".join(("Date: Mon, 8 Jun 2026 17:00:00 GMT   (5kb)", "", f"Title: {title}", *lines))
    link = f"\\\\ ( https://arxiv.org/abs/{number.split()[0]} ,  5kb)"
    return f"{RULE}\n\\\\\narXiv:{number}\n{head}\n\\\\\n{abstract}\n{link}\n"


def mail(body: str, *headers: str, sender: str = "lists@example.org") -> str:
    fixed = (f"From: {sender}", "Subject: cs daily", "Date: Wed, 10 Jun 2026 00:30:00 GMT")
    return "\n".join((*fixed, *headers, "", body))


# ------------------------------------------------------------------------------------------------
# arXiv's listing mails

LISTING = (
    f"{RULE}\nTo unsubscribe, e-mail To: cs@arXiv.org\n{RULE}\n"
    + listed(
        "2606.07301",
        "A title that is so long that it goes\n  on",
        "Authors: Jane Doe, Ren\\'e Roe and Lee Poe (for the NIMBUS\n  Collaboration)",
        "Categories: cs.LG stat.ML",
        "Comments: 3 pages",
        "License: http://example.org/license",
    )
    + listed("2606.01301 (*cross-listing*)", "Across", "Authors: Kim Moe", "Categories: math.CO")
    + f"{'%%--' * 19}\n{RULE}\n\\\\\narXiv:2305.07301\nreplaced with revised version Mon, 8 Jun "
    "2026 10:00:00 GMT   (9kb)\n\nTitle: Old\nAuthors: Ann Orr\nCategories: cs.LG\n"
    "\\\\ ( https://arxiv.org/abs/2305.07301 ,  9kb)" + END
)


def test_new_papers_and_cross_lists_are_read_and_replacements_skipped(make_dump: MakeDump) -> None:
    dump = make_dump(LISTING)
    first, second = entries(dump)
    assert dump.format == "arxiv-mail"
    assert (first.title, first.authors, first.categories, first.comment, first.submitted) == (
        "A title that is so long that it goes on",
        ("Jane Doe", "René Roe", "Lee Poe", "NIMBUS Collaboration"),
        ("cs.LG", "stat.ML"),
        "3 pages",
        date(2026, 6, 8),
    )
    assert [identity.value for identity in second.identities] == ["2606.01301"]
    assert [reason for _, reason in skipped_lines(dump)] == ["replacement notice"]
    assert reasons(dump) == []


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("hep-th/0606301", "hep-th/0606301"),
        ("math.CO/0606301 (*cross-listing*)", "math/0606301"),
        ("0704.0301v2", "0704.0301"),
    ],
)
@pytest.mark.parametrize("before", ["arXiv:", "Paper: "])
def test_numbers_of_all_styles_are_read(
    number: str, value: str, before: str, make_dump: MakeDump
) -> None:
    (entry,) = entries(make_dump(listed(number, "Old").replace("arXiv:", before)))
    assert [identity.value for identity in entry.identities] == [value]


def test_several_lists_after_each_other_are_one_file(make_dump: MakeDump) -> None:
    dump = make_dump(LISTING + LISTING.replace("07301", "07302"))
    assert len(papers(dump)) == 4
    assert len(list(dump.records())) == 6


def test_text_between_the_entries_is_reported(make_dump: MakeDump) -> None:
    text = listed("2606.07301", "A") + f"{RULE}\nLost words\n" + listed("2606.07302", "B")
    dump = make_dump(text)
    assert titles(dump) == ["A", "B"]
    assert reasons(dump) == ["text between the entries"]


def test_an_entry_without_its_closing_line_ends_at_the_rule(make_dump: MakeDump) -> None:
    text = listed("2606.07301", "A") + listed("2606.07302", "B")
    dump = make_dump("\n".join(line for line in text.split("\n") if "\\ (" not in line) + RULE)
    assert [record.abstract.strip() for record in papers(dump)] == ["It is invented."] * 2


def test_a_list_that_is_cut_says_so(make_dump: MakeDump) -> None:
    text = listed("2606.07301", "A") + listed("2606.07302", "B")
    dump = make_dump(text[: text.rindex("invented")])
    assert titles(dump) == ["A"]
    assert reasons(dump) == ["cut off in the middle of the entry"]
    assert dump.incomplete is not None
    assert "ends within the entry on line" in dump.incomplete


def test_a_number_within_an_abstract_begins_no_entry(make_dump: MakeDump) -> None:
    dump = make_dump(listed("2606.07301", "A", abstract="  We extend\n  arXiv:2305.00001\n  here."))
    assert only(dump).abstract.split() == ["We", "extend", "arXiv:2305.00001", "here."]


# ------------------------------------------------------------------------------------------------
# messages


def in_base64(text: str) -> tuple[str, str]:
    return base64.encodebytes(text.encode()).decode(), "Content-Transfer-Encoding: base64"


def in_quoted_printable(text: str) -> tuple[str, str]:
    return (
        quopri.encodestring(text.encode()).decode(),
        "Content-Transfer-Encoding: quoted-printable",
    )


@pytest.mark.parametrize("encode", [in_base64, in_quoted_printable])
def test_an_encoded_mail_is_read_as_its_text(
    encode: Callable[[str], tuple[str, str]], make_dump: MakeDump
) -> None:
    body, header = encode(LISTING.replace("Ann", "Änn").replace("Kim Moe", "Kim Möe"))
    dump = make_dump(mail(body, header, "Content-Type: text/plain; charset=utf-8"))
    assert dump.format == "mail"
    assert [(record.title, record.announced) for record in papers(dump)] == [
        ("A title that is so long that it goes on", date(2026, 6, 10)),
        ("Across", None),
    ]
    assert papers(dump)[1].authors == ("Kim Möe",)


def test_the_charset_of_a_mail_counts(make_dump: MakeDump) -> None:
    text = listed("2606.07301", "Жизнь")
    dump = make_dump(
        mail("", "Content-Type: text/plain; charset=koi8-r").encode() + text.encode("koi8-r")
    )
    assert titles(dump) == ["Жизнь"]


@pytest.mark.parametrize("charset", ["unicode_escape", "idna", "rot13", "x" * 500, '"'])
def test_an_odd_charset_is_ignored(charset: str, make_dump: MakeDump) -> None:
    dump = make_dump(
        mail(listed("2606.07301", "A"), f"Content-Type: text/plain; charset={charset}")
    )
    assert titles(dump) == ["A"]


def test_a_flowed_text_is_joined(make_dump: MakeDump) -> None:
    flowed = listed("2606.07301", "A title that flows \non without indentation").replace(
        "\n  It", "\n   It"
    )
    dump = make_dump(mail(flowed, "Content-Type: text/plain; format=flowed"))
    assert only(dump).title == "A title that flows on without indentation"
    assert only(dump).abstract == "  It is invented."


def test_a_mailbox_file_gives_the_papers_of_all_its_mails(make_dump: MakeDump) -> None:
    postmark = "From someone@example.org Wed Jun 10 00:31:07 2026\n"
    quoted = listed("2606.07302", "B", abstract=">From here on, Wed Jun 10 00:31:07 2026.")
    text = "\n".join(
        postmark + mail(body)
        for body in (listed("2606.07301", "A"), quoted, "From noon on 12:00 we eat.\n", "Words.\n")
    )
    dump = make_dump(text)
    assert [record.title for record in papers(dump)] == ["A", "B"]
    assert papers(dump)[1].abstract.startswith("From here")
    assert [reason for _, reason in skipped_lines(dump)] == ["a mail without a list of papers"] * 2
    line_of_b = text.split("\n").index("arXiv:2606.07302")
    assert [record.line for record in papers(dump)][1] == line_of_b


def test_a_forwarded_mail_is_read(make_dump: MakeDump) -> None:
    inner = EmailMessage()
    inner["From"], inner["Subject"], inner["Date"] = "a@example.org", "cs", "Wed, 10 Jun 2026 00:30"
    inner.set_content(listed("2606.07301", "A"))
    outer = EmailMessage()
    outer["From"], outer["Subject"], outer["Date"] = (
        "b@example.org",
        "Fwd",
        "Thu, 11 Jun 2026 00:30",
    )
    outer.set_content("See below.")
    outer.add_attachment(inner)
    assert titles(make_dump(outer.as_bytes())) == ["A"]


def test_a_mail_beyond_the_cap_is_rejected_without_being_held(
    make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mime, "_LINE_CAP", 1000)
    postmark = "From someone@example.org Wed Jun 10 00:31:07 2026\n"
    mails = [listed("2606.07301", "A"), "words\n" * 3000, listed("2606.07302", "B")]
    dump = make_dump("\n".join(postmark + mail(body) for body in mails))
    assert titles(dump) == ["A", "B"]
    assert reasons(dump) == ["longer than 16 MiB"]


def test_parts_within_parts_cost_little(make_dump: MakeDump) -> None:
    nested = "".join(
        f"Content-Type: multipart/mixed; boundary={number}\n\n--{number}\n"
        for number in range(20_000)
    )
    dump = make_dump(mail("", "Content-Type: multipart/mixed; boundary=x") + f"--x\n{nested}")
    tracemalloc.start()
    assert [type(entry) for entry in dump.records()] == [Skipped]
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


def test_endless_headers_are_read_in_part(make_dump: MakeDump) -> None:
    many = mail("words", "Content-Type: multipart/mixed; boundary=a" + ";\n a=b" * 100_000)
    rows = [(number, line, True) for number, line in enumerate(many.encode().split(b"\n"))]
    headers, body = mime.read_headers(rows)
    assert sum(len(value) for value in headers.values()) <= 64 * 1024
    assert body == [(len(rows) - 1, b"words", True)]
    assert [type(entry) for entry in make_dump(many).records()] == [Skipped]


def test_lines_that_begin_like_headers_are_no_mail(make_dump: MakeDump) -> None:
    text = "Subject: cs daily\n\n" + listed("2606.07301", "A")
    assert make_dump(text).format == "arxiv-mail"


# ------------------------------------------------------------------------------------------------
# alerts


def alert(html: str, sender: str = "scholaralerts-noreply@google.com") -> str:
    return mail(f"<html><body>{html}</body></html>", "Content-Type: text/html", sender=sender)


def scholar(link: str, byline: str, kind: str = ' class="gse_alrt_title"') -> str:
    return (
        f'<h3><a href="https://scholar.google.de/scholar_url?url={link}&amp;hl=de"{kind}>Invented '
        f"<b>gardens</b></a></h3><div>{byline}</div><div>What is said of them.</div>"
    )


@pytest.mark.parametrize("kind", [' class="gse_alrt_title"', ""])
@pytest.mark.parametrize(
    ("link", "identity"),
    [
        ("https://arxiv.org/pdf/2606.07301v1", "arxiv:2606.07301"),
        ("https%3A%2F%2Fdoi.org%2F10.5555%2Fx.1", "doi:10.5555/x.1"),
        ("https://www.biorxiv.org/content/10.1101/2026.06.01.123456.abstract", "preprint:"),
    ],
)
def test_an_alert_of_google_scholar_leads_to_the_papers_own_page(
    kind: str, link: str, identity: str, make_dump: MakeDump
) -> None:
    (entry,) = entries(
        make_dump(alert(scholar(link, "J Doe, K Roe… - Invented Letters, 2026", kind)))
    )
    assert entry.title == "Invented gardens"
    assert (entry.authors, entry.journal_ref) == (("J Doe", "K Roe"), "Invented Letters")
    assert [f"{id.kind}:{id.value}".startswith(identity) for id in entry.identities] == [True]
    assert entry.abstract == "What is said of them …"


@pytest.mark.parametrize(
    ("sender", "link", "identity"),
    [
        ("efback@ncbi.nlm.nih.gov", "https://pubmed.ncbi.nlm.nih.gov/39000001/?utm=1", "39000001"),
        (
            "a@notification.elsevier.com",
            "https://click.example.com/CL0/https:%2F%2Fwww.sciencedirect.com%2Fscience%2Farticle"
            "%2Fpii%2FS0000000026000012%3Fdgcid=x",
            None,
        ),
        (
            "do-not-reply@semanticscholar.org",
            "https://www.semanticscholar.org/paper/ab12cd34",
            None,
        ),
    ],
)
def test_other_alerts_give_title_and_link(
    sender: str, link: str, identity: str | None, make_dump: MakeDump
) -> None:
    html = f'<a href="{link}">Gardens that were invented</a> <a href="{link}">Read the abstract</a>'
    (entry,) = entries(make_dump(alert(html, sender)))
    assert entry.title == "Gardens that were invented"
    assert [one.value for one in entry.identities] == ([identity] if identity else [])
    assert entry.url.startswith("https://")
    strange = make_dump(alert(html, f"jane@{sender.partition('@')[2]}.example.org"))
    assert [type(record) for record in strange.records()] == [Skipped]


def test_html_with_too_many_tags_is_rejected(make_dump: MakeDump) -> None:
    dump = make_dump(alert("<b>" * 100_001))
    assert reasons(dump) == ["holds more than 100,000 tags"]


# ------------------------------------------------------------------------------------------------
# arXiv's pages


def test_a_title_without_its_number_line_is_reported(make_dump: MakeDump) -> None:
    text = format_text("arxiv-page", "A", "B")
    damaged = text.replace("<dt>", "", 1)
    assert titles(make_dump(damaged)) == ["B"]
    assert reasons(make_dump(damaged)) == ["no number of a paper stands before this title"]


def test_an_entry_of_a_page_without_title_is_rejected(make_dump: MakeDump) -> None:
    dump = make_dump(format_text("arxiv-page", "A", "B").replace("list-title", "list", 1))
    assert titles(dump) == ["B"]
    assert reasons(dump) == ["no title"]


def test_a_page_cut_within_an_entry_is_incomplete(make_dump: MakeDump) -> None:
    text = format_text("arxiv-page", "A", "Behind")
    dump = make_dump(text[: text.index("Behind") + 3])
    assert titles(dump) == ["A"]
    assert reasons(dump) == ["cut off in the middle of the entry"]
    assert dump.incomplete == "the page ends within its list of papers"


def test_where_the_chunks_of_a_page_end_does_not_matter(
    make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = make_dump(format_text("arxiv-page", *"ABCDEF"))
    expected: list[Record | Rejected] = list(dump.records())  # type: ignore[arg-type]
    for size in (1, 2, 3, 7, 50):
        monkeypatch.setattr("digest.dumps.stream.CHUNK", size)
        assert list(dump.records()) == expected


@pytest.mark.parametrize("subject", ["=?utf-\xff?q?Text?=", "=?utf-8?b?A?=", "=?none?q?x?="])
def test_a_damaged_subject_stays_as_it_is(subject: str) -> None:
    assert decode_text(subject.encode("latin-1").decode("utf-8", "replace"))
