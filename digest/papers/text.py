"""Normalisation of text: entities, tags, TeX, white space, harmful characters.

What every format needs is done here, so that none can forget it. Escapes nothing; the templates do
that.
"""

from __future__ import annotations

import html
import html.entities
import re
import unicodedata
from collections.abc import Callable
from typing import Final

from digest.markup import strip_abstract_markup, strip_title_markup
from digest.papers.tex import has_tex, to_unicode

_ENTITY: Final = re.compile(
    r"&(?:#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|([A-Za-z][A-Za-z0-9]{1,31};))"
)
#: an ampersand that was escaped twice, or in TeX and HTML
_ESCAPED_AMPERSAND: Final = re.compile(
    r"(?:\{\\&\}|\\?&)(?:amp;){0,3}"
    r"(?=(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
)
#: how BibTeX files write "<" and ">" in tags: {\textless}, \textless{}, $<$, {$<$}
_TEX_ANGLE: Final = re.compile(
    r"\{(?:\\text(?:less|greater)|\$[<>]\$)\}"
    r"|\\text(?:less|greater)(?:\{\}|[ ](?=/?[a-z]{1,10}[ {}]{0,2}\\textg)|(?![A-Za-z]))"
    r"|\$[<>]\$"
)
#: controls, bidirectional overrides, embeddings and isolates, invisible marks, tags, surrogates,
#: noncharacters. Joiners stay (emoji, Persian), and so do direction marks, which only affect their
#: neighbours.
_HARMFUL_CHARACTERS: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_NEWLINE: Final = re.compile(r"\r\n?|\x0b|\x0c|\x1c|\x1d|\x1e|\x85|\u2028|\u2029")
_FORMAL_STARTS: Final = ("abstract", "summary", "arxiv:")
_ANNOUNCEMENT: Final = re.compile(r"arXiv:\S+\s+Announce Type:\s*[a-z-]+\s*", re.IGNORECASE)
_ABSTRACT: Final = re.compile(
    r"(?:Abstract|ABSTRACT|Summary|SUMMARY)\s*(?:[:.—–]|-(?=\s|[A-Z]))\s*"
)
_DASH: Final = re.compile(r"-{2,}")
_TEX_QUOTE: Final = re.compile(r"``((?:[^`']++|'(?!'))*+)''")
#: Markdown's bold type; in "x**2" and "2 ** 3" it is a power
_BOLD: Final = re.compile(r"(?<![\w*])\*\*(?=[^\s*])([^*\n]{1,80})(?<=[^\s*])\*\*(?![\w*])")
#: where a paragraph may begin
_BREAK: Final = re.compile(r"\n\s")
#: ends of a line after which an indented line begins a paragraph
_SENTENCE_ENDS: Final = (".", "!", "?", ":", ";", ")", "]", "”", '"', "$")
_NON_WORD: Final = re.compile(r"[\W_]+")
#: visible ASCII; the same without the characters that entities, tags, TeX and its quotes need
_VISIBLE_ASCII: Final = bytes(range(0x20, 0x7F))
_PLAIN_ASCII: Final = bytes(set(_VISIBLE_ASCII) - set(b"&<\\$`{~"))
#: letters in lower case, digits, and a space for everything else
_ASCII_WORDS: Final = bytes(
    ord(chr(code).lower()) if chr(code).isalnum() and code < 0x80 else 0x20 for code in range(256)
)


def clean_text(text: str) -> str:
    """Clean a text and put it on one line; never raises.

    Resolves entities, removes tags, makes TeX readable, collapses white space, removes harmful
    characters and composes the rest (NFC).
    """
    if _is_plain(text):
        return text
    return " ".join(_make_readable(text, strip_title_markup).split())


