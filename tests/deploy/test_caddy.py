"""The Caddyfile of deploy/caddy, run by Caddy in front of real pages."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from digest.demo.servers import free_port
from tests.deploy.conftest import DEPLOY, copy, require_program, running

TOKEN = "s3cret-t0ken_of-a-reader"


@dataclass(frozen=True, kw_only=True)
class Caddy:
    """Addresses of a running Caddy, and its log."""

    site: str
    prefix: str
    broken: str
    log: Path


def environment(folder: Path, pages: int, site: str) -> dict[str, str]:
    """Return the environment of a Caddy whose files are in a folder."""
    return {
        **os.environ,
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "DIGEST_HOST": site,
        "DIGEST_UPSTREAM": f"127.0.0.1:{pages}",
    }


def uncomment_prefix_variant() -> str:
    """Return the block that the Caddyfile shows in a comment."""
    lines = (DEPLOY / "caddy" / "Caddyfile").read_text(encoding="utf-8").splitlines()
    block = [line.removeprefix("#") for line in lines if line.startswith("#\t")]
    assert block[0].strip() == "www.example.org {"
    return "\n".join(block)


@pytest.fixture(scope="module")
def caddy(pages: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caddy]:
    """Caddy with both variants, by plain HTTP: a certificate would come from the internet."""
    program = require_program("caddy")
    folder = tmp_path_factory.mktemp("caddy")
    site, prefix, broken = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
    path = copy(
        "caddy/Caddyfile",
        folder / "Caddyfile",
        {"{\n\tservers {": "{\n\tadmin off\n\tservers {"},
    )
    with path.open("a", encoding="utf-8") as file:
        file.write(uncomment_prefix_variant().replace("www.example.org", prefix))
        file.write(f"\n{broken} {{\n\timport digest-log\n\treverse_proxy 127.0.0.1:1\n}}\n")
    command = [program, "run", "--config", str(path), "--adapter", "caddyfile"]
    log = folder / "log"
    port = int(site.rpartition(":")[2])
    with running(command, port, log, env=environment(folder, pages, site), cwd=folder):
        yield Caddy(site=site, prefix=prefix, broken=broken, log=log)


def ask(url: str, method: str = "GET", **options: object) -> httpx.Response:
    """Ask Caddy."""
    return httpx.request(method, url, timeout=20, **options)  # type: ignore[arg-type]


def test_the_file_is_valid_and_formatted(tmp_path: Path) -> None:
    program = require_program("caddy")
    path = str(DEPLOY / "caddy" / "Caddyfile")
    env = environment(tmp_path, 8025, "papers.example.org")
    for command in ("validate", "fmt"):
        arguments = (
            ["--config", path, "--adapter", "caddyfile"] if command == "validate" else [path]
        )
        done = subprocess.run(
            [program, command, *arguments], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout == Path(path).read_text(encoding="utf-8")


def test_pages_answer_over_both_variants(caddy: Caddy) -> None:
    answer = ask(caddy.site + "/subscribe")
    assert answer.status_code == 200
    assert "max-age" in answer.headers["strict-transport-security"]
    assert ask(caddy.prefix + "/digest/subscribe").status_code == 200
    assert ask(caddy.prefix + "/digest").headers["location"] == "/digest/"
    assert ask(caddy.prefix + "/").text == "the rest of the site"


def test_no_log_holds_a_token_or_a_query(caddy: Caddy) -> None:
    headers = {"Referer": f"https://papers.example.org/m/{TOKEN}"}
    for base in (caddy.site, caddy.prefix + "/digest", caddy.broken):
        for path in (
            f"/m/{TOKEN}",
            f"/u/{TOKEN}?q={TOKEN}",
            f"/search?q={TOKEN}",
            f"/api/v1/readers/{TOKEN}",
            f"/operator/login/{TOKEN}",
            f"//m/{TOKEN}",
        ):
            ask(base + path, headers=headers)
    log = caddy.log.read_text(encoding="utf-8")
    assert '"uri":"/m"' in log
    assert '"uri":"/digest/m"' in log
    assert '"uri":"/api/v1/readers"' in log
    assert '"status":502' in log
    assert TOKEN not in log


def test_large_bodies_are_refused_except_dumps(caddy: Caddy) -> None:
    large = b"x" * (3 * 1024 * 1024)
    # digest refuses it too: Caddy may see the closed connection before the answer or within it
    url = caddy.site + f"/u/{TOKEN}"
    with httpx.stream("POST", url, content=large, timeout=20) as answer:
        assert answer.status_code in {413, 502}
    # it reaches digest, which asks for a key
    for base in (caddy.site, caddy.prefix + "/digest"):
        assert ask(base + "/api/v1/dumps", "POST", content=large).status_code == 401
