"""Foreign text made fit for one line of a mail: cleaned, cut, wrapped; and dates in plain English.

Escaping for HTML is the templates' work and is not done here.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

import idna

from digest.errors import InputError

#: columns of the text part
WIDTH = 72

_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
# Lone surrogates cannot be encoded; embeddings, overrides and isolates can turn round the text
# beside them, or pretend to be other text; the rest (byte-order mark, interlinear annotation,
# noncharacters) shows as nothing or as a box. Joiners stay: emoji and Persian need them.
_DROPPED = re.compile(
    r"[\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff]"
)
# What needs no parsing to be left as it is: nearly every link there is, and a mail holds dozens.
_PLAIN_ADDRESS = re.compile(
    r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,4})?(?:[/?#][A-Za-z0-9%/:?#@!$&'()*+,;=~._-]*)?",
    re.ASCII,
)
_SENTENCE_END = re.compile(r"[.!?]['\")\]]?(?=\s)|[。！？]")
#: printable ASCII without what would end an address in angle brackets or an attribute
_MAILTO = re.compile(r"mailto:[!#-;=?-~]{1,600}")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_ZWJ = "\u200d"


def one_line(text: str) -> str:
    """`text` without line breaks, controls, direction overrides or lone surrogates; each run of
    blanks is one space.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return _BLANKS.sub(" ", _DROPPED.sub("", text)).strip()


def lines(text: str) -> tuple[str, ...]:
    """The lines of `text` that hold something, each as `one_line` leaves it."""
    return tuple(line for line in map(one_line, text.splitlines()) if line)


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, cut at a word where one ends near, with an ellipsis for
    what is missing.
    """
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    space = text.rfind(" ", 0, limit)
    if space > limit / 2:
        head = text[:space]
    else:
        # no word ends near (Chinese, or one long word): at least keep accents and joined emoji with
        # what they belong to
        for _ in range(16):
            following = text[len(head)]
            if len(head) < 2 or not (
                unicodedata.combining(following) or following in "\ufe0f\u200d" or head[-1] == _ZWJ
            ):
                break
            head = head[:-1]
    return head.rstrip(" ,;:-–—") + "…"


def excerpt(text: str, limit: int) -> str:
    """The beginning of `text` in about `limit` characters: whole sentences where they fill most of
    it, else words.
    """
    if len(text) <= limit:
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text, 0, limit + 1)]
    if ends and ends[-1] > limit * 0.6:
        return text[: ends[-1]] + " …"
    return cut(text, limit)


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _pieces(word: str, room: int) -> list[str]:
    """A word too long for a line, in pieces that fit one; scripts without spaces come as such
    words.
    """
    if _columns(word) <= room:
        return [word]
    pieces, piece, used = [], "", 0
    for char in word:
        wide = _columns(char)
        if piece and used + wide > room:
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + char, used + wide
    return [*pieces, piece]


def wrap(text: str, indent: int = 0, lead: str = "", tail: str = "") -> str:
    """`lead`, `text` and `tail` in lines of at most 72 columns, each indented by
    `indent` spaces."""
    words = f"{lead}{text}{tail}".split()
    room = WIDTH - indent
    whole = " ".join(words)
    # most are of letters that take one column each, as all do below the combining accents
    if (whole.isascii() or max(whole) < "\u0300") and max(map(len, words), default=0) <= room:
        wrapped = _lines_of(room).findall(whole) or [""]
    else:
        wrapped = _wrapped(words, room)
    margin = " " * indent
    return margin + f"\n{margin}".join(wrapped)


@lru_cache(maxsize=8)
def _lines_of(room: int) -> re.Pattern[str]:
    """As much as fits a line and ends where a word does."""
    return re.compile(rf"(\S.{{0,{room - 1}}})(?: |\Z)")


def _wrapped(words: list[str], room: int) -> list[str]:
    wrapped, line, used = [], "", 0
    for word in words:
        for number, piece in enumerate(_pieces(word, room)):
            wide = _columns(piece)
            if line and (number or used + 1 + wide > room):
                wrapped.append(line)
                line, used = piece, wide
            else:
                line, used = (f"{line} {piece}", used + 1 + wide) if line else (piece, wide)
    return [*wrapped, line]


def day(value: date, *, weekday: bool = False, year: bool = False) -> str:
    """`12 June`, `Friday, 12 June`, `12 June 2026`: English whatever the machine's locale."""
    text = f"{value.day} {_MONTHS[value.month - 1]}"
    if year:
        text += f" {value.year}"
    return f"{WEEKDAYS[value.weekday()]}, {text}" if weekday else text


def tied(text: str) -> str:
    """The last two words kept in one line of HTML: "12 June", "42 upvotes".

    The text part, which is wrapped, has a blank there as ever.
    """
    return "\u00a0".join(text.rsplit(" ", 1))


def weekdays(days: tuple[int, ...]) -> str:
    """ISO weekdays in words: `every day`, `Monday to Friday`, `Monday and Thursday`."""
    chosen = sorted(set(days))
    if chosen == [1, 2, 3, 4, 5, 6, 7]:
        return "every day"
    if chosen == [1, 2, 3, 4, 5]:
        return "Monday to Friday"
    names = [WEEKDAYS[number - 1] for number in chosen]
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def on_weekdays(days: tuple[int, ...]) -> str:
    """The same within a sentence: `every day`, `from Monday to Friday`, `on Monday and
    Thursday`."""
    told = weekdays(days)
    return told if told == "every day" else f"{'from' if ' to ' in told else 'on'} {told}"


def plural(count: int, noun: str) -> str:
    """`1 paper`, `1,200 papers`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def reachable(url: str) -> bool:
    """Whether readers elsewhere, and their mail providers, could open `url`: it is not on this
    machine or in a private network.
    """
    return _reachable("/".join(url.split("/", 3)[:3]))


@lru_cache(maxsize=64)
def _reachable(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(
            (".localhost", ".local", ".internal", ".home.arpa", ".lan")
        )


def own_link(name: str, url: str) -> str:
    """A link of ours, fit for an attribute and for angle brackets.

    InputError, which calls it `name`, when it is none.
    """
    clean = web_address(url)
    if not clean:
        raise InputError(f"{name} must be an http or https address, got {url[:200]!r}")
    return clean


def own_mailto(name: str, url: str) -> str:
    """A `mailto:` address of ours, or nothing.

    InputError, which calls it `name`, when it is another thing.
    """
    if url and not _MAILTO.fullmatch(url):
        raise InputError(
            f"{name} must be a mailto address without blanks, or nothing, got {url[:200]!r}"
        )
    return url


def web_address(url: str) -> str:
    """`url` fit for an attribute and for angle brackets, in ASCII; empty if it is not an http or
    https address.

    A dump can name any scheme, and a `javascript:` link must not get into a mail.
    """
    if _PLAIN_ADDRESS.fullmatch(url):
        return url
    return _mended_address(url)


def _mended_address(url: str) -> str:
    text = _DROPPED.sub("", url).strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        if parts.scheme not in ("http", "https") or not host:
            return ""
        if not text.isascii():
            ascii_host = host if host.isascii() else idna.encode(host, uts46=True).decode()
            text = parts._replace(
                netloc=ascii_host if port is None else f"{ascii_host}:{port}"
            ).geturl()
    except ValueError:  # idna.IDNAError is one too
        return ""
    return quote(text, safe="%/:?#[]@!$&'()*+,;=~-._")
