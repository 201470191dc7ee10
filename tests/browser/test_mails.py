"""The mails in Chromium, light and dark, narrow and wide, and three checkers.

`npm ci` in this folder installs the checkers; node itself comes with playwright.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import playwright
import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import skip_or_fail
from tests.golden import FOLDER, cases, write_many

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HERE = Path(__file__).resolve().parent
NODE = Path(playwright.__file__).parent / "driver" / "node"
CASES = cases()
MAILS = [*CASES, "many"]


def tool(path: str) -> Path:
    """Return the path of a file of one of the checkers."""
    file = HERE / "node_modules" / path
    if not file.is_file():
        skip_or_fail(f"{path} is not installed: npm ci --prefix {HERE}")
    return file


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Name -> HTML file of each golden mail.

    And of one with so many papers that the last are listed in short.
    """
    folder = tmp_path_factory.mktemp("mails")
    html = {case: (FOLDER / case / "body.html").read_text("utf-8") for case in CASES} | {
        "many": write_many(60).html
    }
    for name, text in html.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return {name: folder / f"{name}.html" for name in html}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page; at its end nothing was fetched, and no error was logged."""
    context = browser.new_context(viewport={"width": 600, "height": 900})
    opened = context.new_page()
    urls: list[str] = []
    errors: list[str] = []
    opened.on("request", lambda request: urls.append(request.url))
    opened.on("console", lambda message: errors.append(message.text))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert [url for url in urls if not url.startswith("file:")] == []
    assert errors == []


#: a mail is a part of a page, and landmarks are the page's; the size of targets is looked at only
#: when asked
_AXE = """rules => axe.run(document, {rules, resultTypes: ['violations']}).then(
    ({violations, passes}) => ({
        violations: violations.map(
            ({id, nodes}) => [id, nodes[0].html.slice(0, 200), nodes.length]),
        passes: passes.map(({id}) => id)}))"""
_RULES = {
    "region": {"enabled": False},
    "landmark-one-main": {"enabled": False},
    "target-size": {"enabled": True},
}


@pytest.mark.parametrize("name", MAILS)
def test_axe_finds_nothing_in_light_or_dark(page: Page, mails: dict[str, Path], name: str) -> None:
    axe = tool("axe-core/axe.min.js").read_text("utf-8")
    page.goto(mails[name].as_uri())
    page.evaluate(axe)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        outcome = page.evaluate(_AXE, _RULES)
        assert (scheme, outcome["violations"]) == (scheme, [])
        assert {"color-contrast"} | ({"target-size"} if name != "alert" else set()) <= set(
            outcome["passes"]
        )


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_fits_every_screen_and_its_buttons_a_thumb(
    page: Page, mails: dict[str, Path], name: str
) -> None:
    page.goto(mails[name].as_uri())
    for width in (320, 600, 1200):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        sheet = page.locator(".sheet").bounding_box()
        assert sheet is not None
        assert sheet["width"] <= 602
        boxes = page.evaluate(
            "[...document.querySelectorAll('.main a, .side a')].map(one => "
            "one.getBoundingClientRect().toJSON())"
        )
        assert all(
            box["height"] >= 44 and 0 <= box["left"] < box["right"] <= width for box in boxes
        )


# ----------------------------------------------------------------------------------------------
# checkers


#: rules of html-validate that web pages have to keep and mails must not
_ONLY_FOR_PAGES = {
    "long-title": "the title is the subject",
    "no-inline-style": "Gmail and others drop or rewrite <style>",
    "no-conditional-comment": "Outlook on Windows lays out by them",
    "no-deprecated-attr": (
        "Outlook on Windows takes width, align and cellpadding from attributes alone"
    ),
    "prefer-tbody": "it would only make the mail longer",
    "presentation-role-style": "screen readers know the older word as well",
    "prefer-native-element": "mail programs drop <article>",
}


def test_html_validate_finds_nothing(mails: dict[str, Path], tmp_path: Path) -> None:
    program = tool("html-validate/bin/html-validate.mjs")
    rules = dict.fromkeys(_ONLY_FOR_PAGES, "off")
    (tmp_path / "config.json").write_text(
        json.dumps({"root": True, "extends": ["html-validate:recommended"], "rules": rules})
    )
    report = tmp_path / "told.json"
    words = [
        program,
        "--config",
        tmp_path / "config.json",
        "--formatter",
        f"json={report}",
        *mails.values(),
    ]
    subprocess.run([NODE, *map(str, words)], capture_output=True, timeout=120, check=False)
    files = json.loads(report.read_text("utf-8"))
    assert [
        (Path(file["filePath"]).name, message["ruleId"], message["message"], message["line"])
        for file in files
        for message in file["messages"]
    ] == []


#: what some mail program does not know, as caniemail calls it, and why the mail is whole without it
_MAY_BE_MISSING = {
    "color-scheme CSS property": "the inline colours are those of the light scheme",
    "color-scheme meta tag": "the same",
    "@media": "Outlook on Windows shows the light scheme at 600 px",
    "<style> element": (
        "Gmail drops it for accounts of other providers: light scheme, narrow by max-width alone"
    ),
    "Type selector": "only in <style>, for a:hover and body",
    ":hover": "an underline under the pointer",
    "display:none": "the preheader is also 0 px high and hidden by mso-hide",
    "max-height property": "the preheader is also not displayed",
    "overflow": "the same",
    "overflow-wrap": "only words longer than a line run out of it",
    "<bdi> element": "only in an address, which is left to right as it is",
    "table-layout": "columns follow their contents",
    "border-radius": "corners are square",
    "Local anchors": "the list on top is read as a list of titles, and looks like one",
    "<body> element": "its colour is on the outer table too",
    "aria-hidden attribute": "the preheader is read out, which says what follows",
    "aria-label attribute": "links are read by their text",
    "role attribute": "tables are read as tables",
}

_CANIEMAIL = """
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
const [, , library, out, ...files] = process.argv;
const { caniemail } = await import(pathToFileURL(library));
const found = {};
for (const file of files) {
  const clients = ['gmail.*', 'outlook.*', 'apple-mail.*'];
  const { issues } = caniemail({ clients, html: readFileSync(file, 'utf8') });
  for (const [client, list] of issues.errors)
    for (const { title } of list) (found[title] ??= {})[client] = file;
}
writeFileSync(out, JSON.stringify(found));
"""


def test_the_mails_need_no_feature_that_mail_programs_lack(
    mails: dict[str, Path], tmp_path: Path
) -> None:
    library = tool("caniemail/dist/index.js")
    (tmp_path / "run.mjs").write_text(_CANIEMAIL)
    words = [NODE, tmp_path / "run.mjs", library, tmp_path / "found.json", *mails.values()]
    subprocess.run(list(map(str, words)), capture_output=True, timeout=120, check=True)
    features: dict[str, dict[str, str]] = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert {
        title: clients for title, clients in features.items() if title not in _MAY_BE_MISSING
    } == {}
    assert "gmail.desktop-webmail" in features["<bdi> element"]
