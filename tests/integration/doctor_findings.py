"""What the doctor finds of a config, by area."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from digest import config as settings
from digest import doctor
from digest.config import Config
from digest.doctor import Finding

DOMAIN = "papers.example.org"
LIMIT = 2.0


def make_config(folder: Path, **more: str) -> Config:
    values = {
        "DIGEST_STORE__URL": f"sqlite:///{folder / 'digest.sqlite'}",
        "DIGEST_INGEST__INBOX": str(folder),
        "DIGEST_SMTP__OUTBOX": str(folder),
        "DIGEST_MAIL__SENDER": f"digest@{DOMAIN}",
        **{f"DIGEST_{name.upper()}": value for name, value in more.items()},
    }
    return settings.load(None, values)


def findings_in(findings: Sequence[Finding], area: str) -> list[tuple[str, str]]:
    return [(finding.level, finding.what) for finding in findings if finding.area == area]


def levels(findings: Sequence[Finding], area: str) -> list[str]:
    return [level for level, _ in findings_in(findings, area)]


def examine(config: Config, **how: object) -> list[Finding]:
    return list(doctor.examine(config, **how))  # type: ignore[arg-type]
