"""The arithmetic of `digest bench`, the readers it invents, and its own mail server."""

from __future__ import annotations

import fcntl
import smtplib
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
import typer

import digest.demo
from digest.bench import sinks
from digest.bench.commands import Usage, run_command
from digest.bench.fill import Filled
from digest.bench.readers import THUMBS, InventedReader, Invention
from digest.bench.report import Machine, Report, Round
from digest.cli.bench import describe_served, parse_numbers, parse_papers_at, show_report
from digest.errors import DigestError, InputError
from digest.model import Paper
from tests.conftest import TODAY

#: the last day of the demonstration's papers
LAST = date(2026, 6, 12)


def usage(wall: float, cpu: float = 0.0) -> Usage:
    return Usage(wall=wall, cpu=cpu, memory=1)


def make_round(readers: int = 100, **usages: Usage) -> Round:
    steps = {
        "ingest": usage(9, 9),
        "send nothing": usage(1, 0.5),
        "preview": usage(3, 2),
        "compose": usage(13, 7),
        "send": usage(6, 3.5),
    }
    return Round(
        filled=Filled(papers=10, readers=readers, thumbs_up=1, thumbs_down=1),
        digests=readers,
        quiet=0,
        accepted=readers,
        usages=steps | usages,
        sizes=(1000, 6000, 8000),
        mail_size=5000,
        floor=usage(2),
    )


def make_report(*rounds: Round, seconds: int = 3600) -> Report:
    return Report(
        at=datetime(2026, 6, 9, tzinfo=UTC),
        machine=Machine(processor="", cores=2, python="3.11", database="SQLite"),
        load=(0.0, 0.0),
        day=TODAY,
        seed=1,
        dumps=1,
        connections=10,
        sink="own",
        settings={},
        rounds=rounds,
        seconds=seconds,
    )


# ----------------------------------------------------------------------------------------------
# arithmetic


def test_what_fits_into_the_hour_is_counted_without_the_fixed_part() -> None:
    measured = make_round()
    # compose: (13 - 3) / 100 readers, send: (6 - 1) / 100 readers
    assert measured.each == pytest.approx(0.15)
    assert measured.fixed == 4
    assert measured.count_served(3600) == int(3596 / 0.15)
    assert measured.count_served(4) == measured.count_served(1) == 0


def test_the_whole_counts_where_a_command_was_as_fast_as_its_fixed_part() -> None:
    measured = make_round(compose=usage(2))
    assert measured.net("compose", "wall") == pytest.approx(0.02)


def test_growth_is_the_cpu_a_reader_relative_to_the_fewest_readers() -> None:
    larger = make_round(1000, compose=usage(100, 52), send=usage(40, 60.5))
    report = make_report(make_round(), larger)
    assert report.growth == pytest.approx({"compose": 1.0, "send": 2.0})
    assert report.json["growth"] == {"compose": 1.0, "send": 2.0}
    assert report.served == larger.count_served(3600)
    assert make_report(make_round()).json["growth"] is None


def test_the_report_has_bytes_and_rates() -> None:
    json = make_round().json
    assert json["bytes_per_reader"] == {"composed": 50, "sent": 70}
    assert json["sent_per_second"] == 16.7
    assert isinstance(json["smtp_source"], dict)
    assert (json["smtp_source"]["per_second"], json["smtp_source"]["ratio"]) == (50.0, 0.3333)
    assert replace(make_round(), floor=None).json["smtp_source"] is None


def test_the_last_line_says_the_number_and_the_rule() -> None:
    sentence = describe_served(make_report(make_round()), "07:00")
    assert sentence.startswith("This machine can serve 23,973 readers from 07:00 to 08:00: ")
    assert "150.0 ms a reader, after 4.0 s" in sentence
    assert "--subscribers 23973" in sentence
    assert "--subscribers" not in describe_served(make_report(make_round(), seconds=20), "07:00")


def test_the_table_has_every_step_and_ends_with_the_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = make_report(make_round(), make_round(1000))
    show_report(report, "07:00")
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    (compose, _) = [line for line in lines if line.startswith("compose")]
    assert compose.split() == ["compose", "13.0", "7.0", "0", "50.00"]
    assert "stored a reader: 50 bytes once composed, 70 once sent" in lines
    assert any("smtp-source, with ready mails of 5 kB: 50, ratio 0.333" in line for line in lines)
    assert any(line.startswith("CPU a reader with 1,000 readers") for line in lines)
    assert lines[-1].startswith("This machine can serve ")


def test_options_are_parsed() -> None:
    assert parse_numbers("10000, 1000,1000") == [1000, 10000]
    assert parse_papers_at("07:00") == 3600
    assert parse_papers_at("6:30") == 5400
    for text in ("", "many", "0", "-5", "1,,2"):
        with pytest.raises(typer.BadParameter, match="numbers of readers"):
            parse_numbers(text)
    for text in ("8:00", "seven", "25:00"):
        with pytest.raises(typer.BadParameter, match=r"08:00|HH:MM"):
            parse_papers_at(text)


# ----------------------------------------------------------------------------------------------
# readers


@pytest.fixture(scope="module")
def papers() -> list[Paper]:
    """The papers of the demonstration."""
    files = sorted((Path(digest.demo.__file__).parent / "papers").glob("*.jsonl"))
    rows = [
        (date.fromisoformat(file.stem), msgspec.json.decode(line))
        for file in files
        for line in file.read_bytes().splitlines()
    ]
    return [
        Paper(
            id=number,
            title=row["title"],
            abstract=row["abstract"],
            categories=tuple(row["categories"]),
            first_seen=day,
        )
        for number, (day, row) in enumerate(rows, 1)
    ]


