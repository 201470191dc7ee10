"""A systemd unit, or a container, for a service whose config is there."""

from __future__ import annotations

import json
import pwd
import re
import sys
from collections.abc import Iterable, Mapping
from importlib import resources
from ipaddress import ip_address
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from digest import config as settings
from digest.cli.setup.files import write_whole
from digest.cli.setup.installs import Install, describe_install
from digest.config import Config
from digest.errors import InputError

_SQLITE = "sqlite:///"
_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108
#: what systemd takes from the service; `digest serve` needs none of it
_SANDBOX = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths=${writable}
${temporary}PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
${capabilities}"""


def write_unit(path: Path, folder: Path) -> Path:
    """Write digest.service for the service of a config.

    Args:
        path: Of the config.
        folder: Where systemd looks for units, or any other folder; it is made. For one of a user's
            own manager (systemd/user) the unit has no user and no sandbox.

    Returns:
        The path of the unit.

    Raises:
        InputError: it cannot be written.
    """
    config, path = settings.load(path), path.resolve()
    is_of_user = folder.resolve().parts[-2:] == ("systemd", "user")
    owner = pwd.getpwuid(path.parent.stat().st_uid).pw_name
    port = int(config.web.bind.rpartition(":")[2])
    paths = _list_writable(config, path)
    sandbox = Template(_SANDBOX).substitute(
        writable=" ".join(_quote_for_systemd(str(writable)) for writable in paths),
        temporary="" if _uses_temporary(paths) else "PrivateTmp=yes\n",
        capabilities=(
            "AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"
            if 0 < port < 1024
            else "CapabilityBoundingSet=\n"
        ),
    )
    text = _fill_in(
        "digest.service",
        systemctl="systemctl --user" if is_of_user else "systemctl",
        user="" if is_of_user else f"User={owner}\n",
        folder=str(path.parent).replace("%", "%%"),
        program=_program(),
        config=_quote_for_systemd(str(path), is_command=True),
        sandbox="" if is_of_user else sandbox,
        target="default.target" if is_of_user else "multi-user.target",
    )
    _write(folder, {"digest.service": text})
    return folder / "digest.service"


def write_container(path: Path, folder: Path) -> list[Path]:
    """Write Dockerfile and compose.yaml for the service of a config.

    Paths are the same inside and outside, so every path of the config holds.

    Args:
        path: Of the config.
        folder: Where to write them; it is made.

    Returns:
        The paths of the files.

    Raises:
        InputError: they cannot be written.
    """
    config, path = settings.load(path), path.resolve()
    install = describe_install(config)
    status = path.parent.stat()
    port = config.web.bind.rpartition(":")[2]
    on_host = _uses_this_machine(config)
    health = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{port}/healthz', timeout=8)"
    own = {"uid": str(status.st_uid), "gid": str(status.st_gid)}
    files = {
        "Dockerfile": _fill_in(
            "Dockerfile",
            python=f"{sys.version_info.major}.{sys.version_info.minor}",
            source=_copy_lines(install),
            requirement=_quote_for_shell(install.requirement),
            **own,
        ),
        "compose.yaml": _fill_in(
            "compose.yaml",
            contexts=(
                f"      additional_contexts:\n        source: {_yaml(str(install.source))}\n"
                if install.source
                else ""
            ),
            folder=_yaml(str(path.parent)),
            config=_yaml(str(path)),
            environment="" if on_host else f'      DIGEST_WEB__BIND: "0.0.0.0:{port}"\n',
            network=(
                "    # The config names a server on this machine.\n    network_mode: host\n"
                if on_host
                else f"    ports: [{_yaml(f'{config.web.bind}:{port}')}]\n"
            ),
            volumes="".join(
                f"      - {_yaml(f'{writable}:{writable}')}\n"
                for writable in _list_writable(config, path)
            ),
            health=_yaml(health),
            **own,
        ),
    }
    _write(folder, files)
    return [folder / name for name in files]


def _list_writable(config: Config, path: Path) -> list[Path]:
    """List the folders that the service writes to, without those within others."""
    folders = [path.parent, config.ingest.inbox.parent, config.oauth.tokens.parent]
    if not config.smtp.host:
        folders.append(config.smtp.outbox.parent)
    if config.store.url.startswith(_SQLITE):
        folders.append(Path(config.store.url.removeprefix(_SQLITE).partition("?")[0]).parent)
    folders = [folder.resolve() for folder in folders]
    kept: list[Path] = []
    for folder in sorted(set(folders), key=lambda folder: len(folder.parts)):
        if not any(folder.is_relative_to(outer) for outer in kept):
            kept.append(folder)
    for folder in kept:
        if re.search(r"[\x00-\x1f\x7f]", str(folder)):
            raise InputError(f"{str(folder)!r}: a control character in a path. Rename the folder")
    return kept


def _uses_temporary(paths: Iterable[Path]) -> bool:
    return any(path.is_relative_to(temporary) for path in paths for temporary in _TEMPORARY)


def _uses_this_machine(config: Config) -> bool:
    """Whether the config names a server at an address of this machine."""
    hosts = [config.smtp.host, config.mailbox.host, *(more.host for more in config.smtp.more)]
    if not config.store.url.startswith(_SQLITE):
        hosts.append(urlsplit(config.store.url).hostname or "localhost")
    return any(_is_loopback(host) for host in hosts)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _program() -> str:
    """Return the command line of this program, as systemd reads it."""
    command = Path(sys.executable).with_name("digest")
    if command.is_file():
        return _quote_for_systemd(str(command), is_command=True)
    return f"{_quote_for_systemd(sys.executable, is_command=True)} -m digest"


def _quote_for_systemd(text: str, *, is_command: bool = False) -> str:
    """Quote a word of a unit file; in a command, `$` begins a variable."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if is_command:
        escaped = escaped.replace("$", "$$")
    return f'"{escaped}"' if re.search(r"[\s'\"\\;]", text) else escaped


def _quote_for_shell(requirement: str) -> str:
    """Quote what pip installs; its option stays apart."""
    option, _, package = requirement.rpartition(" /source")
    package = f"/source{package}" if option else requirement
    quoted = f"'{package}'" if re.search(r"[^\w./=-]", package) else package
    return f"{option} {quoted}" if option else quoted


def _copy_lines(install: Install) -> str:
    if install.source is None:
        is_git = " git+" in install.requirement
        return (
            "RUN apt-get update && apt-get install --no-install-recommends --yes git\n"
            if is_git
            else ""
        )
    return "".join(
        f"COPY --from=source {json.dumps([name, f'/source/{name}'])}\n" for name in install.needed
    )


def _yaml(text: str) -> str:
    """Quote a text for compose.yaml, where `$` begins a variable."""
    return json.dumps(text.replace("$", "$$"))


def _fill_in(name: str, **values: str) -> str:
    template = resources.files("digest.data").joinpath("service", name).read_text(encoding="utf-8")
    return Template(template).substitute(values)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files; those that exist and differ are not touched.

    Raises:
        InputError: one exists and differs, or cannot be written. None was written then.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = folder / name
            if path.exists() and path.read_text(encoding="utf-8", errors="replace") != text:
                raise InputError(
                    f"{path} exists and is another one; it was not changed. Move it away, or name "
                    "another folder"
                )
        for name, text in files.items():
            write_whole(folder / name, text, mode=0o644)
    except OSError as error:
        raise InputError(
            f"{error.filename or folder}: cannot be written ({error.strerror}). Check the folder "
            "and its permissions"
        ) from error
