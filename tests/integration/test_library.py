"""A reader's library as example papers.

They are matched to stored papers, else kept by title and abstract until a dump brings them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from digest import papers, pipeline, services, store, subscriptions
from digest.app import App
from digest.cli import app as command
from digest.errors import DumpError, InputError, NotFoundError
from digest.model import UNSEEN, Subscriber
from digest.services import library
from digest.services.find import find_paper as find
from digest.services.library import ImportReport, import_library
from tests.conftest import TODAY
from tests.unit.dumps.exports import LAYOUTS
from tests.unit.dumps.exports.items import make_items

Cast = Callable[[App], dict[str, Subscriber]]
Dump = Callable[..., Path]

BIB = r"""
@article{a, title={A {Galaxy} Nobody Stored}, author={Doe, Jane}, doi={10.1000/xyz}, abstract={X.}}
@article{b, title={Another Title}, eprint={2606.09001}, archivePrefix={arXiv}}
@article{c, title={Only Its Title}, author={Roe, Richard}}
@article{d, author={Poe, Lee}}
"""


def row(**fields: Any) -> dict[str, Any]:
    return {
        "title": "A title",
        "abstract": "Text.",
        "authors": ["Jane Doe"],
        "categories": ["cs.LG"],
    } | fields


@pytest.fixture
def bib(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str = BIB, name: str = "mine.bib") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def alice(any_app: App, cast: Cast) -> Subscriber:
    return cast(any_app)["alice"]


def outcomes(done: ImportReport) -> list[tuple[str, str]]:
    return [(entry.outcome, entry.paper) for entry in done.entries]


def examples(app: App, email: str = "alice@example.org", interest: str = "main") -> tuple[str, ...]:
    return next(
        group.papers for group in subscriptions.find(app, email).interests if group.name == interest
    )


def stored_papers(app: App) -> int:
    with app.store.reading() as tx:
        return int(store.papers.count_totals(tx)["papers"])


def test_entries_are_matched_by_identifier_and_by_title_kept_or_refused(
    any_app: App, alice: Subscriber, bib: Any, dump: Dump
) -> None:
    pipeline.ingest(
        any_app,
        [
            dump(
                rows=[
                    row(arxiv="2606.09001", title="Its Real Title"),
                    row(title="only its title", authors=["R. Roe"]),
                ]
            )
        ],
    )
    done = import_library(any_app, alice, bib())
    assert [entry.outcome for entry in done.entries] == ["kept", "matched", "matched", "refused"]
    assert [entry.line for entry in done.entries] == [2, 3, 4, 5]
    assert done.entries[1].title == "Its Real Title"
    assert done.entries[3].reason == "no title"
    assert examples(any_app) == ("doi:10.1000/xyz", "arxiv:2606.09001", done.entries[2].paper)
    assert done.json["new"] == 3


def test_importing_twice_changes_nothing_and_counts_the_same(
    any_app: App, alice: Subscriber, bib: Any
) -> None:
    first = import_library(any_app, alice, bib())
    held, number = examples(any_app), stored_papers(any_app)
    second = import_library(any_app, alice, bib())
    assert outcomes(first) == outcomes(second)
    assert (first.new, second.new) == (3, 0)
    assert (examples(any_app), stored_papers(any_app)) == (held, number) == (held, 3)
    third = import_library(any_app, alice, bib(BIB, name="under-another-name.bib"))
    assert (third.new, stored_papers(any_app)) == (0, 3)


def test_a_library_paper_is_new_to_nobody_until_a_dump_has_it(
    any_app: App, alice: Subscriber, bib: Any, dump: Dump
) -> None:
    import_library(any_app, alice, bib())
    with any_app.store.reading() as tx:
        assert store.papers.list_seen_between(tx, TODAY - timedelta(days=400), TODAY) == []
        paper_ids = store.papers.find_by_identity(tx, "doi", "10.1000/xyz")
    report = pipeline.ingest(
        any_app,
        [dump(rows=[row(doi="10.1000/xyz", title="A Galaxy, Stored at Last", abstract="Real.")])],
    )
    assert (report.count("new"), report.count("rejected")) == (1, 0)
    with any_app.store.reading() as tx:
        assert store.papers.list_seen_between(
            tx, TODAY - timedelta(days=1), TODAY
        ) == store.papers.find_by_identity(tx, "doi", "10.1000/xyz")
        paper = store.papers.load(tx, paper_ids)[paper_ids[0]]
    assert (paper.title, paper.abstract, paper.first_seen) == (
        "A Galaxy, Stored at Last",
        "Real.",
        TODAY,
    )
    again = import_library(any_app, alice, bib())
    assert outcomes(again)[0] == ("matched", "doi:10.1000/xyz")
    assert again.new == 0


def test_a_paper_kept_by_its_title_takes_its_identifier_from_the_dump(
    any_app: App, alice: Subscriber, bib: Any, dump: Dump
) -> None:
    done = import_library(
        any_app, alice, bib("@misc{c, title={Only Its Title}, author={Roe, Richard}}")
    )
    name = done.entries[0].paper
    assert name.startswith("paper:")
    pipeline.ingest(
        any_app,
        [dump(rows=[row(arxiv="2606.09002", title="Only its Title", authors=["Richard Roe"])])],
    )
    paper = find(any_app, name)
    assert paper.name == "arxiv:2606.09002"
    assert paper.first_seen == TODAY


def test_a_library_is_no_dump_of_the_sources(
    any_app: App, alice: Subscriber, bib: Any, dump: Dump
) -> None:
    pipeline.ingest(any_app, [dump()])
    read = services.status(any_app).dumps[0]["name"]
    services.import_library(any_app, alice, bib())
    # A library does not silence the alarm, which uses the same list.
    assert [dump["name"] for dump in services.status(any_app).dumps] == [read]
    assert [dump["name"] for dump in services.dumps_read(any_app)] == ["library", read]
    later = any_app.at(any_app.now() + timedelta(days=30))
    services.import_library(later, alice, bib(BIB.replace("title={", "title={More "), "more.bib"))
    assert "dumps" in [alarm.kind for alarm in services.status(later).alarms]


def test_the_profile_trains_on_what_was_kept(any_app: App, bib: Any, dump: Dump) -> None:
    carol = subscriptions.subscribe(
        any_app,
        subscriptions.SubscriptionRequest(email="carol@example.org", size=3),
        origin="command",
    ).subscriber
    pipeline.ingest(any_app, [dump(per_topic=12)])
    before = pipeline.compose(any_app, only=carol, dry_run=True).digests[0][1]
    text = "".join(
        f"@misc{{k{n}, title={{A galaxy {n}}}, abstract={{The galaxy redshift survey shows star "
        f"formation in the halo spectrum {n}.}}}}\n"
        for n in range(6)
    )
    done = import_library(any_app, carol, bib(text))
    assert done.count("kept") == 6
    after = pipeline.compose(any_app, only=done.subscriber, dry_run=True).digests[0][1]
    assert (before.provenance.model, after.provenance.model) == ("trending", "examples")
    with any_app.store.reading() as tx:
        titles = [
            store.papers.load(tx, [item.score.paper_id])[item.score.paper_id].title
            for item in after.items
        ]
    assert all("galaxy" in title for title in titles)


def test_identifiers_alone_are_awaited_and_count_once_a_dump_brings_them(
    any_app: App, alice: Subscriber, tmp_path: Path, dump: Dump
) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text(
        "2606.09001v2\n# a comment\nhttps://doi.org/10.1000/ABC\nPMID: "
        "12345678\nhttps://example.org/blog\narXiv:2606.09001\n"
    )
    done = import_library(any_app, alice, ids)
    assert [entry.outcome for entry in done.entries] == [
        "awaited",
        "awaited",
        "awaited",
        "refused",
        "awaited",
    ]
    assert examples(any_app) == ("arxiv:2606.09001", "doi:10.1000/abc", "pmid:12345678")
    assert "could be looked up" in done.entries[3].reason
    assert stored_papers(any_app) == 0
    pipeline.ingest(any_app, [dump(rows=[row(arxiv="2606.09001")])])
    again = import_library(any_app, alice, ids)
    assert (again.entries[0].outcome, again.new) == ("matched", 0)


def test_a_readers_file_never_merges_two_papers(
    any_app: App, alice: Subscriber, bib: Any, dump: Dump
) -> None:
    import_library(
        any_app,
        alice,
        bib("@misc{x, title={A Wrong Pair}, eprint={2606.09001}, doi={10.1000/other}}"),
    )
    pipeline.ingest(
        any_app,
        [dump(rows=[row(arxiv="2606.09001", title="One"), row(doi="10.1000/other", title="Two")])],
    )
    with any_app.store.reading() as tx:
        assert store.papers.find_by_identity(
            tx, "arxiv", "2606.09001"
        ) != store.papers.find_by_identity(tx, "doi", "10.1000/other")


def test_a_title_shared_by_several_papers_matches_none(
    any_app: App, alice: Subscriber, bib: Any, dump: Dump
) -> None:
    pipeline.ingest(
        any_app,
        [
            dump(
                rows=[
                    row(arxiv="2606.09001", title="Editorial"),
                    row(arxiv="2606.09002", title="Editorial"),
                ]
            )
        ],
    )
    done = import_library(
        any_app,
        alice,
        bib("@misc{x, title={Editorial}}\n@misc{y, title={Editorial}, eprint={2606.09003}}"),
    )
    assert [entry.outcome for entry in done.entries] == ["refused", "kept"]
    assert "several" in done.entries[0].reason
    assert stored_papers(any_app) == 3
    assert import_library(any_app, alice, bib("@misc{x, title={Editorial}}")).new == 0


def test_another_interest_is_made_and_the_first_stays(
    any_app: App, alice: Subscriber, bib: Any
) -> None:
    with pytest.raises(NotFoundError, match=r"no interest 'galaxies', but 'main'.*--create"):
        import_library(any_app, alice, bib(), interest="galaxies")
    done = import_library(any_app, alice, bib(), interest="  galaxies ", create=True)
    assert [interest.name for interest in done.subscriber.interests] == ["main", "galaxies"]
    assert done.subscriber.interests[0] == alice.interests[0]
    assert len(examples(any_app, interest="galaxies")) == 3


def test_without_a_name_the_only_interest_gets_the_papers(
    any_app: App, alice: Subscriber, bib: Any
) -> None:
    (main,) = alice.interests
    only = replace(alice, interests=(replace(main, name="galaxies"),))
    with any_app.store.writing() as tx:
        only = store.subscribers.overwrite(tx, only, now=any_app.now())
    assert import_library(any_app, only, bib()).interest == "galaxies"
    several = replace(only, interests=(*only.interests, replace(main, name="moss")))
    with pytest.raises(InputError, match=r"several interests: 'galaxies', 'moss'.*--interest"):
        import_library(any_app, several, bib())
    assert import_library(any_app, replace(alice, interests=()), bib()).interest == "main"


def test_a_paper_that_the_reader_named_before_is_not_named_twice(
    any_app: App, cast: Cast, bib: Any, dump: Dump
) -> None:
    cast(any_app)
    pipeline.ingest(any_app, [dump(rows=[row(arxiv="2606.09001")])])
    request = subscriptions.SubscriptionRequest(
        email="alice@example.org", papers=("https://arxiv.org/abs/2606.09001",)
    )
    alice = subscriptions.subscribe(any_app, request, origin="command").subscriber
    done = import_library(any_app, alice, bib("@misc{x, title={Whatever}, eprint={2606.09001}}"))
    assert (done.entries[0].outcome, done.new) == ("matched", 0)
    assert examples(any_app) == request.papers


def test_nothing_of_the_file_but_the_papers_is_stored(
    any_app: App, alice: Subscriber, bib: Any
) -> None:
    import_library(
        any_app,
        alice,
        bib(
            "@misc{x, title={A Title}, annote={private}}\n@misc{bad, title={",
            name="alice-private.bib",
        ),
    )
    with any_app.store.reading() as tx:
        (file,) = store.dumps.list_latest(tx, libraries=True)
        assert (file["name"], file["format"]) == ("library", "library")
        assert store.dumps.count_totals(tx)["rejected"] == 0


def test_a_dump_is_no_library(
    any_app: App, alice: Subscriber, bib: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "EXAMPLES_MAX", 3)
    with pytest.raises(InputError, match="more than 3 entries"):
        import_library(any_app, alice, bib())
    assert stored_papers(any_app) == 0


def test_attachments_do_not_count_as_papers_of_a_library(
    app: App, cast: Cast, bib: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "EXAMPLES_MAX", 8)
    text = LAYOUTS["Zotero, RDF"][-1](make_items(8))
    done = import_library(app, cast(app)["alice"], bib(text))
    assert done.count("kept") == done.count("refused") == 8
    endless = text.replace("</rdf:RDF>", '<z:Attachment rdf:about="#x"/>' * 200 + "</rdf:RDF>")
    with pytest.raises(InputError, match="more than 8 entries"):
        import_library(app, cast(app)["bob"], bib(endless))


def test_a_file_of_no_known_format_is_refused_as_a_whole(
    any_app: App, alice: Subscriber, tmp_path: Path
) -> None:
    path = tmp_path / "prose.txt"
    path.write_text("This is a letter to a friend,\nwho reads no papers at all.\n")
    with pytest.raises(DumpError, match="no known format"):
        import_library(any_app, alice, path)


def test_any_known_dump_format_is_a_library(any_app: App, alice: Subscriber, dump: Dump) -> None:
    done = import_library(any_app, alice, dump(per_topic=1))
    assert [entry.outcome for entry in done.entries] == ["kept"] * 4


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_library_of_any_program_is_imported_whole(
    layout: str, app: App, cast: Cast, bib: Any
) -> None:
    items = make_items(24)
    path = bib(LAYOUTS[layout][-1](items), name="library")
    done = import_library(app, cast(app)["alice"], path)
    kept = [entry for entry in done.entries if entry.outcome == "kept"]
    assert [entry.title for entry in kept] == [item.title for item in items]
    assert {entry.reason for entry in done.entries if entry.outcome != "kept"} <= {"attachment"}
    assert done.new == len(examples(app)) == 24


def test_words_of_kept_papers_are_counted_as_those_of_dumps(
    any_app: App, alice: Subscriber, bib: Any, dump: Dump
) -> None:
    from digest.ranking import features

    import_library(any_app, alice, bib())
    pipeline.ingest(any_app, [dump(TODAY - timedelta(days=1))])
    with any_app.store.reading() as tx:
        counted = features.Frequencies.from_bytes(
            store.papers.load_frequencies(tx, features.VERSION) or b""
        )
        assert (
            counted.papers
            == store.papers.count_vectors(tx, features.VERSION)
            == stored_papers(any_app)
        )


def test_a_record_of_a_library_never_overrules_one_of_a_dump() -> None:
    from digest.model import Record, Seen

    identified = papers.clean(
        Record(line=1, raw="", title="Short", ids=(("arxiv", "2606.09001"),)), "plain"
    )
    typed = papers.clean(
        Record(
            line=1, raw="", title="A Longer One", abstract="Long.", ids=(("arxiv", "2606.09001v9"),)
        ),
        "library",
    )
    merged = papers.merge([Seen(entry=typed, day=UNSEEN), Seen(entry=identified, day=TODAY)])  # type: ignore[arg-type]
    assert (merged.title, merged.abstract, merged.first_seen) == ("Short", "Long.", TODAY)


def test_the_command_tells_what_became_of_each_entry(tmp_path: Path, bib: Any) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path / "d.sqlite"}"\n[mail]\nsender = '
        f'"digest@example.org"\n'
    )
    run = CliRunner().invoke
    subscribed = run(command, ["subscribe", "alice@example.org", "--config", str(config)])
    assert subscribed.exit_code == 0, subscribed.output
    result = run(
        command,
        ["import-library", "alice@example.org", str(bib()), "--json", "--config", str(config)],
    )
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert {
        name: report[name] for name in ("read", "matched", "kept", "awaited", "refused", "new")
    } == {
        "read": 4,
        "matched": 0,
        "kept": 3,
        "awaited": 0,
        "refused": 1,
        "new": 3,
    }
    plain = run(
        command, ["import-library", "alice@example.org", str(bib()), "--config", str(config)]
    )
    assert "0 new in the interest 'main'" in " ".join(plain.stdout.split())
    assert "line 5: no title" in plain.stdout
    name = ["--interest", "galaxies", "--config", str(config)]
    mistyped = run(command, ["import-library", "alice@example.org", str(bib()), *name])
    assert isinstance(mistyped.exception, NotFoundError)
    made = run(command, ["import-library", "alice@example.org", str(bib()), *name, "--create"])
    assert made.exit_code == 0
    assert "the interest 'galaxies'" in " ".join(made.output.split())
    only_bad = run(
        command,
        [
            "import-library",
            "alice@example.org",
            str(bib("@misc{x, year={2020}}")),
            "--config",
            str(config),
        ],
    )
    assert only_bad.exit_code == 1


def test_the_report_says_how_a_file_was_decoded(
    any_app: App, alice: Subscriber, tmp_path: Path
) -> None:
    path = tmp_path / "wide.bib"
    path.write_bytes("@misc{x, title={Größe der Löffel}}".encode("utf-16"))
    report = import_library(any_app, alice, path)
    assert (report.count("kept"), report.notes) == (1, ["read as UTF-16"])
    ingested = pipeline.ingest(any_app, [path])
    assert ingested.files[0].notes == ["read as UTF-16"]