def invent(papers: Sequence[Paper], count: int = 40, *, seed: int = 1) -> list[InventedReader]:
    return list(Invention(papers, day=LAST, seed=seed).invent(count))


def test_the_seed_and_the_number_decide_about_a_reader(papers: list[Paper]) -> None:
    readers = invent(papers)
    assert invent(papers, 60)[:40] == readers
    assert [reader.thumbs for reader in invent(papers, seed=2)] != [r.thumbs for r in readers]


def test_every_reader_has_keywords_of_the_papers_and_half_have_thumbs(
    papers: list[Paper],
) -> None:
    readers = invent(papers)
    text = " ".join(f"{paper.title} {paper.abstract}".lower() for paper in papers)
    interests = [reader.subscriber.interests[0] for reader in readers]
    assert all(interest.keywords for interest in interests)
    assert all(word.lstrip("-") in text for interest in interests for word in interest.keywords)
    assert any(interest.categories for interest in interests)
    assert any(interest.text for interest in interests)
    assert all(len(interest.text) <= 300 for interest in interests)
    counts = [len(reader.thumbs) for reader in readers]
    assert [count > 0 for count in counts] == [True, False] * 20
    assert all(THUMBS[0] <= count <= THUMBS[1] for count in counts if count)


def test_thumbs_are_on_earlier_papers_and_mostly_up_where_keywords_fit(
    papers: list[Paper],
) -> None:
    by_id = {paper.id: paper for paper in papers}
    fitting = {1: 0, -1: 0}
    total = {1: 0, -1: 0}
    for reader in invent(papers, 200):
        assert len({paper_id for paper_id, _, _ in reader.thumbs}) == len(reader.thumbs)
        for paper_id, vote, at in reader.thumbs:
            paper = by_id[paper_id]
            assert paper.first_seen < LAST
            assert at.date() == paper.first_seen
            text = f"{paper.title} {paper.abstract}".lower()
            keywords = reader.subscriber.interests[0].keywords
            total[vote] += 1
            fitting[vote] += any(word in text for word in keywords)
    assert total[1] > total[-1]
    assert fitting[1] / total[1] > 1.5 * fitting[-1] / total[-1]


def test_papers_of_one_day_are_refused_since_nobody_can_have_rated_them(
    papers: list[Paper],
) -> None:
    today = [paper for paper in papers if paper.first_seen == LAST]
    with pytest.raises(InputError, match="dumps of several days"):
        invent(today)
    with pytest.raises(InputError, match="too few"):
        invent(papers[:1])


# ----------------------------------------------------------------------------------------------
# commands and mail servers


def test_a_command_is_measured_from_outside() -> None:
    program = "import sys; x = bytearray(80_000_000); print('done'); print('oh', file=sys.stderr)"
    used, output = run_command([sys.executable, "-I", "-S", "-c", program])
    assert output == b"done\n"
    assert 0 < used.cpu <= 2 * used.wall
    assert 80e6 < used.memory < 200e6
    # not the memory of this process, which is larger than an empty Python
    assert run_command([sys.executable, "-I", "-S", "-c", ""])[0].memory < 40e6


def test_a_command_that_fails_is_named_with_its_last_line() -> None:
    program = "import sys; print('first', file=sys.stderr); sys.exit('no such luck')"
    with pytest.raises(DigestError, match="no such luck"):
        run_command([sys.executable, "-c", program])


def test_a_signal_ends_the_measured_command_too(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    inner = (
        "import fcntl, time; file = open('lock', 'w'); fcntl.flock(file, fcntl.LOCK_EX); "
        "file.write('locked'); file.flush(); time.sleep(600)"
    )
    outer = (
        "import sys; from digest.bench.commands import run_command\n"
        "from digest.signals import end_on_signals\n"
        f"with end_on_signals(): run_command([sys.executable, '-c', {inner!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", outer], cwd=tmp_path) as process:
        while not lock.exists() or not lock.read_text():
            assert process.poll() is None
            time.sleep(0.01)
        process.terminate()
        assert process.wait(timeout=60) == 143
    with lock.open() as file:  # a process that still runs would hold the lock for ten minutes
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.01)
    pytest.fail("the measured command still runs")


def test_settings_of_the_environment_do_not_reach_a_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DIGEST_STORE__URL", "sqlite:///real.sqlite")
    program = "import os; print([name for name in os.environ if name.startswith('DIGEST_')])"
    assert run_command([sys.executable, "-c", program])[1] == b"[]\n"


@pytest.fixture
def without_postfix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "find_program", lambda name: None)


@pytest.mark.usefixtures("without_postfix")
@pytest.mark.parametrize("body", ["", "short\r\n", ".\r\n..\r\n", "x" * 70 + "\r\n"])
def test_the_own_mail_server_takes_messages_of_any_size(body: str) -> None:
    with sinks.run_sink() as sink:
        assert sink.name == "own"
        with smtplib.SMTP("127.0.0.1", sink.port) as client:
            for repeat in (1, 5000):
                text = f"Subject: bench\r\n\r\n{body * repeat}"
                assert client.sendmail("a@example.org", ["b@example.net"], text) == {}
            assert client.noop()[0] == 250
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("127.0.0.1", sink.port)


@pytest.mark.usefixtures("without_postfix")
def test_without_postfix_there_is_no_floor() -> None:
    sink = sinks.Sink(name="own", port=1)
    assert sinks.run_smtp_source(sink, messages=1, octets=1, connections=1) is None


def test_the_own_mail_server_ends_with_the_process_that_started_it() -> None:
    program = Path(sinks.__file__).with_name("smtp_sink.py")
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.stdin.close()
        assert process.wait(timeout=30) == 0
