"""Every sentence of a template is marked for the catalogues."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from digest.mail.messages.templates import shipped_folder

FOLDER = shipped_folder()
#: what is English on purpose: the demonstration, reports for whoever runs the service, and what
#: programs and their makers read
ENGLISH = {
    "web/changes.html",
    "web/docs.html",
    "web/evaluation.html",
    "web/feed.xml",
    "web/inbox.html",
    "email/alert/body.html",
    "email/alert/body.txt",
    "email/alert/subject.txt",
    "web/evaluation_figures.html",
}

_MARKED = re.compile(
    r"\{%-?\s*trans\b.*?%\}.*?\{%-?\s*endtrans\s*-?%\}|_\(\s*(?:\"(?:[^\"\\]|\\.)*\")|"
    r"ngettext\(\s*\"(?:[^\"\\]|\\.)*\",\s*\"(?:[^\"\\]|\\.)*\"",
    re.DOTALL,
)
_UNSEEN = re.compile(r"\{#.*?#\}|<!--.*?-->|<style\b.*?</style>|<!doctype[^>]*>", re.DOTALL | re.I)
_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
#: tags, entities, and attributes that a macro adds to a tag
_MARKUP = re.compile(r'<[^>]*>|&#?\w+;|\b[a-z-]+="[^"]*"')
_READ_OUT = re.compile(r'\b(?:aria-label|alt|placeholder|title)="([^"]*)"')
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
#: a text for people, as against a name in code: it begins large, or has several words
_FOR_PEOPLE = re.compile(r"[A-Z][a-z]|[a-z]+ [a-z]+")


def find_unmarked(source: str) -> list[str]:
    """Texts of a template that a reader sees and no catalogue can translate."""
    source = _MARKED.sub(" ", _UNSEEN.sub(" ", source))
    literals = [text for code in _CODE.findall(source) for text in _LITERAL.findall(code)]
    plain = _CODE.sub(" ", source)
    shown = " ".join([_MARKUP.sub("\n", plain), *_READ_OUT.findall(plain)])
    return [
        *(line.strip() for line in shown.splitlines() if re.search("[A-Za-z]{2}", line)),
        *(text for text in literals if _FOR_PEOPLE.search(text) and "/" not in text),
    ]


def templates() -> list[str]:
    """Names of all templates but the operator's pages, which are English."""
    found = (path for kind in ("html", "txt", "xml") for path in FOLDER.rglob(f"*.{kind}"))
    names = (Path(path).relative_to(FOLDER).as_posix() for path in found)
    return sorted(name for name in names if not name.startswith("web/operator/"))


@pytest.mark.parametrize("name", sorted(set(templates()) - ENGLISH))
def test_a_template_is_marked(name: str) -> None:
    assert find_unmarked((FOLDER / name).read_text("utf-8")) == []


@pytest.mark.parametrize("name", sorted(ENGLISH))
def test_the_lists_name_only_templates_with_unmarked_text(name: str) -> None:
    assert find_unmarked((FOLDER / name).read_text("utf-8")) != []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Stop here</p>",
        '<img alt="A picture">',
        '{{ "Yes" if left else "No" }}',
        "{% if a %}text{% endif %}",
        '<p>{{ _("One") }} and two</p>',
        '{{ macro(href, "Read two") }}',
    ],
)
def test_unmarked_text_is_found(source: str) -> None:
    assert find_unmarked(source)


@pytest.mark.parametrize(
    "source",
    [
        '<p class="quiet wide">{{ _("Stop \\"here\\".") }}</p>',
        "<p>{% trans name=who %}Stop <b>here</b>, {{ name }}{% pluralize %}x{% endtrans %}</p>",
        '{% extends "web/base.html" %}{{ a }} · {{ b | wrap(4) }}',
        "{# a note for people #}",
    ],
)
def test_marked_text_is_not(source: str) -> None:
    assert find_unmarked(source) == []
