"""Find and render the templates of mails and pages.

The operator's folders come first, then the shipped templates. These are inside the package if it
was installed from a wheel, and beside it in a checkout or an editable install. A template of the
operator's that changes one block extends ours under the name `shipped/email/...`. Templates are
compiled once; a changed file takes effect after a restart or `read_again`.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
    select_autoescape,
)
from jinja2 import TemplateError as JinjaError
from jinja2.ext import Extension
from jinja2.nodes import EvalContext
from jinja2.utils import pass_eval_context
from markupsafe import Markup, escape

from digest import locales
from digest.errors import TemplateError
from digest.mail.messages import placeholders

_PACKAGE = Path(__file__).resolve().parents[2]
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)


class RemoveIndentation(Extension):
    """Removes the indentation of mail templates when they are compiled.

    It is for people who edit them, and a fifth of a mail's size.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return (
            _INDENT.sub("", source)
            if name and name.endswith(".html") and "email/" in name
            else source
        )


class PlainOutputTemplate(Template):
    """A template that escapes its output as usual, but into str instead of Markup.

    Making every value a Markup takes a third of the time of a mail.
    """

    @classmethod
    def from_code(
        cls,
        environment: Environment,
        code: CodeType,
        globals: MutableMapping[str, Any],
        uptodate: Callable[[], bool] | None = None,
    ) -> Template:
        template = super().from_code(environment, code, globals, uptodate)
        # the compiled module uses these names for output only; macros and filters still return
        # Markup
        template.root_render_func.__globals__.update(escape=escape_html, str=_plain)
        return template


def escape_html(value: Any) -> str:
    """Like `markupsafe.escape`, for str and placeholders only."""
    if type(value) is not str:
        return (
            placeholders.print_marker(value, escape_html)
            if type(value) is placeholders.Placeholder
            else escape(value)
        )
    return (
        value.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&#39;")
        .replace('"', "&#34;")
    )


@pass_eval_context
def _gettext(context: EvalContext, message: str, /, **values: Any) -> str:
    """A message in the current language; HTML templates escape its values, not its markup."""
    printed = _print_values(context, values)
    text = locales.gettext(message, **printed)
    own = [value for value in values.values() if type(value) is placeholders.Placeholder]
    if own and not context.autoescape:
        return placeholders.Sentence(text, own)
    return _finish(context, text)


@pass_eval_context
def _ngettext(context: EvalContext, one: str, many: str, number: int, /, **values: Any) -> str:
    """The form of a message that goes with a number, which is `%(num)s`."""
    values.pop("num", None)
    printed = _print_values(context, values)
    return _finish(context, locales.ngettext(one, many, number, **printed))


def _print_values(context: EvalContext, values: dict[str, Any]) -> dict[str, str]:
    printed = escape_html if context.autoescape else _plain
    return {name: printed(value) for name, value in values.items()}


def _finish(context: EvalContext, text: str) -> str:
    # the message is ours, and its values are escaped
    return Markup(text) if context.autoescape else text  # noqa: S704


def _paper_language() -> str:
    """An attribute for texts of papers in mails and pages of other languages.

    Sources do not say in which language a paper is; nearly all are in English, which is what a
    screen reader should speak then.
    """
    is_english = locales.current_language() == locales.ENGLISH
    return "" if is_english else Markup(' lang="en"')


def _direction() -> str:
    return locales.text_direction(locales.current_language())


def _plain(value: Any) -> str:
    return (
        placeholders.print_marker(value) if type(value) is placeholders.Placeholder else str(value)
    )


def shipped_folder() -> Path:
    """The folder with the shipped templates.

    Raises:
        TemplateError: the installation has lost them.
    """
    places = (_PACKAGE / "templates", _PACKAGE.parent / "templates")
    for place in places:
        if (place / "email" / "_base").is_dir():
            return place
    raise TemplateError(
        f"the templates are neither in {places[0]} nor in {places[1]}: install the package again"
    )


#: one for each tuple of folders; a process has one, or two after a change of its config
_environments: dict[tuple[Path, ...], Environment] = {}


@contextmanager
def read_again() -> Iterator[None]:
    """Read the templates from their files again; if the block fails, go on with those before."""
    before = dict(_environments)
    _environments.clear()
    try:
        yield
    except BaseException:
        _environments.clear()
        _environments.update(before)
        raise


def environment(folders: tuple[Path, ...] = ()) -> Environment:
    """Return the template environment of mails and pages, made at the first call."""
    known = _environments.get(folders)
    return known or _environments.setdefault(folders, _make_environment(folders))


def _make_environment(folders: tuple[Path, ...]) -> Environment:
    """Make the template environment of mails and pages.

    Names are paths below `folders` (first wins) or the shipped folder, such as
    `email/digest/body.txt`. HTML templates escape values, text templates do not. Using an undefined
    value is an error.
    """
    shipped = FileSystemLoader(shipped_folder())
    jinja = Environment(
        loader=ChoiceLoader(
            [FileSystemLoader(list(folders)), shipped, PrefixLoader({"shipped": shipped})]
        ),
        autoescape=select_autoescape(
            enabled_extensions=("html", "xml"), disabled_extensions=("txt",), default=True
        ),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=[RemoveIndentation, "jinja2.ext.i18n"],
        cache_size=-1,
    )
    jinja.template_class = PlainOutputTemplate
    jinja.policies["ext.i18n.trimmed"] = True
    jinja.newstyle_gettext = True  # type: ignore[attr-defined]
    jinja.globals |= {"gettext": _gettext, "_": _gettext, "ngettext": _ngettext}
    jinja.globals |= {"language": locales.current_language, "direction": _direction}
    jinja.globals["paper_language"] = _paper_language
    jinja.filters["wrap"] = placeholders.wrap
    jinja.filters["colon"] = locales.add_colon
    return jinja


def render(name: str, values: dict[str, Any], folders: tuple[Path, ...] = ()) -> str:
    """The template called `name`, filled with `values`.

    Raises:
        TemplateError: it is missing or broken; the message names file and line.
    """
    jinja = environment(folders)
    try:
        return jinja.get_template(name).render(values)
    except TemplateSyntaxError as error:
        raise TemplateError(
            f"{error.filename or error.name or name}, line {error.lineno}: {error.message}"
        ) from error
    except TemplateNotFound as error:
        places = ", ".join(str(place) for place in (*folders, shipped_folder()))
        raise TemplateError(
            f"no template {error.name} (wanted by {_place(error) or name}) in {places}"
        ) from error
    except (
        JinjaError,
        TypeError,
        ValueError,
        LookupError,
        ArithmeticError,
        AttributeError,
    ) as error:
        raise TemplateError(f"{_place(error) or name}: {error}") from error


def _place(error: Exception) -> str:
    """Return file and line of the innermost template in a traceback.

    "" if there is no template in it.
    """
    suffixes = (".txt", ".html", ".xml")
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.endswith(suffixes):
            return f"{frame.filename}, line {frame.lineno}"
    return ""