def clean_abstract(text: str) -> str:
    r"""Clean an abstract, with "\n\n" between its paragraphs.

    Removes "Abstract:" and the preamble of an announcement. A paragraph begins after an empty line,
    or at an indented line if the line before it ends like a sentence. Other lines are only wrapped.
    """
    if text[:40].lstrip()[:8].lower().startswith(_FORMAL_STARTS):
        text = _strip_start(_ABSTRACT, _strip_start(_ANNOUNCEMENT, text.lstrip()))
    unwrapped = text.replace("\n", " ")
    if _is_plain(unwrapped):  # two line feeds would be two spaces, which are not
        return unwrapped
    text = text if _is_visible(text) else _NEWLINE.sub("\n", text)
    readable = _make_readable(text, strip_abstract_markup)
    if _BREAK.search(readable) is None:
        return _collapse(readable.replace("\n", " "))
    paragraphs: list[list[str]] = [[]]
    is_sentence_end = False
    for line in readable.split("\n"):
        words = line.strip()
        if not words or (is_sentence_end and line[0].isspace()):
            paragraphs.append([])
        if words:
            paragraphs[-1].append(_collapse(words))
            is_sentence_end = words.endswith(_SENTENCE_ENDS)
    return "\n\n".join(" ".join(lines) for lines in paragraphs if lines)


def normalise_title(title: str) -> str:
    """Compute the key by which papers without identifiers are matched.

    Decomposes (NFKD), removes marks, folds case, and replaces everything but letters and digits by
    one space. A title without letters and digits is its own key, so that two of them are not one
    paper. The title must be clean text.
    """
    if title.isascii():
        return b" ".join(title.encode().translate(_ASCII_WORDS).split()).decode() or title.strip()
    folded = _strip_marks(_strip_marks(title).casefold())
    return _NON_WORD.sub(" ", folded).strip() or title.casefold().strip()


def _strip_marks(text: str) -> str:
    return "".join(
        character
        for character in unicodedata.normalize("NFKD", text)
        if unicodedata.category(character)[0] != "M"
    )


def _strip_start(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.match(text)
    return text[match.end() :] if match else text


def _is_plain(text: str) -> bool:
    """Whether there is nothing to clean, as in most texts.

    This check takes a hundredth of the time of a regular expression for everything.
    """
    return (
        text.isascii()
        and not text.encode().translate(None, _PLAIN_ASCII)
        and "--" not in text
        and "**" not in text
        and _is_collapsed(text)
    )


def _is_visible(text: str) -> bool:
    """Whether a text has only visible characters and line feeds."""
    return (
        not text.encode().translate(None, _VISIBLE_ASCII).strip(b"\n")
        if text.isascii()
        else text.replace("\n", " ").isprintable()
    )


def _is_collapsed(text: str) -> bool:
    return "  " not in text and text[:1] != " " and text[-1:] != " "


def _collapse(text: str) -> str:
    """Collapse white space to one space and strip the ends."""
    if text.isascii() and not text.encode().translate(None, _VISIBLE_ASCII) and _is_collapsed(text):
        return text
    return " ".join(text.split())


def _make_readable(text: str, strip_markup: Callable[[str], str]) -> str:
    """Clean everything but white space."""
    if "&" in text:
        if "&amp;" in text or "\\&" in text:
            text = _ESCAPED_AMPERSAND.sub("&", text)
        text = _ENTITY.sub(_resolve_entity, text)
    if "\\textless" in text or "$<$" in text:
        text = _TEX_ANGLE.sub(_convert_angle, text)
    if "<" in text:
        text = strip_markup(text)
    if not _is_visible(text):
        text = _HARMFUL_CHARACTERS.sub("", text)
    if has_tex(text):
        text = to_unicode(text)
    if "--" in text:
        text = _DASH.sub(_convert_dash, text)
    if "``" in text:
        text = _TEX_QUOTE.sub(r"“\1”", text)
    if "**" in text:
        text = _BOLD.sub(r"\1", text)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _convert_angle(angle: re.Match[str]) -> str:
    return "<" if "less" in angle[0] or "<" in angle[0] else ">"


def _resolve_entity(entity: re.Match[str]) -> str:
    """Resolve an entity whose complete name is known.

    html.unescape also resolves the beginning of an unknown name, so "&notable;" would be "¬able;".
    """
    return (
        html.unescape(entity[0])
        if entity[1] is None or entity[1] in html.entities.html5
        else entity[0]
    )


def _convert_dash(hyphens: re.Match[str]) -> str:
    """Convert TeX's dashes between words or spaces; "--flag" and "<!--" stay."""
    text, (start, end) = hyphens.string, hyphens.span()
    before, after = text[start - 1 : start], text[end : end + 1]
    is_dash = (
        (before.isalnum() or before in (")", "]", "%")) and (after.isalnum() or after in ("(", "["))
    ) or (before.isspace() and after.isspace())
    return {2: "–", 3: "—"}.get(end - start, hyphens[0]) if is_dash else hyphens[0]
