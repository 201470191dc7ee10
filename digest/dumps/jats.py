"""Mark-up inside the titles and abstracts of JSON sources (JATS, MathML, a little HTML) -> text.

Knows no format and no file.

JATS is the tag set of journal articles, https://jats.nlm.nih.gov; publishers deposit abstracts in
it, with or without the prefix `jats:`. Only tags that are known are taken for tags: "<T>" in a
title about types stays as it is, and so does every "a < b". Entities stay, too: they are resolved
once, later. One pass, no tree: unbalanced mark-up is no error. Never raises.
"""

from __future__ import annotations

import re
from typing import Final

#: characters of a text that are looked at; more is a whole article
LONGEST: Final = 256 * 1024

_TAG: Final = re.compile(
    r"<!--[^<>]{0,500}+(?<=--)>|<!\[CDATA\[|\]\]>|<(/?)([A-Za-z]{1,8}:)?([A-Za-z][A-Za-z0-9-]{0,30})"
    r"(?:\s++[\w:.-]{1,60}+\s*+=\s*+(?:\"[^\"<]{0,2000}+\"|'[^'<]{0,2000}+')){0,30}+\s*+(/?)>",
    re.DOTALL,
)
#: mark-up that was escaped once too often on its way
_ESCAPED: Final = re.compile(
    r"&lt;(/?(?:jats:)?(?:i|b|u|p|em|sub|sup|scp|sc|bold|strong|italic|title|sec)\s?/?)&gt;"
)
#: tags of nothing but fonts go first and all at once: they are most of the tags
_FONTS: Final = re.compile(
    r"</?(?:jats:)?(?:italic|i|bold|b|em|strong|scp?|underline|u|monospace)>"
)
_SPACE: Final = re.compile(r"\s+")
#: levels of elements that are kept apart; deeper ones are text
_DEEPEST: Final = 100

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
#: elements whose text is none of the paper's, or says the same again
_SILENT: Final = frozenset(
    {"annotation", "annotation-xml", "private-char", "graphic", "inline-graphic", "media", "label"}
)
#: what stands between the first and the second child
_BETWEEN: Final = {"msup": "^", "msub": "_", "mfrac": "/"}
_RAISED: Final = dict(zip("0123456789+-−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾", strict=True))
_LOWERED: Final = dict(zip("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True))


def strip_title_markup(text: str) -> str:
    """A title on one line, without the mark-up in it."""
    if "<" not in text and "&lt;" not in text:
        return text
    return " ".join(_Stripper(paragraphs=False).strip(text).split())


def strip_abstract_markup(text: str) -> str:
    r"""An abstract without mark-up: paragraphs parted by "\n\n", headings as "Methods: ..." before
    what they head, a first "Abstract" gone.

    A text without any tag is given back as it is.
    """
    if "<" not in text and "&lt;" not in text:
        return text
    stripper = _Stripper(paragraphs=True)
    made = stripper.strip(text)
    return (
        "\n\n".join(filter(None, (" ".join(one.split()) for one in made.split("\n\n"))))
        if stripper.found
        else text
    )


def shift_script(name: str, text: str) -> str:
    """Text of an element `sup` or `sub` in raised or lowered characters, where there are such for
    all of it; else as it is.
    """
    table = _RAISED if name == "sup" else _LOWERED
    return "".join(table[sign] for sign in text) if all(sign in table for sign in text) else text


class _Stripper:
    """One pass over one text."""

    def __init__(self, *, paragraphs: bool) -> None:
        self._paragraphs = paragraphs
        self._out: list[str] = []
        #: open elements: name, number of children, where its text begins in `_out`
        self._open: list[tuple[str, int, int]] = []
        #: the element whose text is left out
        self._silent = ""
        self._tex = False
        #: nothing has come since a heading, so no paragraph begins
        self._headed = False
        #: any text has come, and had when the heading at hand began
        self._begun = False
        self._begun_before = False
        self.found = False

    def strip(self, text: str) -> str:
        text, fonts = _FONTS.subn(
            "", _ESCAPED.sub(r"<\1>", text[:LONGEST]) if "&lt;" in text else text[:LONGEST]
        )
        self.found = fonts > 0
        self._tex = "tex-math>" in text
        at = 0
        for tag in _TAG.finditer(text):
            closing, prefix, name, empty = tag.groups()
            name = (name or "").lower()
            if name and name not in _KNOWN and not prefix:
                continue
            self.found = True
            self._text(text[at : tag.start()])
            at = tag.end()
            if closing:
                self._close(name)
            elif name:
                self._start(name, bool(empty))
        self._text(text[at:])
        return "".join(self._out)

    def _text(self, text: str) -> None:
        if not text or self._silent:
            return
        text = _SPACE.sub(" ", text)
        if text != " ":
            self._headed, self._begun = False, True
        self._out.append(text)

    def _start(self, name: str, empty: bool) -> None:
        if self._silent:
            return
        if self._open:
            parent, children, begun = self._open[-1]
            self._open[-1] = (parent, children + 1, begun)
            if children == 1 and parent in _BETWEEN:
                self._out.append(_BETWEEN[parent])
        if name in _BLOCKS or name == "title":
            self._break()
        if name == "title":
            self._begun_before = self._begun
        if empty or len(self._open) > _DEEPEST:
            return
        if name in _SILENT or (name == "math" and self._tex):
            self._silent = name
            return
        self._open.append((name, 0, len(self._out)))

    def _close(self, name: str) -> None:
        if self._silent:
            if name == self._silent:
                self._silent = ""
            return
        # Unbalanced mark-up is forgiven within a few levels, so that no text makes this quadratic.
        place = next(
            (
                back
                for back in range(1, min(len(self._open), 8) + 1)
                if self._open[-back][0] == name
            ),
            0,
        )
        if place:
            begun = self._open[-place][2]
            del self._open[-place:]
            inner = "".join(self._out[begun:])
            if name in ("sub", "sup", "inf", "tex-math", "title"):
                del self._out[begun:]
                self._out.append(self._made(name, inner))
        if name in _BLOCKS:
            self._break()

    def _made(self, name: str, inner: str) -> str:
        if name == "title":
            return self._heading(inner)
        if name == "tex-math":
            inner = inner.partition("\\begin{document}")[2].partition("\\end{document}")[0] or inner
            return f"${inner.strip().strip('$').strip()}$"
        made = shift_script(name, inner)
        # Raised behind a number it is a power; whatever else cannot be raised or lowered reads on.
        return (
            f"^{inner}"
            if made == inner
            and name == "sup"
            and inner.isalnum()
            and "".join(self._out[-1:])[-1:].isdigit()
            else made
        )

    def _heading(self, text: str) -> str:
        words = " ".join(text.split())
        first, self._begun = not self._begun_before, self._begun_before
        if not self._paragraphs:
            return words
        if not words or (first and words.lower().strip(" .:") in ("abstract", "summary")):
            return ""
        self._headed = self._begun = True
        return f"{words} " if words.endswith((":", ".", "?", "!")) else f"{words}: "

    def _break(self) -> None:
        if not self._headed:
            self._out.append("\n\n" if self._paragraphs else " ")
