"""Make the README's pictures from what `digest demo` sends and shows.

python -m tests.browser.pictures                  # .github/pictures anew
python -m tests.browser.pictures --all FOLDER     # every page and mail, to look at

With --all on a phone and a desktop, light and dark.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import chromium

PICTURES = Path(__file__).parents[2] / ".github" / "pictures"
#: the reader whose second digest the README shows
READER = "robin@demo.example"
WIDTHS = {"phone": 390, "desktop": 1200}


@contextmanager
def demonstration() -> Iterator[str]:
    """The address that the demonstration serves its pages at."""
    words = [sys.executable, "-m", "digest", "demo"]
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
    ) as process:
        assert process.stdout is not None
        try:
            address = next(
                (
                    match[1]
                    for line in process.stdout
                    if (match := re.search(r"(http://\S+)/inbox", line))
                ),
                None,
            )
            if address is None:
                raise SystemExit("the demonstration ended early")
            yield address
        finally:
            process.terminate()


def for_readme(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 640, "height": 1480})
    page.goto(f"{address}/inbox")
    newest = page.locator(".mails a", has_text=READER).first.get_attribute("href")
    page.goto(f"{address}{newest}/html")
    page.screenshot(path=PICTURES / "digest.png")
    page.set_viewport_size({"width": 1100, "height": 1250})
    page.goto(f"{address}/inbox/changes")
    page.screenshot(path=PICTURES / "day2.png")
    page.set_viewport_size({"width": 1280, "height": 936})
    page.goto(address)
    page.screenshot(path=PICTURES / "home.png")
    page.goto(f"{address}{newest}/html")
    settings = page.get_by_role("link", name="Settings").first.get_attribute("href")
    page.set_viewport_size({"width": 390, "height": 960})
    page.goto(f"{settings}/first")
    page.screenshot(path=PICTURES / "first-papers.png")


def to_look_at(browser: Browser, address: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    page = browser.new_page()
    page.goto(f"{address}/inbox")
    newest = page.locator(".mails a", has_text=READER).first.get_attribute("href")
    page.goto(f"{address}{newest}/html")
    # every page that the mail leads to on this machine, once
    links = [
        link
        for link in page.locator("a").evaluate_all("all => all.map(one => one.href)")
        if link.startswith(address) and "#" not in link
    ]
    paths = {
        "inbox": "/inbox",
        "mail": f"{newest}",
        "digest": f"{newest}/html",
        "changes": "/inbox/changes",
        "front": "/",
    }
    for link in links:
        path = link.removeprefix(address)
        _, page_name, _, *below = path.split("/")
        paths.setdefault("-".join(("link", page_name, *below)), path)
    for name, path in paths.items():
        for device, width in WIDTHS.items():
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(address + path)
                page.screenshot(
                    path=folder / f"{name}-{device}-{scheme}.png", full_page=name != "digest"
                )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--all",
        type=Path,
        metavar="FOLDER",
        help="write every page and mail there, instead of the README's pictures",
    )
    folder = parser.parse_args().all
    with (
        demonstration() as address,
        sync_playwright() as playwright,
        chromium(playwright) as browser,
    ):
        if folder is None:
            for_readme(browser, address)
        else:
            to_look_at(browser, address, folder)


if __name__ == "__main__":
    main()
