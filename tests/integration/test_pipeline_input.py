"""Bad input: files, records, hostile text, refused settings, and the inbox folder."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import Subscriber, SubscriberStatus
from digest.ranking import features
from digest.subscriptions import SubscribeResult, SubscriptionRequest
from tests.conftest import TODAY, invent_papers, read_mails

Cast = Callable[[App], dict[str, Subscriber]]
Dump = Callable[..., Path]

# ---------------------------------------------------------------------------------------- bad input


def test_one_bad_file_and_one_bad_record_stop_nothing(app: App, dump: Dump, tmp_path: Path) -> None:
    good = dump()
    bad = tmp_path / "dumps" / "bad.jsonl"
    bad.write_text('{"title": "Fine", "arxiv": "2606.50001"}\nthis is no record\n{"title": ""}\n')
    (tmp_path / "dumps" / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (tmp_path / "dumps" / "empty.jsonl").write_bytes(b"")
    report = pipeline.ingest(app, [tmp_path / "dumps"])
    by_name = {file.name: file for file in report.files}
    assert by_name[good.name].counts["new"] == 16
    assert (by_name["bad.jsonl"].counts["new"], by_name["bad.jsonl"].counts["rejected"]) == (1, 2)
    assert [line for line, _ in by_name["bad.jsonl"].rejects] == [2, 3]
    assert by_name["picture.png"].refused
    assert by_name["empty.jsonl"].counts["read"] == 0
    assert report.failed
    kinds = ("new", "updated", "duplicate", "skipped", "rejected")
    assert report.count("read") == sum(report.count(kind) for kind in kinds)
    with app.store.reading() as tx:
        assert store.dumps.count_totals(tx)["rejected"] == 2


def test_an_empty_dump_alone_is_no_failure_and_says_nothing_new(app: App, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert not pipeline.ingest(app, [tmp_path / "empty.jsonl"]).failed


def test_a_file_that_gives_nothing_at_all_is_a_failure(app: App, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"title": ""}\n{"title": null, "abstract": "x"}\n')
    assert pipeline.ingest(app, [tmp_path / "x.jsonl"]).failed


def test_a_dump_cut_in_the_middle_keeps_what_came_before_and_goes_on_when_whole(
    app: App, dump: Dump, tmp_path: Path
) -> None:
    whole_dump = dump()
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(whole_dump.read_bytes()[: whole_dump.stat().st_size // 2])
    (file,) = pipeline.ingest(app, [cut]).files
    assert file.incomplete
    new_papers = file.counts["new"]
    assert 0 < new_papers < 16
    assert pipeline.ingest(app, [whole_dump]).count("new") == 16 - new_papers


def test_an_ingest_that_dies_between_batches_is_finished_by_the_next_one(
    app: App, dump: Dump
) -> None:
    path = dump(per_topic=10)

    class Killed(BaseException):
        pass

    def die(_path: Path, _done: int, _size: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        pipeline.ingest(app, [path], progress=die, batch=7)
    assert any("not read to its end" in alarm.what for alarm in services.status(app).alarms)
    report = pipeline.ingest(app, [path])
    assert (report.count("new"), report.count("duplicate")) == (33, 7)
    with app.store.reading() as tx:
        stored = store.papers.load_frequencies(tx, features.VERSION)
        assert stored is not None
        assert (
            features.Frequencies.from_bytes(stored).papers
            == store.papers.count_vectors(tx, features.VERSION)
            == 40
        )


def test_a_file_whose_name_is_no_text_stops_no_other(any_app: App, tmp_path: Path) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    for number, name in enumerate((b"caf\xe9.jsonl", b"plain.jsonl")):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(
            msgspec.json.encode({"title": f"A paper of the day {number}"})
        )
    report = pipeline.ingest(any_app, [folder])
    assert [(file.name, file.counts["new"]) for file in report.files] == [
        ("caf\\udce9.jsonl", 1),
        ("plain.jsonl", 1),
    ]
    assert pipeline.ingest(any_app, [folder]).count("duplicate") == 2


def test_invalid_text_is_removed_from_requests_and_refused_elsewhere(any_app: App) -> None:
    request = SubscriptionRequest(
        email="a@example.org",
        name="Al\udcffice\0",
        keywords=("rob\0ot", "x\udcff"),
        authors=("J\x1b Doe",),
        text="on\0e\ntwo\ud800",
        interest="m\0",
    )
    other = SubscriptionRequest(email="b@example.org")
    first, second = subscriptions.subscribe_many(any_app, [request, other], origin="file")
    assert isinstance(first, SubscribeResult)
    assert isinstance(second, SubscribeResult)
    (interest,) = first.subscriber.interests
    assert (first.subscriber.name, interest.keywords, interest.authors) == (
        "Al\ufffdice",
        ("rob ot", "x\ufffd"),
        ("J Doe",),
    )
    assert (interest.text, interest.name, second.outcome) == ("on e\ntwo\ufffd", "m", "new")
    for asked in (
        lambda: subscriptions.find(any_app, "\udcff@example.org"),
        lambda: services.rate(any_app, first.subscriber, "\udcff", 1),
    ):
        with pytest.raises(InputError, match="no UTF-8"):
            asked()


def test_an_address_is_found_in_either_form_of_its_domain(any_app: App) -> None:
    reader = subscriptions.subscribe(
        any_app, SubscriptionRequest(email="user@b\u00fccher.example"), origin="command"
    ).subscriber
    assert subscriptions.find(any_app, " USER@XN--BCHER-KVA.example").id == reader.id
    subscriptions.suppress(
        any_app,
        [subscriptions.make_suppression(any_app, "user@xn--bcher-kva.example", "")],
    )
    assert subscriptions.get(any_app, reader.id).status is SubscriberStatus.SUPPRESSED
    assert (
        subscriptions.release(any_app, "user@xn--bcher-kva.example").address
        == "user@b\u00fccher.example"
    )
    assert subscriptions.get(any_app, reader.id).status is SubscriberStatus.ACTIVE


def spoil(app: App, *, words: bool = False, frequencies: bool = False) -> None:
    """Replace the stored bytes of one paper's words, or of all words."""
    with app.store.writing() as tx:
        if words:
            store.papers.save_vectors(tx, features.VERSION, {3: b"\x07 not what was written"})
        if frequencies:
            store.papers.save_frequencies(tx, features.VERSION, b"\x01 cut")


