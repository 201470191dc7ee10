"""One day of an operator: from an empty folder to a learned preview.

Also the messages for mistakes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import dkim
import pytest

from digest.demo.mail_sink import MailSink
from tests.acceptance.conftest import Run
from tests.conftest import TODAY


def test_a_day_from_init_to_a_learned_preview(
    run: Run, papers: Path, mail_sink: MailSink, tmp_path: Path
) -> None:
    run(
        "init",
        "--sender",
        "digest@example.org",
        "--host",
        "127.0.0.1",
        "--port",
        str(mail_sink.port),
    )
    counts = json.loads(run("ingest", "--seen", "name", "--json", str(papers)).stdout)
    assert {
        kind: counts[kind]
        for kind in ("read", "new", "updated", "duplicate", "skipped", "rejected")
    } == {
        "read": 16,
        "new": 16,
        "updated": 0,
        "duplicate": 0,
        "skipped": 0,
        "rejected": 0,
    }
    assert json.loads(run("ingest", "--json", str(papers)).stdout)["duplicate"] == 16
    run(
        "subscribe", "alice@example.org", "--keyword", "robot", "--category", "cs.RO", "--size", "3"
    )
    day = ("--date", str(TODAY))
    first = json.loads(run("preview", "alice@example.org", "--json", *day).stdout)
    assert json.loads(run("preview", "alice@example.org", "--json", *day).stdout) == first
    assert all("robot" in paper["title"] for paper in first["papers"])
    report = json.loads(run("run", "--json", *day).stdout)
    assert (report["compose"]["planned"], report["send"]["accepted"]) == (1, 1)
    again = json.loads(run("run", "--json", *day).stdout)
    assert (again["compose"]["planned"], again["send"]["accepted"], len(mail_sink.mails)) == (
        0,
        0,
        1,
    )
    assert mail_sink.mails[0].parsed["To"] == "alice@example.org"
    run("rate", "alice@example.org", first["papers"][0]["paper"], "up")
    status = json.loads(run("status", "--json", *day).stdout)
    assert (status["thumbs"], status["messages"], status["alarms"]) == (
        {"up": 1, "down": 0},
        {"accepted": 1},
        [],
    )
    assert (
        json.loads(run("preview", "alice@example.org", "--json", "--date", "2026-06-10").stdout)[
            "made"
        ]["thumbs_up"]
        == 1
    )


def test_the_stages_of_a_round_one_by_one(run: Run, papers: Path, tmp_path: Path) -> None:
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org")
    day = ("--date", str(TODAY))
    assert json.loads(run("compose", "--dry-run", "--json", *day).stdout)["planned"] == 1
    assert json.loads(run("send", "--json", *day).stdout)["accepted"] == 0
    assert json.loads(run("compose", "--json", *day).stdout)["planned"] == 1
    looked = json.loads(run("send", "--dry-run", "--json", *day).stdout)
    assert (looked["waiting"], looked["accepted"]) == (1, 0)
    assert looked["due"] == [
        {
            "email": "alice@example.org",
            "kind": "digest",
            "key": str(TODAY),
            "state": "planned",
            "papers": 10,
        }
    ]
    assert "alice@example.org" in run("send", "--dry-run", *day).stdout
    assert json.loads(run("send", "--json", *day).stdout)["accepted"] == 1
    assert [path.suffix for path in (tmp_path / "outbox").iterdir()] == [".eml"]


def test_a_preview_as_html_and_text(run: Run, papers: Path, tmp_path: Path) -> None:
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org")
    text = run(
        "preview", "alice@example.org", "--date", str(TODAY), "--html", "out.html", "--text"
    ).stdout
    assert (tmp_path / "out.html").read_text().lower().startswith("<!doctype html>")
    assert "More like this:" in text


def test_a_mail_is_previewed_as_it_is_sent_and_signed(
    run: Run, papers: Path, tmp_path: Path
) -> None:
    setting = {
        "DIGEST_MAIL__SENDER": "digest@papers.example.org",
        "DIGEST_MAIL__DKIM_KEY_FILE": "dkim.pem",
    }
    record = json.loads(run("dkim", "--json", **setting).stdout)
    assert (record["made"], record["name"], record["type"]) == (
        True,
        "digest._domainkey.papers.example.org",
        "TXT",
    )
    shown = run("dkim", **setting)
    assert record["value"] in shown.stdout
    assert "exists" in shown.stdout
    run("ingest", "--seen", "name", str(papers), **setting)
    run("subscribe", "alice@example.org", "--keyword", "robot", **setting)
    run("preview", "alice@example.org", "--date", str(TODAY), "--eml", "preview.eml", **setting)
    run("run", "--date", str(TODAY), **setting)
    previewed, (sent,) = (
        (tmp_path / "preview.eml").read_bytes(),
        [path.read_bytes() for path in (tmp_path / "outbox").iterdir()],
    )
    for data in (previewed, sent):
        assert dkim.verify(data, dnsfunc=lambda name, timeout=5: record["value"].encode())

    def mask(data: bytes) -> bytes:  # the time and the tokens differ
        return re.sub(
            rb"(?m)^Date: .*$",
            b"",
            re.sub(rb"(?:=\r\n|[a-z2-7]){55,}", b"", data.partition(b"\r\nFrom: ")[2]),
        )

    assert mask(previewed) == mask(sent)


def test_a_preview_that_cannot_be_written_says_so(run: Run, papers: Path) -> None:
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org")
    assert (
        "no/such.html: cannot be written"
        in run(
            "preview", "alice@example.org", "--date", str(TODAY), "--html", "no/such.html", code=2
        ).stderr
    )


def test_dkim_needs_your_own_address(run: Run) -> None:
    assert "mail.sender is not set" in run("dkim", code=1).stderr


def test_keys_of_links_are_listed_and_rotated(run: Run) -> None:
    def run_keys(word: str) -> list[tuple[int, bool]]:
        return [(key["id"], key["signs"]) for key in json.loads(run("keys", word, "--json").stdout)]

    run("subscribe", "alice@example.org")
    assert run_keys("list") == []
    assert "no key yet" in run("keys", "list").stdout
    assert run_keys("rotate") == [(1, True)]
    assert run_keys("rotate") == run_keys("list") == [(1, False), (2, True)]
    assert "still works" in run("keys", "list").stdout


def test_standard_input_is_a_dump_too(run: Run, papers: Path) -> None:
    text = next(papers.iterdir()).read_text()
    assert json.loads(run("ingest", "-", "--json", stdin=text).stdout)["new"] == 16


def test_keywords_and_categories_may_be_parted_by_commas(run: Run) -> None:
    words = ("--keyword", "GNN, transformers", "--keyword=-survey", "--category", "cs.LG,stat.ML")
    run("subscribe", "alice@example.org", *words, "--author", "Doe, Jane")
    (alice,) = json.loads(run("subscribers", "--json").stdout)
    (interest,) = alice["interests"]
    assert interest["keywords"] == ["GNN", "transformers", "-survey"]
    assert interest["categories"] == ["cs.LG", "stat.ML"]
    assert interest["authors"] == ["Doe, Jane"]


def test_readers_from_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "readers.csv").write_text(
        'email,name,hour,days,keywords\nalice@example.org,Alice,6,"1,2;3","robot; graph neural '
        'network"\nnobody,,,,\nbob@example.org,Bob,99,,\n'
    )
    report = json.loads(run("subscribe", "--file", "readers.csv", "--json", code=1).stdout)
    assert (report["new"], report["rejected"]) == (1, 2)
    assert [(row["line"], row["reason"].split(":")[0]) for row in report["rejects"]] == [
        (3, "'nobody' is no e-mail address"),
        (4, "hour 99 must be 0 to 23"),
    ]
    (alice,) = json.loads(run("subscribers", "--json").stdout)
    assert (alice["hour"], alice["days"], alice["interests"][0]["keywords"]) == (
        6,
        [1, 2, 3],
        ["robot", "graph neural network"],
    )
    rows = [
        '{"email": "carol@example.org", "size": 5, "categories": ["cs.LG"]}',
        "not json",
        '{"email": "d@example.org", "colour": 1}',
    ]
    (tmp_path / "more.jsonl").write_text("\n".join(rows))
    report = json.loads(run("subscribe", "--file", "more.jsonl", "--json", code=1).stdout)
    assert (report["new"], [row["line"] for row in report["rejects"]]) == (1, [2, 3])


def test_a_file_does_not_bring_back_a_reader_who_left(run: Run, tmp_path: Path) -> None:
    run("subscribe", "alice@example.org")
    run("unsubscribe", "alice@example.org")
    (tmp_path / "readers.csv").write_text("email\nalice@example.org\n")
    assert json.loads(run("subscribe", "--file", "readers.csv", "--json").stdout)["left"] == 1
    assert json.loads(run("subscribe", "alice@example.org", "--json").stdout)["outcome"] == "back"


def test_texts_of_servers_and_files_are_shown_without_markup(
    run: Run, papers: Path, tmp_path: Path
) -> None:
    reply = "550 [/b] no :smile: [red]user[/]"
    run("suppressions", "add", "alice@example.org", "--evidence", reply)
    assert reply in run("suppressions").stdout
    odd = tmp_path / "a [b] :x: [].jsonl"
    next(papers.iterdir()).rename(odd)
    for words in (("ingest", odd.name), ("status",)):
        assert odd.name in run(*words).stdout


@pytest.mark.parametrize(
    "words",
    [
        ("suppressions", "export", "no/such/x.csv"),
        ("suppressions", "export", "no/such/x.jsonl"),
        ("init", "no/such/x.toml"),
    ],
)
def test_a_file_that_cannot_be_written_is_reported_with_the_remedy(
    run: Run, words: tuple[str, ...]
) -> None:
    run("subscribe", "alice@example.org")
    assert "Check the folder" in run(*words, code=2).stderr


def test_a_wrong_merge_is_shown_and_split(run: Run, tmp_path: Path) -> None:
    title = "Foxes that follow the long river to its source"
    rows = [
        {"title": title, "authors": ["Jane Doe"], "arxiv": "2606.09003"},
        {"title": title, "authors": ["Jane Doe"], "doi": "10.1000/fox"},
    ]
    dump = tmp_path / "foxes.jsonl"
    dump.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    run("ingest", str(dump))
    assert "foxes.jsonl" in run("papers", "show", "2606.09003").stdout
    shown = json.loads(run("papers", "show", "2606.09003", "--json").stdout)
    assert [record["identifiers"] for record in shown["records"]] == [
        ["arxiv:2606.09003"],
        ["doi:10.1000/fox"],
    ]
    number = str(shown["records"][1]["record"])
    assert "\\n" not in run("papers", "show", "2606.09003").stdout
    parts = json.loads(run("papers", "split", "2606.09003", number, "--json").stdout)
    assert [(part["id"], part["paper"]) for part in parts] == [
        (1, "arxiv:2606.09003"),
        (2, "doi:10.1000/fox"),
    ]
    assert "paper:2" in run("papers", "show", "10.1000/fox").stdout
    assert "single record" in run("papers", "split", "paper:2", number, code=2).stderr
    assert "no stored paper" in run("papers", "show", "paper:9", code=1).stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("frobnicate",), 2, "No such command"),
        (("subscribe",), 2, "either one EMAIL or --file"),
        (("subscribe", "nobody"), 2, "is no e-mail address"),
        (("subscribe", "--file", "absent.csv"), 2, "absent.csv"),
        (("rate", "a@example.org", "2606.00001", "sideways"), 2, "up, down or clear"),
        (("run", "--date", "yesterday"), 2, "YYYY-MM-DD"),
        (("ingest", "x", "--seen", "soon"), 2, "YYYY-MM-DD"),
        (("ingest", "absent.jsonl"), 1, "absent.jsonl"),
        (("preview", "a@example.org"), 1, "nobody subscribes"),
        (("status", "--config", "absent.toml"), 1, "digest init"),
        (("serve", "--only", "barber"), 2, "is no role"),
    ],
)
def test_an_error_is_one_sentence_with_the_right_exit_code(
    run: Run, words: tuple[str, ...], code: int, message: str
) -> None:
    run("subscribe", "somebody@example.org")
    done = run(*words, code=code)
    assert message in re.sub(r"[│\s]+", " ", done.stderr + done.stdout)


def test_the_operator_gets_a_link_and_ends_sessions(run: Run) -> None:
    made = json.loads(run("operator", "link", "--minutes", "5", "--json").stdout)
    assert re.fullmatch(r"http://[^/]+/operator/login/[a-z2-7]{55}", made["link"])
    assert made["minutes"] == 5
    printed = run("operator", "link").stdout.splitlines()
    assert re.fullmatch(r"http://[^/]+/operator/login/[a-z2-7]{55}", printed[0])
    assert json.loads(run("operator", "sessions", "--json").stdout) == []
    assert "0 sessions" in run("operator", "sessions").stdout
    assert "there is no operator session 7" in run("operator", "end", "7", code=1).stderr
    for words in ((), ("7", "--all")):
        assert "name one session, or all" in run("operator", "end", *words, code=2).stderr
    assert json.loads(run("operator", "end", "--all", "--json").stdout) == {"ended": 2}


def test_secrets_that_are_shown_once_are_shown_whole(run: Run) -> None:
    hook = ("webhooks", "add", "https://example.org/hook", "--event", "thumb")
    assert re.search(r"^whsec_[A-Za-z0-9+/]{40,}=*$", run(*hook).stdout, re.MULTILINE)
    assert json.loads(run(*hook, "--json").stdout)["secret"].startswith("whsec_")
    key = ("api-keys", "create", "--name", "lab", "--scope", "papers:read")
    assert re.search(r"^digest_key_\w{38}$", run(*key).stdout, re.MULTILINE)
