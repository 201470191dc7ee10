"""The systemd units: valid, hardened, alike, and enough for the service to work."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.conftest import DEPLOY, require_program

UNITS = sorted(path.name for path in (DEPLOY / "systemd").glob("*.*"))
SERVICES = [name for name in UNITS if name.endswith(".service")]
#: exposure of `systemd-analyze security`, from 0 (none) to 10; systemd calls below 2 "OK"
EXPOSURE_MAX = 1.5
#: the first of the lines that say what a service may see and do
_FIRST_LIMIT = "UMask"


def read_lines(name: str) -> list[tuple[str, str]]:
    """Return the lines (key, value) of a unit's [Service]."""
    text = (DEPLOY / "systemd" / name).read_text(encoding="utf-8").replace("\\\n", " ")
    section = re.split(r"^\[(\w+)\]$", text, flags=re.MULTILINE)
    body = section[section.index("Service") + 1]
    pairs = [line.split("=", 1) for line in body.splitlines() if line and line[0] != "#"]
    return [(key, value) for key, value in pairs]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The units with programs that exist here."""
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text(encoding="utf-8")
        true = shutil.which("true")
        assert true
        (tmp_path / name).write_text(re.sub(r"/opt/digest/bin/\w+", true, text), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_no_fault(folder: Path, name: str) -> None:
    program = require_program("systemd-analyze")
    instance = name.replace("@.", "@web.")
    if instance != name:
        (folder / name).rename(folder / instance)
    done = subprocess.run(
        [program, "verify", "--man=no", f"./{instance}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_exposure_is_small(folder: Path, name: str) -> None:
    program = require_program("systemd-analyze")
    command = [program, "security", "--offline=true", "--no-pager", f"./{name}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    match = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert match, done.stdout + done.stderr
    assert float(match[1]) <= EXPOSURE_MAX


def test_units_have_the_same_limits() -> None:
    """They are written out in each file: systemd has no way to include them."""

    def limits(name: str) -> list[tuple[str, str]]:
        lines = read_lines(name)
        first = [key for key, _ in lines].index(_FIRST_LIMIT)
        return [pair for pair in lines[first:] if pair[0] != "InaccessiblePaths"]

    assert {name: limits(name) == limits("digest.service") for name in SERVICES} == dict.fromkeys(
        SERVICES, True
    )


def test_one_role_is_run_as_all_roles_are() -> None:
    whole, role = read_lines("digest.service"), read_lines("digest@.service")
    assert [pair for pair in role if pair not in whole] == [
        ("ExecStart", "/opt/digest/bin/digest serve --only %i")
    ]
    assert len(whole) == len(role)


def test_what_the_ledger_needs() -> None:
    """Values whose loss would make messages unknown, or hide dead senders."""
    values = dict(read_lines("digest.service"))
    assert int(values["TimeoutStopSec"]) > 600, "the last reply of a mail server may take so long"
    assert values["KillMode"] == "mixed", "a second SIGTERM cuts messages short"
    assert "ProtectProc" not in values
    assert "ProcSubset" not in values, "boot_id tells which senders are dead"
    assert values["Type"] == "notify"
    assert values["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert int(values["WatchdogSec"]) >= 60


def test_backups_are_kept_as_long_as_the_privacy_page_says() -> None:
    from digest import config

    backup = dict(read_lines("digest-backup.service"))
    assert f"-mtime +{config.load(None, {}).web.backups_days} " in backup["ExecStartPost"]
    timer = configparser.ConfigParser()
    timer.read(DEPLOY / "systemd" / "digest-backup.timer", encoding="utf-8")
    assert timer["Timer"]["Persistent"] == "yes"
