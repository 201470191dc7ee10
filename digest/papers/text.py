"""Text of a source -> clean Unicode: entities, TeX, white space, characters that turn or hide text.

Escapes nothing: templates do that.
"""

from __future__ import annotations

import html
import html.entities
import re
import unicodedata
from typing import Final

from digest.papers.tex import has_tex, to_unicode

_ENTITY: Final = re.compile(
    r"&(?:#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|([A-Za-z][A-Za-z0-9]{1,31};))"
)
#: controls, bidirectional overrides, embeddings and isolates, invisible marks, tags, surrogates,
#: noncharacters. Joiners stay (emoji, Persian), and so do the marks of direction, which only speak
#: of their neighbours.
_HARMFUL: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_NEWLINE: Final = re.compile(r"\r\n?|\x0b|\x0c|\x1c|\x1d|\x1e|\x85|\u2028|\u2029")
_FORMAL: Final = ("abstract", "summary", "arxiv:")
_ANNOUNCED: Final = re.compile(r"arXiv:\S+\s+Announce Type:\s*[a-z-]+\s*", re.IGNORECASE)
_ABSTRACT: Final = re.compile(
    r"(?:Abstract|ABSTRACT|Summary|SUMMARY)\s*(?:[:.—–]|-(?=\s|[A-Z]))\s*"
)
_DASH: Final = re.compile(r"-{2,}")
_QUOTED: Final = re.compile(r"``((?:[^`']++|'(?!'))*+)''")
#: how a line ends after which an indented one begins a paragraph
_SENTENCE_ENDS: Final = (".", "!", "?", ":", ";", ")", "]", "”", '"', "$")
_WORDS: Final = re.compile(r"[\W_]+")
#: what shows in ASCII; the same without the signs that entities, TeX and its quotes begin with
_SHOWN: Final = bytes(range(0x20, 0x7F))
_PLAIN: Final = bytes(set(_SHOWN) - set(b"&\\$`"))
#: TeX of signs that are mostly not TeX
_RARE: Final = ("--", "~", "{,}")
#: letters in lower case, digits, and a space for everything else
_ASCII_WORDS: Final = bytes(
    ord(chr(code).lower()) if chr(code).isalnum() and code < 0x80 else 0x20 for code in range(256)
)


def tidy(text: str) -> str:
    """One line of clean text: entities resolved once, TeX readable, white space collapsed, harmful
    characters gone, composed (NFC).

    Mark-up stays as the literal text that it is. Never raises.
    """
    return text if _is_plain(text) else " ".join(_readable(text).split())


def tidy_abstract(text: str) -> str:
    r"""Clean text as `tidy` makes it, in paragraphs parted by "\n\n"; "Abstract:" and the preamble
    of an announcement are gone.

    A paragraph begins after an empty line, or at an indented line where the line before it ends
    like a sentence: others are only wrapped.
    """
    if text[:40].lstrip()[:8].lower().startswith(_FORMAL):
        text = _without_start(_ABSTRACT, _without_start(_ANNOUNCED, text.lstrip()))
    if _is_plain(text):
        return text
    whole = _readable(text if _is_shown(text) else _NEWLINE.sub("\n", text))
    if "\n" not in whole:
        return _collapsed(whole)
    paragraphs: list[list[str]] = [[]]
    ended = False
    for line in whole.split("\n"):
        words = line.strip()
        if not words or (ended and line[0].isspace()):
            paragraphs.append([])
        if words:
            paragraphs[-1].append(_collapsed(words))
            ended = words.endswith(_SENTENCE_ENDS)
    return "\n\n".join(" ".join(lines) for lines in paragraphs if lines)


def normalise_title(title: str) -> str:
    """The identity of last resort: decomposed (NFKD), without marks, case-folded, everything but
    letters and digits one space.

    A title without letters and digits is its own key, so that two of them are not taken for one
    paper. Give it clean text.
    """
    if title.isascii():
        return b" ".join(title.encode().translate(_ASCII_WORDS).split()).decode() or title.strip()
    plain = "".join(
        one for one in unicodedata.normalize("NFKD", title) if unicodedata.category(one)[0] != "M"
    )
    folded = "".join(
        one
        for one in unicodedata.normalize("NFKD", plain.casefold())
        if unicodedata.category(one)[0] != "M"
    )
    return _WORDS.sub(" ", folded).strip() or title.casefold().strip()


def _without_start(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return text[found.end() :] if found else text


def _is_plain(text: str) -> bool:
    """Whether there is nothing to do, as with most texts: to find that out costs a hundredth of one
    regular expression that knows it all.
    """
    return (
        text.isascii()
        and not text.encode().translate(None, _PLAIN)
        and not any(map(text.__contains__, _RARE))
        and _is_collapsed(text)
    )


def _is_shown(text: str) -> bool:
    """Whether there is nothing but what shows, and line feeds."""
    return (
        not text.encode().translate(None, _SHOWN).strip(b"\n")
        if text.isascii()
        else text.replace("\n", " ").isprintable()
    )


def _is_collapsed(text: str) -> bool:
    return "  " not in text and text[:1] != " " and text[-1:] != " "


def _collapsed(text: str) -> str:
    """The text with one space wherever there was white space, none around it."""
    if text.isascii() and not text.encode().translate(None, _SHOWN) and _is_collapsed(text):
        return text
    return " ".join(text.split())


def _readable(text: str) -> str:
    """Everything but white space."""
    if "&" in text:
        text = _ENTITY.sub(_resolved, text)
    if not _is_shown(text):
        text = _HARMFUL.sub("", text)
    if has_tex(text):
        text = to_unicode(text)
    if "--" in text:
        text = _DASH.sub(_dash, text)
    if "``" in text:
        text = _QUOTED.sub(r"“\1”", text)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _resolved(entity: re.Match[str]) -> str:
    """One entity. html.unescape also takes the beginning of an unknown name for a known one:
    "&notable;" is no negation.
    """
    return (
        html.unescape(entity[0])
        if entity[1] is None or entity[1] in html.entities.html5
        else entity[0]
    )


def _dash(hyphens: re.Match[str]) -> str:
    """TeX's dashes between words or between spaces; "--flag" and "<!--" stay."""
    text, (start, end) = hyphens.string, hyphens.span()
    before, after = text[start - 1 : start], text[end : end + 1]
    between = (
        (before.isalnum() or before in (")", "]")) and (after.isalnum() or after in ("(", "["))
    ) or (before.isspace() and after.isspace())
    return {2: "–", 3: "—"}.get(end - start, hyphens[0]) if between else hyphens[0]
