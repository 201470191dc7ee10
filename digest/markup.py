"""Removal of markup from titles and abstracts: HTML, MathML, JATS.

Knows no format and no file.

JATS is the tag set of journal articles, https://jats.nlm.nih.gov; publishers write abstracts in it,
with or without the prefix `jats:`. Only known tags are tags: "<T>" in a title about types stays,
and so does every "a < b". Nothing is a tag that could be mathematics or a word between signs:
"x<p>y" and "the token <table>" stay, since nothing closes them. Entities stay, too. One pass
without a tree, so unbalanced markup is no error. Never raises.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

#: characters of a text that are read; a longer text is a whole article
TEXT_CAP: Final = 256 * 1024

_TAG: Final = re.compile(
    r"<!--[^<>]{0,500}+(?<=--)>|<!\[CDATA\[|\]\]>|<("
    r"/?)([A-Za-z]{1,8}[0-9]?:)?([A-Za-z][A-Za-z0-9-]{0,30})"
    r"((?:\s++[\w:.-]{1,60}+\s*+=\s*+(?:\"[^\"<]{0,2000}+\"|'[^'<]{0,2000}+')){0,30}+)\s*+(/?)>",
    re.DOTALL,
)
#: markup that was escaped once too often
_ESCAPED: Final = re.compile(
    r"&lt;(/?(?:jats:)?(?:i|b|u|p|em|sub|sup|scp|sc|bold|strong|italic|title|sec)\s?/?)&gt;"
)
#: most tags are fonts around a few words, so they are removed first, in one step
_FONT: Final = re.compile(
    r"<((?:jats:)?(?:italic|i|bold|b|em|strong|scp?|underline|u|monospace))>([^<>]*+)</\1>"
)
#: after these a paragraph may begin that nothing closes
_SENTENCE_ENDS: Final = '.!?:;>)]”"'
_SPACE: Final = re.compile(r"\s+")
#: levels of elements that are tracked
_DEPTH_CAP: Final = 100

_BLOCK_NAMES: Final = (
    "p sec abstract trans-abstract list list-item def-list def-item disp-formula disp-quote "
    "boxed-text br hr break div ul ol li dl dt dd blockquote pre table thead tbody tr td th "
    "h1 h2 h3 h4 h5 h6 section article body html figure figcaption header footer main"
)
_INLINE_NAMES: Final = (
    "i b u a s q em strong italic bold sub sup sc scp tt small big span font underline overline "
    "strike del ins mark code kbd samp var cite abbr acronym dfn time center wbr nobr img "
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
#: prefixes of names that all belong to markup, even the unknown
_PREFIXES: Final = frozenset({"jats", "mml", "m", "ce", "html", "xhtml", "xlink"})
#: letters, and words that may stand between signs: tags only with something that closes them
_AMBIGUOUS_NAMES: Final = (
    "i b u a s q p abstract list section article body html table header footer main figure pre "
    "small big span font strike del ins mark code var cite time center img label caption math "
    "term def media fig title email uri graphic institution none semantics annotation ms"
)
_AMBIGUOUS: Final = frozenset(_AMBIGUOUS_NAMES.split())
#: elements whose text does not belong to the paper, or repeats it
_OMITTED: Final = frozenset(
    {"annotation", "annotation-xml", "private-char", "graphic", "inline-graphic", "media", "label"}
)
#: element -> text between its first and second child
_BETWEEN: Final = {"msup": "^", "msub": "_", "mfrac": "/"}
_RAISED: Final = dict(zip("0123456789+-−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾", strict=True))
_LOWERED: Final = dict(zip("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True))
#: a link as arXiv's pages write it: its words say nothing, so its address takes their place
_ARXIV_LINK: Final = re.compile(
    r"<a\s[^<>]{0,200}?href=[\"'](https?://[^\"'<>\s]{1,500})[\"'][^<>]{0,200}>"
    r"\s{0,9}this\s{1,9}https?\s{1,9}URL(\.?)\s{0,9}</a>",
    re.IGNORECASE,
)


class _Tag(NamedTuple):
    start: int
    end: int
    #: in lower case, without prefix; "" for a comment
    name: str
    closing: bool
    empty: bool
    #: whether it is a tag wherever it stands
    certain: bool


def strip_title_markup(text: str) -> str:
    """Return a title on one line, without markup."""
    if "<" not in text and "&lt;" not in text:
        return text
    return " ".join(_Stripper(paragraphs=False).strip(text).split())


def strip_abstract_markup(text: str) -> str:
    r"""Return an abstract without markup.

    Paragraphs are separated by "\n\n". Headings become "Methods: ...", and a first heading
    "Abstract" is removed. Without tags of paragraphs, line breaks stay as they are.
    """
    if "<" not in text and "&lt;" not in text:
        return text
    stripper = _Stripper(paragraphs=True)
    stripped = stripper.strip(text)
    return (
        "\n\n".join(
            filter(None, (" ".join(paragraph.split()) for paragraph in stripped.split("\n\n")))
        )
        if stripper.has_blocks
        else stripped
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


def _find_tags(text: str) -> list[_Tag]:
    """Find everything that is a tag of a known name, certain or not."""
    matches = list(_TAG.finditer(text))
    closed = {match[3].lower() for match in matches if match[1]}
    has_cdata = "<![CDATA[" in text
    tags = []
    for match in matches:
        closing, prefix, name, attributes, empty = match.groups()
        name = (name or "").lower()
        known_prefix = prefix is not None and prefix[:-1].lower() in _PREFIXES
        if name not in _KNOWN and name and not known_prefix:
            continue
        certain = (
            has_cdata or match[0] != "]]>"
            if not name
            else name not in _AMBIGUOUS
            or bool(closing or attributes or empty or known_prefix or name in closed)
            or (name == "p" and _begins_paragraph(text, match.start()))
        )
        tags.append(_Tag(*match.span(), name, bool(closing), bool(empty), certain))
    return tags


def _begins_paragraph(text: str, position: int) -> bool:
    """Whether a paragraph may begin there: at the start, or after the end of a sentence."""
    before = text[max(position - 3, 0) : position].rstrip()[-1:]
    return not before or before in _SENTENCE_ENDS


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
        #: whether there are tags that begin and end paragraphs
        self.has_blocks = False

    def strip(self, text: str) -> str:
        text = text[:TEXT_CAP]
        if "&lt;" in text:
            text = _ESCAPED.sub(r"<\1>", text)
        if "<a" in text:
            text = _ARXIV_LINK.sub(r"\1\2", text)
        text = _FONT.sub(r"\2", text)
        tags = _find_tags(text)
        self.has_blocks = any(tag.certain and tag.name in _BLOCKS for tag in tags)
        self._tex = "tex-math>" in text
        position = 0
        for tag in tags:
            if not (tag.certain or self.has_blocks):
                continue
            self._add_text(text[position : tag.start])
            position = tag.end
            if tag.closing:
                self._close(tag.name)
            elif tag.name:
                self._start(tag.name, tag.empty)
        self._add_text(text[position:])
        return "".join(self._parts)

    def _add_text(self, text: str) -> None:
        if not text or self._omitted:
            return
        if self.has_blocks:
            text = _SPACE.sub(" ", text)
        if not text.isspace():
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
        if (name in _OMITTED and (self.has_blocks or name != "label")) or (
            name == "math" and self._tex
        ):
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
