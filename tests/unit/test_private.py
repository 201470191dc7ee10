"""Files that only their owner may read.

They stay private whatever the umask, and the folders of others are not touched.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from digest import doctor, pipeline, private, services
from digest.app import App
from digest.model import Subscriber
from tests.conftest import make_app

NOBODY = 65534

Cast = Callable[[App], dict[str, Subscriber]]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    former = os.umask(request.param)
    yield request.param
    os.umask(former)


def make_new(folder: Path, **settings: str) -> App:
    """Make an app whose database the first command creates."""
    return make_app(folder, f"sqlite:///{folder / 'new.sqlite'}", **settings)


def run_a_round(app: App, cast: Cast, dump: Callable[..., Path]) -> None:
    services.ingest_inbox(app)
    cast(app)
    pipeline.ingest(app, [dump()])
    pipeline.round(app)


@pytest.mark.usefixtures("umask")
def test_files_of_a_round_are_private(
    tmp_path: Path, cast: Cast, dump: Callable[..., Path]
) -> None:
    tmp_path.chmod(0o755)
    app = make_new(tmp_path)
    run_a_round(app, cast, dump)
    files = [*tmp_path.glob("new.sqlite*"), *(tmp_path / "outbox").iterdir()]
    assert {path.name for path in files} >= {"new.sqlite", "new.sqlite-wal", "new.sqlite-shm"}
    assert len(files) == 6
    assert {path.name: oct(mode(path)) for path in files} == {path.name: "0o600" for path in files}
    assert [oct(mode(tmp_path / name)) for name in ("inbox", "outbox")] == ["0o700"] * 2
    assert mode(tmp_path) == 0o755  # an operator's folder
    app.close()


def test_the_next_command_restricts_files_of_an_earlier_version(
    tmp_path: Path, cast: Cast, dump: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_new(tmp_path)
    run_a_round(app, cast, dump)
    secret = tmp_path / "smtp-password"
    secret.write_text("swordfish\n")
    left = [
        tmp_path / "new.sqlite",
        tmp_path / "new.sqlite-wal",
        tmp_path / "new.sqlite-shm",
        secret,
    ]
    folders = [tmp_path / "inbox", tmp_path / "outbox"]
    for path in (*left, *folders):
        path.chmod(0o777 if path.is_dir() else 0o666)
    with caplog.at_level(logging.WARNING, logger="digest.kept"):
        again = make_new(
            tmp_path, smtp__password_file=str(secret), smtp__host="", smtp__username="me"
        )
    assert [oct(mode(path)) for path in (*left, *folders)] == ["0o600"] * 4 + ["0o700"] * 2
    assert "could be read by others" in caplog.text
    caplog.clear()
    make_new(tmp_path).close()
    assert caplog.text == ""
    again.close()
    app.close()


def test_a_folder_with_other_files_stays_as_it_is_and_its_mails_are_closed(tmp_path: Path) -> None:
    """The outbox may be a folder that others use: the project's, or a home."""
    outbox = tmp_path / "shared"
    outbox.mkdir(mode=0o755)
    (outbox / "notes.txt").write_text("mine")
    (outbox / "digest.1.eml").write_text("a mail")
    for path in outbox.iterdir():
        path.chmod(0o644)
    make_new(tmp_path, smtp__outbox=str(outbox)).close()
    assert (mode(outbox), mode(outbox / "notes.txt"), mode(outbox / "digest.1.eml")) == (
        0o755,
        0o644,
        0o600,
    )


def test_an_inbox_that_is_the_folder_of_the_store_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_new(tmp_path, ingest__inbox=str(tmp_path)).close()
    make_new(tmp_path, ingest__inbox=str(tmp_path)).close()
    assert (mode(tmp_path), mode(tmp_path / "new.sqlite")) == (0o755, 0o600)


@needs_root
def test_an_inbox_that_others_fill_stays_open_to_them(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    inbox.chmod(0o775)
    (inbox / "dump.jsonl").write_text("")
    os.chown(inbox / "dump.jsonl", NOBODY, NOBODY)
    make_new(tmp_path).close()
    assert mode(inbox) == 0o775


@needs_root
def test_files_of_another_user_are_only_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "password"
    secret.write_text("swordfish")
    secret.chmod(0o644)
    os.chown(secret, NOBODY, NOBODY)
    app = make_new(tmp_path, smtp__password_file=str(secret), smtp__username="me")
    assert mode(secret) == 0o644
    assert (
        f"file open setting=smtp.password_file path={secret}: can be read by others" in caplog.text
    )
    findings = [
        finding
        for finding in doctor.examine(app.config, offline=True)
        if str(secret) in finding.what
    ]
    assert [(finding.level, finding.remedy) for finding in findings] == [
        ("warning", f"chmod 600 {secret}, as the user who owns it")
    ]
    app.close()


def test_doctor_reports_what_others_may_read_with_the_remedy(tmp_path: Path) -> None:
    app = make_new(tmp_path)
    store, outbox = tmp_path / "new.sqlite", tmp_path / "outbox"
    store.chmod(0o644)
    outbox.mkdir()
    outbox.chmod(0o755)
    (outbox / "notes.txt").write_text("mine")
    findings = {
        finding.what: finding
        for finding in doctor.examine(app.config, offline=True)
        if "other users of this machine" in finding.what
    }
    assert [what.partition(" = ")[0] for what in findings] == ["store.url", "smtp.outbox"]
    first, second = findings.values()
    assert (first.level, first.remedy) == (
        "warning",
        f"chmod 600 {store}; the next command does it by itself",
    )
    assert "holds other files too" in second.remedy
    assert mode(store) == 0o644  # doctor changes nothing
    app.close()


@pytest.mark.usefixtures("umask")
def test_folders_and_files_are_made_private(tmp_path: Path) -> None:
    private.make_folder(tmp_path / "a" / "b")
    with private.create_file(tmp_path / "a" / "b" / "c") as file:
        file.write(b"x")
    assert [oct(mode(tmp_path / name)) for name in ("a", "a/b", "a/b/c")] == [
        "0o700",
        "0o700",
        "0o600",
    ]
    (tmp_path / "a" / "b" / "c").chmod(0o644)
    with private.create_file(tmp_path / "a" / "b" / "c") as file:
        file.write(b"y")
    assert mode(tmp_path / "a" / "b" / "c") == 0o600
    with pytest.raises(FileExistsError):
        private.create_file(tmp_path / "a" / "b" / "c", exclusive=True)


def test_devices_keep_their_mode() -> None:
    assert not private.is_open_to_others(Path("/dev/null"))
    assert not private.is_open_to_others(Path("/nowhere/at/all"))
