"""Links in Markdown: which of them lead to papers, and which text is a title."""

from __future__ import annotations

import time

import pytest

from digest.dumps.libraries.markdown import find_papers
from digest.errors import DumpError
from tests.unit.dumps.conftest import MakeDump, papers, rejections, skipped_lines

ARXIV = "https://arxiv.org/abs/2606.00001"
OTHER = "https://arxiv.org/abs/2606.00002"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"- [A Title]({ARXIV}) - Jane Doe", [("A Title", ARXIV)]),
        (f"  * [Moss]({ARXIV})", [("Moss", ARXIV)]),
        (f'- [x] [A [nested] Title](<{ARXIV}> "hint")', [("A [nested] Title", ARXIV)]),
        (f"12. [`A` *Title* \\[x\\]]({ARXIV})", [("A Title [x]", ARXIV)]),
        (f"### [A Title]({ARXIV})", [("A Title", ARXIV)]),
        (
            f"- [A Title]({ARXIV}), [Another Title]({OTHER})",
            [("A Title", ARXIV), ("Another Title", OTHER)],
        ),
        (
            f"- **A Title**, Doe [[pdf]({ARXIV})] [[code](https://github.com/a/b)]",
            [("A Title", ARXIV)],
        ),
        (f"- __A Title__ [Paper Link]({ARXIV})", [("A Title", ARXIV)]),
        (
            f"- [Jane Doe](https://doe.example) and others: [arXiv:2606.00001]({ARXIV})",
            [("", ARXIV)],
        ),
        (
            f"- [A long title here](https://doe.example) [Paper]({ARXIV})",
            [("A long title here", ARXIV)],
        ),
        (f"- [pdf]({ARXIV}) [pdf]({OTHER})", [("", ARXIV), ("", OTHER)]),
        (f"- [Doe et al., 2026]({ARXIV})", [("", ARXIV)]),
        (f"- [2606.00001]({ARXIV})", [("", ARXIV)]),
        (f"- [ICLR 2026]({ARXIV})", [("", ARXIV)]),
        (f"We follow [a study of moss]({ARXIV}).", [("", ARXIV)]),
        (f"- [![badge](https://img.example/x.svg)]({ARXIV})", [("", ARXIV)]),
        (f"- ![A Title]({ARXIV})", [("", ARXIV)]),
        (f"- Read {ARXIV}, please", [("", ARXIV)]),
        ("- [A Title](https://github.com/a/b)", []),
        ("- [A Title](#title)", []),
        ("- [A Title](https://www.arxiv.org.example.com/abs/1)", []),
    ],
)
def test_a_line_gives_its_papers(line: str, expected: list[tuple[str, str]]) -> None:
    assert [(title, *links) for title, links in find_papers(line)] == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://doi.org/10.1000/x",
        "https://dl.acm.org/doi/abs/10.1145/1",
        "https://link.springer.com/article/10.1007/s1",
        "https://www.biorxiv.org/content/10.1101/2026.06.01.1v1",
        "https://pubmed.ncbi.nlm.nih.gov/1/",
        "https://openreview.net/forum?id=a",
        "https://aclanthology.org/2026.x-1.1/",
        "https://proceedings.mlr.press/v1/doe26a.html",
        "https://huggingface.co/papers/2606.00001",
        "https://www.nature.com/articles/s1",
    ],
)
def test_pages_of_papers_are_known(url: str) -> None:
    assert find_papers(f"- [A Title]({url})") == [("A Title", (url,))]


def test_a_title_stands_in_its_column(make_dump: MakeDump) -> None:
    dump = make_dump(
        "|Year|Paper Title|Venue|Link|\n|---|:---:|---|---|\n"
        f"|2026|*Moss* on walls|A Long Name of a Venue|[Link]({ARXIV})|\n"
        f"|2026|[Moss, again](https://moss.example)|x|[Link]({OTHER})|\n"
        "|2026|Only a tool|x|[Code](https://github.com/a/b)|\n"
        "\n|2026|No header|x|y|\n"
    )
    assert [(paper.line, paper.title) for paper in papers(dump)] == [
        (3, "Moss on walls"),
        (4, "Moss, again"),
    ]
    assert skipped_lines(dump) == [(5, "no link to a paper")]


def test_links_among_identifiers_have_their_titles(make_dump: MakeDump) -> None:
    dump = make_dump("2606.00003\n" * 5 + f"- [A Title]({ARXIV}v2)\n")
    assert dump.format == "id-list"
    last = papers(dump)[-1]
    assert (last.title, last.ids, last.fragment) == ("A Title", (("url", ARXIV),), False)


def test_identifiers_among_links_are_read(make_dump: MakeDump) -> None:
    dump = make_dump(f"# Mine\n\n- [A Title]({ARXIV})\n- {OTHER}\n\nSome words.\n")
    assert dump.format == "markdown"
    assert [paper.fragment for paper in papers(dump)] == [False, True]
    assert skipped_lines(dump) == []


def test_a_text_without_links_to_papers_is_no_list(make_dump: MakeDump) -> None:
    with pytest.raises(DumpError):
        make_dump("# Notes\n\n- [A Title](https://example.org)\n")


def test_damaged_lines_are_rejected(make_dump: MakeDump) -> None:
    dump = make_dump(f"- [A Title]({ARXIV})\n".encode() + b"- \xff\xc3\xbc\n- a\0b\n")
    assert rejections(dump) == [(2, "not UTF-8")]


@pytest.mark.parametrize(
    "piece", ["[", "[a", "[[x]", "[[x][x]", "](https://a", "**a", "!", "|!", "[!](https://a/10.1/"]
)
def test_a_hostile_line_takes_little_time(piece: str) -> None:
    began = time.process_time()
    find_papers("- " + piece * (64_000 // len(piece)))
    assert time.process_time() - began < 1
