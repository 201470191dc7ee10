"""Files of different sources: different papers never become one, and one never stays two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digest import pipeline, services, store
from digest.app import App
from digest.errors import InputError, NotFoundError

FOXES = "Foxes that follow the long river to its source"
DECAYS = "Search for rare decays of the tau into three muons at NIMBUS"


def feed(journal: str, *items: tuple[str, str]) -> str:
    """Write a journal's feed of (title, page)."""
    rows = "".join(
        f"<item><title>{title}</title><link>https://{journal}.example.org/{page}</link>"
        f"<description>On {journal}.</description></item>"
        for title, page in items
    )
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>J</title>{rows}</channel></rss>'
    )


def arxiv(title: str, *authors: str) -> str:
    ident = "2606.09003"
    links = {kind: f"https://arxiv.org/{kind}/{ident}" for kind in ("abs", "pdf")}
    row = {"title": title, "authors": authors, "categories": ["cs.LG"], "comment": None}
    return json.dumps({"id": ident, "summary": "Text.", **row, **links})


def crossref(title: str, *authors: tuple[str, str], doi: str = "10.1000/fox.1") -> str:
    item = {
        "DOI": doi,
        "type": "journal-article",
        "title": [title],
        "author": [{"given": given, "family": family} for given, family in authors],
        "created": {"date-time": "2026-06-09T00:00:00Z"},
    }
    return json.dumps({"message": {"items": [item]}})


def bib(title: str, authors: str) -> str:
    return f"@article{{x, author={{{authors}}}, title={{{title}}}}}"


def csv(title: str, authors: str) -> str:
    return f'Title,Authors\n"{title}","{authors}"\n'


def count_papers(app: App, folder: Path, *texts: str) -> int:
    """Ingest texts as files, one after the other; return how many papers there are."""
    for number, text in enumerate(texts):
        kind = {"<": "xml", "@": "bib", "T": "csv"}.get(text[0], "jsonl")
        path = folder / f"{number}.{kind}"
        path.write_text(text, encoding="utf-8")
        assert not pipeline.ingest(app, [path]).files[0].refused
    with app.store.reading() as tx:
        return int(store.papers.count_totals(tx)["papers"])


@pytest.mark.parametrize(
    ("texts", "papers"),
    [
        (
            [
                feed("moss", ("Editorial", "1"), ("Book review", "2")),
                feed("frog", ("Editorial", "9"), ("Book review", "8")),
            ],
            4,
        ),
        ([feed("moss", ("Preface", "june")), feed("moss", ("Preface", "july"))], 2),
        ([feed("moss", ("Obituary", "1"), ("Obituary", "2"), ("In memoriam", "3"))], 3),
        ([feed("moss", ("Letter to the editor", "1")), crossref("Letter to the Editor")], 2),
        ([crossref("Introduction"), feed("frog", ("Introduction", "1"))], 2),
        ([feed("moss", ("Vorwort", "1")), feed("frog", ("Vorwort", "1"))], 2),
        ([feed("moss", ("News", "1")), feed("moss", ("News", "1"))], 1),
    ],
)
def test_common_titles_join_nothing(
    app: App, tmp_path: Path, texts: list[str], papers: int
) -> None:
    assert count_papers(app, tmp_path, *texts) == papers


PREPRINT = arxiv(FOXES, "Jane Doe", "Kim Roe")


@pytest.mark.parametrize(
    ("preprint", "other", "papers"),
    [
        (PREPRINT, crossref(FOXES, ("Jane", "Doe"), ("Kim", "Roe")), 1),
        (PREPRINT, crossref(FOXES.upper(), ("K.", "Roe"), ("J.", "Doe")), 1),
        (PREPRINT, crossref(FOXES, ("Jane A.", "Doe"), ("Kim", "Roe")), 1),
        (arxiv(FOXES, "Jörg Müller"), crossref(FOXES, ("J", "Muller")), 1),
        (PREPRINT, crossref(FOXES, ("Max", "Doe"), ("Lee", "Roe")), 2),
        (PREPRINT, crossref(f"Reply to: {FOXES}", ("Jane", "Doe"), ("Kim", "Roe")), 2),
        (PREPRINT, crossref("Foxes", ("Jane", "Doe"), ("Kim", "Roe")), 2),
        (arxiv(DECAYS, "R. Aasen", "B. Aasen"), bib(DECAYS, "{NIMBUS Collaboration}"), 1),
        (arxiv(DECAYS, "R. Aasen"), bib(DECAYS, "{The NIMBUS Collaboration}"), 1),
        (
            arxiv(DECAYS, "R. Aasen", "B. Aasen"),
            bib(DECAYS, "{NIMBUS Collaboration} and Aasen, R. and Aasen, B."),
            1,
        ),
        (
            arxiv(DECAYS, "CIRRUS Collaboration", "R. Aasen"),
            bib(DECAYS, "{NIMBUS Collaboration}"),
            2,
        ),
        (arxiv(FOXES, "Jan van der Berg"), csv(FOXES, "van der Berg J, Roe K"), 1),
        (arxiv(FOXES, "Jan van der Berg"), csv(FOXES, "van der Berg J."), 1),
        (arxiv(FOXES, "Kim McKay Jr."), csv(FOXES, "McKay K"), 1),
        (arxiv(FOXES, "Kim McKay"), bib(FOXES, "McKay, Jr., Kim"), 1),
        (arxiv(FOXES, "Jan van der Berg"), csv(FOXES, "van den Burg J"), 2),
    ],
)
def test_a_preprint_and_what_another_source_says(
    app: App, tmp_path: Path, preprint: str, other: str, papers: int
) -> None:
    assert count_papers(app, tmp_path, preprint, other) == papers


def test_a_split_is_remembered_when_the_same_files_are_read_again(
    any_app: App, tmp_path: Path
) -> None:
    texts = PREPRINT, crossref(FOXES, ("Jane", "Doe"), ("Kim", "Roe"))
    assert count_papers(any_app, tmp_path, *texts) == 1
    shown = services.show_paper(any_app, "2606.09003")
    assert [record.dump for record in shown.records] == ["0.jsonl", "1.jsonl"]
    kept, new = services.split_paper(any_app, "2606.09003", [shown.records[1].number])
    assert (kept.paper.id, kept.paper.name) == (shown.paper.id, "arxiv:2606.09003")
    assert (new.paper.id, new.paper.name) == (shown.paper.id + 1, "doi:10.1000/fox.1")
    pipeline.ingest(any_app, [tmp_path / "0.jsonl", tmp_path / "1.jsonl"], again=True)
    assert count_papers(any_app, tmp_path, *reversed(texts)) == 2
    with any_app.store.reading() as tx:
        version = pipeline.steps.word_counts.features.VERSION
        assert store.papers.count_vectors(tx, version) == 2
        assert pipeline.steps.word_counts.load_frequencies(tx).papers == 2


def test_what_cannot_be_split_is_refused(app: App, tmp_path: Path) -> None:
    assert count_papers(app, tmp_path, PREPRINT) == 1
    with pytest.raises(InputError, match="single record"):
        services.split_paper(app, "2606.09003", [1])
    with pytest.raises(NotFoundError, match="no stored paper"):
        services.split_paper(app, "paper:77", [1])
    count_papers(app, tmp_path, PREPRINT, crossref(FOXES, ("Jane", "Doe"), ("Kim", "Roe")))
    with pytest.raises(InputError, match="no record 77"):
        services.split_paper(app, "paper:1", [77])
    with pytest.raises(InputError, match="all records"):
        services.split_paper(app, "paper:1", [1, 2])
