"""The client in the README runs as it stands there, against a service with papers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from digest import pipeline, serve, services
from tests.conftest import ROOT, TODAY, invent_papers, make_app, subscribe_cast, write_dump

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def find_client() -> str:
    """Return the block of Python in the README that asks the API, or ""."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return next((block for block in _BLOCK.findall(readme) if "/api/v1" in block), "")


@pytest.mark.skipif(not find_client(), reason="the README shows no client")
def test_the_client_of_the_readme_runs(tmp_path: Path) -> None:
    code = find_client()
    assert len(code.splitlines()) <= 25
    app = make_app(tmp_path, web__bind="127.0.0.1:0")
    readers = subscribe_cast(app)
    pipeline.ingest(app, [write_dump(tmp_path / "dumps", TODAY, invent_papers(TODAY))])
    _, key = services.create_api_key(app, "example", ["papers:read", "feedback:write"])
    pages = serve.Background(app)
    address = pages.start()
    try:
        ran = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"DIGEST_URL": address, "DIGEST_KEY": key},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        pages.stop()
    assert ran.returncode == 0, ran.stderr
    assert "robot" in ran.stdout
    with app.store.reading() as tx:
        thumbs = tx.exec_driver_sql("SELECT subscriber_id, vote FROM feedback").all()
    assert [tuple(row) for row in thumbs] == [(readers["alice"].id, 1)]
    app.close()
