"""Removal of markup from titles and abstracts: JATS, MathML, a little HTML.

Knows no format and no file.

JATS is the tag set of journal articles, https://jats.nlm.nih.gov; publishers write abstracts in it,
with or without the prefix `jats:`. Only known tags are tags: "<T>" in a title about types stays,
and so does every "a < b". Entities stay, too: they are resolved later, once. One pass without a
tree, so unbalanced markup is no error. Never raises.
"""

from __future__ import annotations

import re
from typing import Final

#: characters of a text that are read; a longer text is a whole article
TEXT_CAP: Final = 256 * 1024

_TAG: Final = re.compile(
    r"<!--[^<>]{0,500}+(?<=--)>|<!\[CDATA\[|\]\]>|<("
    r"/?)([A-Za-z]{1,8}:)?([A-Za-z][A-Za-z0-9-]{0,30})"
    r"(?:\s++[\w:.-]{1,60}+\s*+=\s*+(?:\"[^\"<]{0,2000}+\"|'[^'<]{0,2000}+')){0,30}+\s*+(/?)>",
    re.DOTALL,
)
#: markup that was escaped once too often
_ESCAPED: Final = re.compile(
    r"&lt;(/?(?:jats:)?(?:i|b|u|p|em|sub|sup|scp|sc|bold|strong|italic|title|sec)\s?/?)&gt;"
)
#: most tags are fonts, so they are removed first, in one step
_FONT_TAGS: Final = re.compile(
    r"</?(?:jats:)?(?:italic|i|bold|b|em|strong|scp?|underline|u|monospace)>"
)
_SPACE: Final = re.compile(r"\s+")
#: levels of elements that are tracked
_DEPTH_CAP: Final = 100

