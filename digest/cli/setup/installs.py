"""How this program was installed, so that a container can install the same."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

import digest
from digest.config import Config

_NAME = "digest-of-papers"


@dataclass(frozen=True, kw_only=True, slots=True)
class Install:
    """What `pip install` needs to install this program again."""

    #: the argument of pip
    requirement: str
    #: a folder that the requirement is in; None = it comes from the package index
    source: Path | None = None
    #: files and folders of `source` that are needed
    needed: tuple[str, ...] = ()


def describe_install(config: Config) -> Install:
    """Describe this install, with the extras that the settings need.

    Reads what pip noted about the origin (PEP 610). Without a note the package index has it.
    """
    extras = [
        name
        for name, is_needed in (
            ("cluster", config.store.url.startswith("postgresql")),
            ("semantic", bool(config.features.encoder)),
        )
        if is_needed
    ]
    ending = f"[{','.join(extras)}]" if extras else ""
    origin = _read_origin()
    url = str(origin.get("url", ""))
    if "vcs_info" in origin:
        commit = origin["vcs_info"]["commit_id"]
        return Install(requirement=f"{_NAME}{ending} @ git+{url}@{commit}")
    if url.startswith("file://"):
        path = Path(unquote(urlsplit(url).path))
        if "dir_info" in origin:
            return _describe_checkout(path, ending)
        return Install(
            requirement=f"/source/{path.name}{ending}", source=path.parent, needed=(path.name,)
        )
    if url:
        return Install(requirement=f"{_NAME}{ending} @ {url}")
    checkout = Path(digest.__file__).parents[1]
    if (checkout / "pyproject.toml").is_file():
        return _describe_checkout(checkout, ending)
    return Install(requirement=f"{_NAME}{ending}=={digest.__version__}")


def _describe_checkout(folder: Path, ending: str) -> Install:
    wanted = ("pyproject.toml", "README.md", "LICENSE", "digest", "templates")
    constraints = "deploy/constraints.txt"
    needed = [name for name in wanted if (folder / name).exists()]
    pinned = f"-c /source/{constraints} " if (folder / constraints).is_file() else ""
    return Install(
        requirement=f"{pinned}/source{ending}",
        source=folder,
        needed=(*needed, *([constraints] if pinned else [])),
    )


def _read_origin() -> dict[str, dict[str, str]]:
    """Return what pip noted about the origin; empty if the program runs from elsewhere."""
    package = Path(digest.__file__).parent
    try:
        distribution = metadata.distribution(_NAME)
        note = json.loads(distribution.read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return {}
    if not isinstance(note, dict):
        return {}
    # A checkout on PYTHONPATH stands before what is installed.
    is_elsewhere = not package.is_relative_to(Path(sys.prefix).resolve()) and (
        urlsplit(str(note.get("url", ""))).path != str(package.parent)
    )
    return {} if is_elsewhere else note
