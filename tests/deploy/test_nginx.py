"""The files of deploy/nginx, run by nginx in front of real pages."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from digest.demo.servers import free_port
from tests.conftest import skip_or_fail
from tests.deploy.conftest import copy, require_program, running
from tests.fakes import certificates

TOKEN = "s3cret-t0ken_of-a-reader"
MAIN = """
user root;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/other-error.log warn;
events {{ worker_connections 256; }}
http {{
    include {folder}/digest.conf;
    include {folder}/site.conf;
    server {{
        listen 127.0.0.1:{prefix};
        include {folder}/prefix.conf;
        location / {{ return 200 "the rest of the site"; }}
    }}
}}
"""


@dataclass(frozen=True, kw_only=True)
class Nginx:
    """Addresses of a running nginx, and the folder of its logs."""

    plain: str
    site: str
    prefix: str
    folder: Path

    def read_logs(self) -> str:
        """Read everything that it logged."""
        return "".join(path.read_text() for path in self.folder.glob("*.log"))


@pytest.fixture(scope="module")
def nginx(pages: int) -> Iterator[Nginx]:
    """nginx with both variants, in front of pages that readers reach below /digest."""
    program = require_program("nginx")
    if os.geteuid() != 0:
        skip_or_fail("nginx is started by root alone, for its temporary folders")
    with tempfile.TemporaryDirectory(prefix="digest-nginx-") as name:
        folder = Path(name)
        certificates.make(folder, "papers.example.org")
        plain, site, prefix = free_port(), free_port(), free_port()
        logs = {"/var/log/nginx": name}
        copy("nginx/digest.conf", folder / "digest.conf", {"127.0.0.1:8025": f"127.0.0.1:{pages}"})
        copy(
            "nginx/site.conf",
            folder / "site.conf",
            logs
            | {
                "    listen [::]:80;\n": "",
                "    listen [::]:443 ssl http2;\n": "",
                "listen 80;": f"listen 127.0.0.1:{plain};",
                "listen 443 ssl http2;": f"listen 127.0.0.1:{site} ssl http2;",
                "/etc/letsencrypt/live/papers.example.org/fullchain.pem": f"{name}/server.pem",
                "/etc/letsencrypt/live/papers.example.org/privkey.pem": f"{name}/server.key",
            },
        )
        copy("nginx/prefix.conf", folder / "prefix.conf", logs)
        main = folder / "nginx.conf"
        main.write_text(MAIN.format(folder=name, prefix=prefix))
        with running([program, "-e", "stderr", "-c", str(main)], site, folder / "out.log"):
            yield Nginx(
                plain=f"http://127.0.0.1:{plain}",
                site=f"https://127.0.0.1:{site}",
                prefix=f"http://127.0.0.1:{prefix}",
                folder=folder,
            )


def ask(url: str, method: str = "GET", **options: object) -> httpx.Response:
    """Ask nginx; its certificate is for another name."""
    with httpx.Client(verify=False, timeout=20) as client:
        return client.request(method, url, **options)  # type: ignore[arg-type]


def test_pages_answer_over_both_variants(nginx: Nginx) -> None:
    answer = ask(nginx.site + "/subscribe")
    assert answer.status_code == 200
    assert "max-age" in answer.headers["strict-transport-security"]
    assert ask(nginx.prefix + "/digest/subscribe").status_code == 200
    assert ask(nginx.prefix + "/digest").headers["location"].endswith("/digest/")
    assert ask(nginx.prefix + "/").text == "the rest of the site"


def test_plain_http_leads_to_https_with_path_and_query(nginx: Nginx) -> None:
    answer = ask(nginx.plain + "/search?q=robot")
    assert answer.status_code == 308
    assert answer.headers["location"] == "https://papers.example.org/search?q=robot"


def test_no_log_holds_a_token_or_a_query(nginx: Nginx) -> None:
    for path in (
        f"/m/{TOKEN}",
        f"/u/{TOKEN}?q={TOKEN}",
        f"/search?q={TOKEN}",
        f"/api/v1/readers/{TOKEN}",
        f"/api/v1/inbound/postmark/{TOKEN}",
        f"/operator/login/{TOKEN}",
        f"//m/{TOKEN}",
        f"/%6d/{TOKEN}",
    ):
        headers = {"Referer": f"https://papers.example.org/m/{TOKEN}", "User-Agent": TOKEN}
        for base in (nginx.plain, nginx.site, nginx.prefix + "/digest"):
            ask(base + path, headers=headers)
    log = nginx.read_logs()
    assert TOKEN not in log
    assert " /m " in log
    assert " /digest/m " in log
    assert " /api/v1/readers " in log


def test_floods_are_refused_but_leaving_and_reports_are_not(nginx: Nginx) -> None:
    with httpx.Client(verify=False, timeout=20) as client:

        def count(path: str) -> dict[int, int]:
            counts: dict[int, int] = {}
            for _ in range(60):
                status = client.post(nginx.site + path).status_code
                counts[status] = counts.get(status, 0) + 1
            return counts

        assert 429 not in count(f"/u/{TOKEN}")
        assert 429 not in count(f"/api/v1/inbound/ses/{TOKEN}")
        assert 429 in count("/subscribe")
    assert TOKEN not in nginx.read_logs()


def test_large_bodies_are_refused_except_dumps(nginx: Nginx) -> None:
    large = b"x" * (3 * 1024 * 1024)
    assert ask(nginx.site + f"/u/{TOKEN}", "POST", content=large).status_code == 413
    # it reaches digest, which asks for a key, unless the tests before used up the client's rate
    for base in (nginx.site, nginx.prefix + "/digest"):
        assert ask(base + "/api/v1/dumps", "POST", content=large).status_code in {401, 429}


def test_a_service_that_is_down_is_answered_without_a_token_in_the_log(
    nginx: Nginx, tmp_path: Path
) -> None:
    """nginx writes the whole request into its error log."""
    folder = tmp_path
    prefix = free_port()
    copy("nginx/digest.conf", folder / "digest.conf", {"127.0.0.1:8025": "127.0.0.1:1"})
    copy("nginx/prefix.conf", folder / "prefix.conf", {"/var/log/nginx": str(folder)})
    (folder / "site.conf").write_text("")
    main = folder / "nginx.conf"
    main.write_text(MAIN.format(folder=folder, prefix=prefix))
    program = require_program("nginx")
    with running([program, "-e", "stderr", "-c", str(main)], prefix, folder / "out.log"):
        assert ask(f"http://127.0.0.1:{prefix}/digest/m/{TOKEN}").status_code == 502
    logs = "".join(path.read_text() for path in folder.glob("*.log"))
    assert " /digest/m 502 " in logs
    assert TOKEN not in logs
