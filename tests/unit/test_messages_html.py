"""The HTML of the golden mails for browsers, screen readers and mail providers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from digest.locales import gettext, use_language
from tests import golden

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/body.html"))
#: of the cases that are not in English
LANGUAGES = {"digest-german": "de", "welcome-french-local": "fr"}
VOID = {"meta", "br"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    above: Element | None
    text: str = ""
    inside: list[Element] = field(default_factory=list)

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())

    def all(self) -> Iterator[Element]:
        yield self
        for element in self.inside:
            yield from element.all()

    def ancestors(self) -> Iterator[Element]:
        element: Element | None = self
        while element is not None:
            yield element
            element = element.above

    def words(self) -> str:
        return self.text + "".join(element.words() for element in self.inside)


class Tree(HTMLParser):
    """A tree of elements; the parser refuses improper nesting."""

    def __init__(self) -> None:
        super().__init__()
        self.root = self.here = Element("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.inside.append(element)
        if tag not in VOID:
            self.here = element

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag, f"</{tag}> closes <{self.here.tag}>"
        assert self.here.above is not None
        self.here = self.here.above

    def handle_data(self, data: str) -> None:
        self.here.text += data


def tree(case: str) -> Element:
    parser = Tree()
    parser.feed((GOLDEN / case / "body.html").read_text("utf-8"))
    parser.close()
    assert parser.here is parser.root
    return parser.root


def tags(root: Element, name: str) -> list[Element]:
    return [element for element in root.all() if element.tag == name]


@pytest.mark.parametrize("case", CASES)
def test_a_mail_is_well_formed_and_says_what_it_is(case: str) -> None:
    root = tree(case)
    (html,) = tags(root, "html")
    assert (html.attributes["lang"], html.attributes["dir"]) == (LANGUAGES.get(case, "en"), "ltr")
    assert len(tags(root, "h1")) == 1
    (title,) = tags(root, "title")
    assert title.text == (GOLDEN / case / "subject.txt").read_text("utf-8").strip()
    assert all(table.attributes["role"] == "presentation" for table in tags(root, "table"))
    named = {
        meta.attributes.get("name"): meta.attributes.get("content") for meta in tags(root, "meta")
    }
    assert named["color-scheme"] == named["supported-color-schemes"] == "light dark"


@pytest.mark.parametrize("case", CASES)
def test_a_mail_loads_nothing_and_runs_nothing(case: str) -> None:
    root = tree(case)
    assert {element.tag for element in root.all()} <= {
        *("", "html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td"),
        *("h1", "h2", "ol", "li", "p", "a", "b", "i", "span", "bdi", "br"),
    }
    anchors = {a.attributes["name"] for a in tags(root, "a") if "name" in a.attributes}
    for element in root.all():
        assert not {
            name
            for name in element.attributes
            if name.startswith("on") or name in ("src", "background", "srcset")
        }
        own = (
            ("http://127.0.0.1:8025", "mailto:alice@example.net?")
            if case.endswith("-local")
            else ()
        )
        href = element.attributes.get("href", "https:")
        assert href.startswith(("https:", *own)) or href.removeprefix("#") in anchors
        assert "url(" not in element.attributes.get("style", "")
    assert not re.search(r"url\(|@import|@font-face", tags(root, "style")[0].text)


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("digest-")])
def test_every_paper_has_a_heading_and_buttons_that_name_it(case: str) -> None:
    root = tree(case)
    numbers, headings = zip(
        *(h2.words().strip().split(". ", 1) for h2 in tags(root, "h2")), strict=True
    )
    assert numbers == tuple(str(number) for number in range(1, len(headings) + 1))
    titles = [element.words().rstrip("…") for element in tags(root, "li")]
    assert len(titles) == (len(headings) if len(headings) > 1 else 0)
    assert all(heading.startswith(title) for heading, title in zip(headings, titles, strict=False))
    buttons = [a for a in tags(root, "a") if "aria-label" in a.attributes]
    assert str(len(headings)) == tags(root, "h1")[0].text.split()[0]
    assert all(heading.attributes["dir"] == "auto" for heading in tags(root, "h2"))
    with use_language(LANGUAGES.get(case, "en")):
        names = [gettext("More like this"), gettext("Less like this")]
    for name in names:
        labels = [a.attributes["aria-label"] for a in buttons if a.words() == name]
        assert len(labels) == len(headings)
        for label, heading in zip(labels, headings, strict=True):
            assert label.startswith(f"{name}: {heading[:30].strip()}")


def test_twenty_papers_stay_below_what_mail_programs_clip() -> None:
    assert len(golden.write("digest-twenty").data) < 100_000
    assert len(tags(tree("digest-twenty"), "h2")) == 20


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2, 0 (black) to 1 (white)."""
    digits = colour.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(colour: str, other: str) -> float:
    light, dark = sorted((luminance(colour), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def dark_rules(root: Element) -> list[tuple[str, bool, dict[str, str]]]:
    """Read the rules of the style for dark mode, in order.

    Returns:
        (class, whether the rule is for links inside, declarations) of each.
    """
    style = tags(root, "style")[0].text
    block = style.partition("(prefers-color-scheme: dark) {")[2]
    rules = []
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", block):
        declared = dict(re.findall(r"([a-z-]+): (#[0-9a-f]{3,6}) !important", body))
        rules += [
            (
                selector.strip().removeprefix(".").removesuffix(" a"),
                selector.strip().endswith(" a"),
                declared,
            )
            for selector in selectors.split(",")
        ]
    return rules


def colour_of(element: Element, name: str, rules: list[tuple[str, bool, dict[str, str]]]) -> str:
    """Return the colour, or background, of an element; `rules` override its style."""
    for place in element.ancestors():
        value = (
            re.findall(rf"(?:^|;){name}:(#[0-9a-f]+)", place.attributes.get("style", "")) or [""]
        )[-1]
        for class_name, links, declared in rules:
            matches = (
                any(class_name in over.classes for over in place.ancestors()) and place.tag == "a"
                if links
                else class_name in place.classes
            )
            if matches and name in declared:
                value = declared[name]
        if value:
            return value
    raise AssertionError(f"no {name} for <{element.tag}> {element.text!r}")


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("case", CASES)
def test_all_text_has_enough_contrast(case: str, mode: str) -> None:
    root = tree(case)
    rules = dark_rules(root) if mode == "dark" else []
    assert bool(rules) == (mode == "dark")
    hidden = ("head", "title", "style")
    texts = [
        e
        for e in tags(root, "body")[0].all()
        if e.text.strip("\n\xa0\u200c\u034f ")
        and e.tag not in hidden
        and "aria-hidden" not in e.attributes
    ]
    assert len(texts) > 3
    for element in texts:
        ratio = contrast(
            colour_of(element, "color", rules), colour_of(element, "background-color", rules)
        )
        assert ratio >= 4.5, f"{ratio:.2f} for {element.text.strip()!r}"