_BLOCK_NAMES: Final = (
    "p sec abstract trans-abstract list list-item def-list def-item disp-formula disp-quote "
    "boxed-text br break div ul ol li dl dt dd "
    "h1 h2 h3 h4 h5 h6 section article body"
)
_INLINE_NAMES: Final = (
    "i b u a em strong italic bold sub sup sc scp tt small big span font underline overline strike "
    "monospace sans-serif roman inf "
    "styled-content named-content ext-link uri email xref inline-formula inline-graphic graphic "
    "alternatives tex-math math label caption "
    "related-article related-object fn institution abbrev private-char "
    "inline-supplementary-material term def media fig"
)
_MATH_NAMES: Final = (
    "math mrow mi mn mo mtext mspace mstyle msup msub msubsup mfrac msqrt mroot mover munder "
    "munderover mfenced mtable mtr mtd semantics "
    "annotation annotation-xml mpadded mphantom menclose mmultiscripts mprescripts none merror "
    "maction ms"
)
_BLOCKS: Final = frozenset(_BLOCK_NAMES.split())
_KNOWN: Final = _BLOCKS | {"title", *_INLINE_NAMES.split(), *_MATH_NAMES.split()}
#: elements whose text does not belong to the paper, or repeats it
_OMITTED: Final = frozenset(
    {"annotation", "annotation-xml", "private-char", "graphic", "inline-graphic", "media", "label"}
)
#: element -> text between its first and second child
_BETWEEN: Final = {"msup": "^", "msub": "_", "mfrac": "/"}
_RAISED: Final = dict(zip("0123456789+-−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾", strict=True))
_LOWERED: Final = dict(zip("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True))


def strip_title_markup(text: str) -> str:
    """Return a title on one line, without markup."""
    if "<" not in text and "&lt;" not in text:
        return text
    return " ".join(_Stripper(paragraphs=False).strip(text).split())


def strip_abstract_markup(text: str) -> str:
    r"""Return an abstract without markup.

    Paragraphs are separated by "\n\n". Headings become "Methods: ...", and a first heading
    "Abstract" is removed. A text without tags is returned unchanged.
    """
    if "<" not in text and "&lt;" not in text:
        return text
    stripper = _Stripper(paragraphs=True)
    stripped = stripper.strip(text)
    return (
        "\n\n".join(
            filter(None, (" ".join(paragraph.split()) for paragraph in stripped.split("\n\n")))
        )
        if stripper.has_tags
        else text
    )


def shift_script(name: str, text: str) -> str:
    """Convert the text of `sup` or `sub` to raised or lowered characters.

    Unchanged if one of the characters has no such form.
    """
    table = _RAISED if name == "sup" else _LOWERED
    return (
        "".join(table[character] for character in text)
        if all(character in table for character in text)
        else text
    )


class _Stripper:
    """One pass over a text."""

    def __init__(self, *, paragraphs: bool) -> None:
        self._paragraphs = paragraphs
        self._parts: list[str] = []
        #: open elements: name, number of children, where its text begins in `_parts`
        self._open_elements: list[tuple[str, int, int]] = []
        #: the element whose text is being left out
        self._omitted = ""
        self._tex = False
        #: nothing has followed a heading yet, so no paragraph begins
        self._after_heading = False
        #: whether any text has come, and whether it had when the current heading began
        self._has_text = False
        self._had_text_before = False
        self.has_tags = False

    def strip(self, text: str) -> str:
        text, fonts = _FONT_TAGS.subn(
            "", _ESCAPED.sub(r"<\1>", text[:TEXT_CAP]) if "&lt;" in text else text[:TEXT_CAP]
        )
        self.has_tags = fonts > 0
        self._tex = "tex-math>" in text
        position = 0
        for tag in _TAG.finditer(text):
            closing, prefix, name, empty = tag.groups()
            name = (name or "").lower()
            if name and name not in _KNOWN and not prefix:
                continue
            self.has_tags = True
            self._add_text(text[position : tag.start()])
            position = tag.end()
            if closing:
                self._close(name)
            elif name:
                self._start(name, bool(empty))
        self._add_text(text[position:])
        return "".join(self._parts)

    def _add_text(self, text: str) -> None:
        if not text or self._omitted:
            return
        text = _SPACE.sub(" ", text)
        if text != " ":
            self._after_heading, self._has_text = False, True
        self._parts.append(text)

    def _start(self, name: str, empty: bool) -> None:
        if self._omitted:
            return
        if self._open_elements:
            parent, children, start = self._open_elements[-1]
            self._open_elements[-1] = (parent, children + 1, start)
            if children == 1 and parent in _BETWEEN:
                self._parts.append(_BETWEEN[parent])
        if name in _BLOCKS or name == "title":
            self._begin_paragraph()
        if name == "title":
            self._had_text_before = self._has_text
        if empty or len(self._open_elements) > _DEPTH_CAP:
            return
        if name in _OMITTED or (name == "math" and self._tex):
            self._omitted = name
            return
        self._open_elements.append((name, 0, len(self._parts)))

    def _close(self, name: str) -> None:
        if self._omitted:
            if name == self._omitted:
                self._omitted = ""
            return
        # Unbalanced markup is accepted within a few levels, so that no text takes quadratic time.
        depth = next(
            (
                level
                for level in range(1, min(len(self._open_elements), 8) + 1)
                if self._open_elements[-level][0] == name
            ),
            0,
        )
        if depth:
            start = self._open_elements[-depth][2]
            del self._open_elements[-depth:]
            inner = "".join(self._parts[start:])
            if name in ("sub", "sup", "inf", "tex-math", "title"):
                del self._parts[start:]
                self._parts.append(self._convert(name, inner))
        if name in _BLOCKS:
            self._begin_paragraph()

    def _convert(self, name: str, inner: str) -> str:
        if name == "title":
            return self._convert_heading(inner)
        if name == "tex-math":
            inner = inner.partition("\\begin{document}")[2].partition("\\end{document}")[0] or inner
            return f"${inner.strip().strip('$').strip()}$"
        shifted = shift_script(name, inner)
        # Raised after a number it is a power. Any other text that cannot be raised stays as it is.
        return (
            f"^{inner}"
            if shifted == inner
            and name == "sup"
            and inner.isalnum()
            and "".join(self._parts[-1:])[-1:].isdigit()
            else shifted
        )

    def _convert_heading(self, text: str) -> str:
        words = " ".join(text.split())
        is_first, self._has_text = not self._had_text_before, self._had_text_before
        if not self._paragraphs:
            return words
        if not words or (is_first and words.lower().strip(" .:") in ("abstract", "summary")):
            return ""
        self._after_heading = self._has_text = True
        return f"{words} " if words.endswith((":", ".", "?", "!")) else f"{words}: "

    def _begin_paragraph(self) -> None:
        if not self._after_heading:
            self._parts.append("\n\n" if self._paragraphs else " ")
