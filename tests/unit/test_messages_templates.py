"""The folders of templates, and the report of a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from digest.errors import TemplateError
from digest.mail.messages import environment, render, templates
from tests.unit.mails import put


def test_the_operators_folder_comes_first_and_the_shipped_one_after(tmp_path: Path) -> None:
    folders = put(tmp_path, "email/goodbye/subject.txt", "So long, {{ product }}")
    assert render("email/goodbye/subject.txt", {"product": "X"}, folders) == "So long, X"
    assert "Welcome" in render("email/welcome/subject.txt", {"product": "X"}, folders)


def test_an_operator_can_change_one_block_of_a_shipped_template(tmp_path: Path) -> None:
    folders = put(
        tmp_path,
        "email/x/body.txt",
        '{% extends "shipped/email/_base/body.txt" %}{% block content %}Mine{% endblock %}',
    )
    text = render("email/x/body.txt", {"links": None, "postal": ()}, folders)
    assert text.startswith("Mine")
    assert "------" in text


def test_html_escapes_and_text_does_not(tmp_path: Path) -> None:
    put(tmp_path, "x.html", "{{ value }}")
    folders = put(tmp_path, "x.txt", "{{ value }}")
    assert render("x.html", {"value": "<&>"}, folders) == "&lt;&amp;&gt;"
    assert render("x.txt", {"value": "<&>"}, folders) == "<&>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\n{% if %}\n", r"x\.txt, line 2"),
        ("one\ntwo\n{{ nobody_gave_this }}\n", r"x\.txt, line 3: 'nobody_gave_this' is undefined"),
        ("one\n{{ 1 / 0 }}\n", r"x\.txt, line 2: division by zero"),
        (
            "one\n{% include 'lost.txt' %}\n",
            r"no template lost\.txt \(wanted by .*x\.txt, line 2\)",
        ),
    ],
)
def test_a_broken_template_is_reported_with_file_and_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    folders = put(tmp_path, "x.txt", text)
    with pytest.raises(TemplateError, match=expected):
        render("x.txt", {}, folders)


def test_a_missing_template_is_reported_with_the_places_searched(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"no template email/none/body\.txt") as caught:
        render("email/none/body.txt", {}, (tmp_path,))
    assert str(tmp_path) in str(caught.value)


def test_an_installation_without_templates_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "_PACKAGE", tmp_path / "digest")
    with pytest.raises(TemplateError, match="install the package again"):
        templates.shipped_folder()


def test_templates_inside_the_package_win_over_those_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "_PACKAGE", tmp_path / "digest")
    (tmp_path / "templates" / "email" / "_base").mkdir(parents=True)
    assert templates.shipped_folder() == tmp_path / "templates"
    (tmp_path / "digest" / "templates" / "email" / "_base").mkdir(parents=True)
    assert templates.shipped_folder() == tmp_path / "digest" / "templates"


def test_the_environment_is_made_once_for_the_same_folders(tmp_path: Path) -> None:
    assert environment((tmp_path,)) is environment((tmp_path,))


@pytest.mark.parametrize(
    "value", ["", "plain", "<&>'\"", "&amp;", 5, None, Markup("<b>"), "<i>" * 3]
)
def test_values_are_escaped_as_the_library_does_it(value: object) -> None:
    jinja = environment()
    assert str(templates.escape_html(value)) == str(escape(value))
    for source in (
        "{{ value }}",
        "{% macro a(value) %}{{ value }}{% endmacro %}{{ a(value) }}",
        "{% set a %}{{ value }}{% endset %}{{ a }}",
    ):
        assert jinja.from_string(source).render(value=value) == str(escape(value))
    assert jinja.from_string("{{ value ~ '<' }}").render(value=value) == str(escape(value)) + "&lt;"


@given(st.text())
def test_any_text_is_escaped_as_the_library_does_it(text: str) -> None:
    assert templates.escape_html(text) == str(escape(text))


#: what a stranger may write into a title, a name or a keyword
HOSTILE = (
    "{{ 7 * 6 }}{% include 'email/_base/body.txt' %}{# gone #}{{ cycler.__init__.__globals__ }}"
)


@pytest.mark.parametrize("name", ["email/x/body.txt", "email/x/body.html", "web/x.html"])
def test_a_value_from_outside_is_never_a_template(tmp_path: Path, name: str) -> None:
    folders = put(tmp_path, name, "<p>{{ value }} {{ value | upper }}</p>")
    text = render(name, {"value": HOSTILE}, folders)
    assert "42" not in text
    assert text.count("{{ 7 * 6 }}") == text.upper().count("{# GONE #}") == 2


@pytest.mark.parametrize(
    "name", ["../secret.txt", "email/../../secret.txt", "/etc/passwd", "shipped/../x"]
)
def test_no_template_name_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    with pytest.raises(TemplateError, match="no template"):
        render(name, {}, (tmp_path / "inner",))