def load_words(app: App) -> tuple[bytes, bytes]:
    with app.store.reading() as tx:
        return store.papers.load_vectors(tx, features.VERSION, [3])[
            3
        ], store.papers.load_frequencies(tx, features.VERSION) or b""


def test_damaged_words_are_counted_again_and_reported(
    any_app: App, dump: Dump, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alice = subscriptions.subscribe(
        any_app, SubscriptionRequest(email="a@example.org", keywords=("robot",)), origin="command"
    ).subscriber
    pipeline.ingest(any_app, [dump(per_topic=10)])
    sound, shown = load_words(any_app), services.preview(any_app, alice).json
    (tmp_path / "none.jsonl").write_text("")
    for words in (True, False):
        spoil(any_app, words=words, frequencies=True)
        caplog.clear()
        assert services.preview(any_app, alice).json == shown
        assert "word frequencies cannot be read" in caplog.text
        assert ("word counts damaged papers=1 first=3 repaired=False" in caplog.text) is words
        caplog.clear()
        assert not pipeline.ingest(any_app, [tmp_path / "none.jsonl"]).failed
        assert ("word counts damaged papers=1 first=3 repaired=True" in caplog.text) is words
        assert "digest doctor" in caplog.text
        assert load_words(any_app) == sound
        caplog.clear()
        assert services.preview(any_app, alice).json == shown
        assert caplog.text == ""


def test_hostile_titles_reach_the_mail_harmless(app: App, tmp_path: Path) -> None:
    titles = [
        "<script>alert(1)</script> & friends",
        "A title\nBcc: everybody@example.org",
        "On $x^2$ and \\'etale maps \U0001f600",
        "عنوان الورقة \u202e reversed",
    ]
    rows = [
        {"arxiv": f"2606.{n:05d}", "title": title, "abstract": "robot"}
        for n, title in enumerate(titles, 1)
    ]
    (tmp_path / "hostile.jsonl").write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows))
    subscriptions.subscribe(
        app, SubscriptionRequest(email="a@example.org", keywords=("robot",)), origin="command"
    )
    assert pipeline.ingest(app, [tmp_path / "hostile.jsonl"]).count("new") == 4
    pipeline.round(app)
    (message,) = read_mails(app).values()
    assert "Bcc" not in message
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert "<script" not in html.get_content()
    assert "&lt;script&gt;" in html.get_content()
    assert "\u202e" not in html.get_content() + text.get_content() + str(message["Subject"])


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b@c.example",
        "a b@example.org",
        "a@example",
        "a@-x.example",
        "a\n@example.org",
    ],
)
def test_an_invalid_address_is_refused(app: App, address: str) -> None:
    with pytest.raises(ValueError, match="is no e-mail address"):
        subscriptions.subscribe(app, SubscriptionRequest(email=address), origin="command")
    assert subscriptions.list_subscribers(app) == []


