"""Check files: readable secrets, missing folders, full disks."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from digest import kept, private
from digest.config import Config
from digest.doctor.findings import Finding, bad, good, warning
from digest.services import disks


def check_files(config: Config, path: Path | None) -> Iterator[Finding]:
    """Check secrets that others may read, missing folders, and full disks."""
    secrets = [
        ("smtp.password_file", config.smtp.password_file),
        ("mailbox.password_file", config.mailbox.password_file),
    ]
    secrets += [
        ("mail.dkim_key_file", config.mail.dkim_key_file),
        ("mail.dkim_ed25519_key_file", config.mail.dkim_ed25519_key_file),
    ]
    secrets += [
        (f"smtp.more.{number}.password_file", server.password_file)
        for number, server in enumerate(config.smtp.more)
    ]
    secrets.append(("web.status_key_file", config.web.status_key_file))
    secrets.append(("oauth.client_secret_file", config.oauth.client_secret_file))
    secrets += [("oauth.tokens", path) for path in sorted(config.oauth.tokens.glob("*.json"))]
    secrets.append(("alerts.webhook_secret_file", config.alerts.webhook_secret_file))
    in_config = [
        config.smtp.password,
        config.mailbox.password,
        *(server.password for server in config.smtp.more),
    ]
    in_config.append(config.web.status_key)
    text = path.read_text(encoding="utf-8", errors="replace") if path is not None else ""
    if (
        path is not None
        and any(secret.get_secret_value() for secret in in_config)
        and ("password =" in text or "status_key =" in text)
    ):
        secrets.append(("the config, which holds a password", path))
    for name, file in secrets:
        if file is not None:
            yield from _check_secret(name, file)
    yield from _check_private(config)
    if config.ingest.inbox.is_dir():
        yield good("files", f"the inbox is {config.ingest.inbox}")
    else:
        what = "is not a folder" if config.ingest.inbox.exists() else "does not exist"
        yield warning(
            "files",
            f"the inbox {config.ingest.inbox} {what}",
            "Make the folder, or set [ingest] inbox",
        )
    for disk in disks(config):
        if disk.free_mb < config.alerts.disk_mb:
            yield bad(
                "files",
                f"the disk of {disk.path} is nearly full: {disk.free_mb} MB are left",
                "Free some space, or move the folder",
            )
        else:
            yield good("files", f"{disk.free_mb} MB are free for {disk.path}")


def _check_private(config: Config) -> Iterator[Finding]:
    """Check who may read the database, the inbox and the outbox."""
    paths = [
        private_path
        for private_path in kept.list_existing(config)
        if private_path.name in ("store.url", "ingest.inbox", "smtp.outbox")
    ]
    exposed = [
        private_path for private_path in paths if private.is_open_to_others(private_path.path)
    ]
    for private_path in exposed:
        what = f"{private_path.name} = {private_path.path}: other users of this machine may read it"
        mode = 700 if private_path.path.is_dir() else 600
        if not private.is_owned_by_user(private_path.path):
            owner = f"Its owner is another user ({private_path.path.stat().st_uid})"
            yield warning(
                "files",
                what,
                f"{owner}: let that user run chmod {mode} {private_path.path}, or chown it",
            )
        elif private_path.changeable:
            yield warning(
                "files",
                what,
                f"chmod {mode} {private_path.path}; the next command does it by itself",
            )
        else:
            remedy = (
                f"It holds other files too, so no command changes it: chmod {mode} it, or set "
                f"{private_path.name} to another folder"
            )
            yield warning("files", what, remedy)
    if paths and not exposed:
        yield good("files", "only their owner can read the database, the inbox and the outbox")


def _check_secret(name: str, file: Path) -> Iterator[Finding]:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        yield bad(
            "files", f"{name} = {file}: {error.strerror}", "Check the path and its permissions"
        )
        return
    if stat.S_IMODE(mode) & 0o077:
        remedy = f"chmod 600 {file}" + (
            "" if private.is_owned_by_user(file) else ", as the user who owns it"
        )
        yield warning("files", f"{name} = {file}: other users of this machine may read it", remedy)
    else:
        yield good("files", f"{name}: only its owner can read it")