@pytest.mark.parametrize(
    ("bad_request", "message"),
    [
        (SubscriptionRequest(email="a@example.org", timezone="Mars/Olympus"), "Europe/Berlin"),
        (SubscriptionRequest(email="a@example.org", hour=24), "0 to 23"),
        (SubscriptionRequest(email="a@example.org", size=0), "1 to 100"),
        (SubscriptionRequest(email="a@example.org", days=()), "Monday"),
        (SubscriptionRequest(email="a@example.org", days=(8,)), "Monday"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_the_range(
    app: App, bad_request: SubscriptionRequest, message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        subscriptions.subscribe(app, bad_request, origin="command")


def test_a_paper_that_is_not_stored_cannot_be_rated(app: App, cast: Cast) -> None:
    alice = cast(app)["alice"]
    for name in ("2606.99999", "doi:10.1/none", "No such title", "paper:7", ""):
        with pytest.raises(NotFoundError):
            services.rate(app, alice, name, 1)


# ---------------------------------------------------------------------------------------- the inbox


def test_the_inbox_is_read_once_a_file(app: App, dump: Dump) -> None:
    app.config.ingest.inbox.mkdir()
    dump().rename(app.config.ingest.inbox / "2026-06-09.jsonl")
    inbox = services.Inbox()
    assert services.ingest_inbox(app, inbox, settled=0).count("new") == 16
    assert services.ingest_inbox(app, inbox, settled=0).files == []
    assert services.ingest_inbox(app, services.Inbox(), settled=0).files == []  # after a restart


def test_a_folder_that_cannot_be_read_is_refused_with_its_name(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "papers" / "closed"
    closed.mkdir(parents=True)
    access, scandir = os.access, os.scandir

    def look(path: str) -> object:
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    # Root may read every folder, so the system is not asked.
    monkeypatch.setattr(os, "scandir", look)
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != closed and access(path, mode)
    )
    report = pipeline.ingest(app, [tmp_path / "papers"])
    assert [file.name for file in report.files] == ["closed"]
    assert "closed: the folder cannot be read. Check its permissions" in (
        report.files[0].refused or ""
    )


def test_a_file_that_is_still_being_written_waits(app: App, dump: Dump) -> None:
    app.config.ingest.inbox.mkdir()
    dump().rename(app.config.ingest.inbox / "2026-06-09.jsonl")
    assert services.ingest_inbox(app, services.Inbox()).files == []


def test_a_dump_that_grows_is_read_from_where_it_stopped(app: App, dump: Dump) -> None:
    path = dump()
    pipeline.ingest(app, [path])
    more = [
        dict(row, arxiv=f"2606.8{n:04d}", title=f"More {n}")
        for n, row in enumerate(invent_papers(TODAY)[:3])
    ]
    with path.open("ab") as file:
        file.writelines(msgspec.json.encode(row) + b"\n" for row in more)
    report = pipeline.ingest(app, [path])
    assert (report.count("read"), report.count("new"), report.count("duplicate")) == (19, 3, 16)
    assert any("goes on after the first 15 records" in note for note in report.files[0].notes)
    assert [d["read"] for d in services.dumps_read(app)] == [19, 16]


def test_rejected_records_are_shown_and_tried_again(app: App, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(
        '{"title": "Fine", "arxiv": "2606.50001"}\n{"title": "Broken", "arxiv": "2606.50002"\n'
    )
    assert pipeline.ingest(app, [path]).count("rejected") == 1
    (shown,) = services.list_rejected(app)
    assert (shown["line"], shown["raw"]) == (2, '{"title": "Broken", "arxiv": "2606.50002"')
    path.write_text(
        '{"title": "Fine", "arxiv": "2606.50001"}\n{"title": "Broken", "arxiv": "2606.50002"}\n'
    )
    report = services.retry_rejected(app)
    assert (report.count("new"), report.count("rejected")) == (1, 0)
    assert services.list_rejected(app) == []


def test_rejected_records_of_a_file_that_is_gone_stay(app: App, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("no record\n" + '{"title": "Fine"}\n')
    pipeline.ingest(app, [path])
    path.unlink()
    assert "the file is gone" in services.retry_rejected(app).files[0].refused
    assert len(services.list_rejected(app)) == 1


def test_a_withdrawn_paper_leaves_all_digests_and_readers_who_liked_it_are_named(
    app: App, cast: Cast, dump: Dump, tmp_path: Path
) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    best = next(iter(services.preview(app, alice).papers.values()))
    services.rate(app, alice, best.name, 1)
    ident = best.identity("arxiv")
    row = {
        "id": ident,
        "title": best.title,
        "abs": f"https://arxiv.org/abs/{ident}",
        "summary": "x",
        "comment": "This paper has been withdrawn by the author",
    }
    (tmp_path / "w.jsonl").write_bytes(msgspec.json.encode(row))
    assert pipeline.ingest(app, [tmp_path / "w.jsonl"]).count("updated") == 1
    assert services.withdrawn(app) == [
        {"paper": best.name, "title": best.title, "liked_by": ["alice@example.org"]}
    ]
    carol = subscriptions.find(app, "carol@example.org")
    assert best.id not in services.preview(app, carol).papers
