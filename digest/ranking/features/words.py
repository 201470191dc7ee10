"""Text -> a sparse row of word and word pair counts.

Words are hashed into a fixed number of columns, so a paper is vectorised once, at ingest, and its
row stays valid as the corpus grows. Weights and dense columns are computed when rows are used.

Knows no paper ids, readers or store.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.rows import COLUMNS, WORDS

#: name and version of these features; rows stored with another version are vectorised again
VERSION = "words1"

#: words without a topic; single letters and bare numbers are dropped anyway
_STOP = """
    about above across after again against all almost alone along already also although always am
    among an and another any anyone anything are around as at be became because become becomes been
    before beforehand being below beside besides between beyond both but by can cannot could did do
    does doing done down during each eg either else enough et al etc even ever every everything few
    first for from further had has have having he hence her here hers herself him himself his how
    however ie if in indeed instead into is it its itself just last latter least less like made
    mainly many may me meanwhile might more moreover most mostly much must my myself namely neither
    never nevertheless next no nobody none nor not nothing now of off often on once one only onto or
    other others otherwise our ours ourselves out over own per perhaps please quite rather re same
    several she should since so some someone something sometimes somewhat still such than that the
    their theirs them themselves then there thereafter thereby therefore therein these they this
    those though through throughout thus to together too toward towards two three under until up
    upon us very via was we well were what whatever when whenever where whereas whereby wherein
    whether which while who whoever whole whom whose why will with within without would yet you your
    yours yourself"""
STOP_WORDS = frozenset(_STOP.split())

# Chinese and Japanese write no spaces: each character is a word there, and pairs do the work of
# words.
WORD_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_](?:[\w-]*[^\W_])?")
#: splits a text into gaps and words by turns
WORDS_AND_GAPS = re.compile(f"({WORD_TOKEN.pattern})")
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_ACCENT = re.compile("[\u0300-\u036f]")
_POSSESSIVE = re.compile(r"(?<=\w)['’]s\b", re.IGNORECASE)
#: flag of a hash that counts in pairs but not alone: "q" of "q-learning", "19" of "covid-19"
_PAIR_ONLY = 1 << 32
_CHUNK = 500
_CACHED_TOKENS = 1 << 18
_ASCII = bytes(range(0x80))
#: UTF-8: a space for each ASCII character that is in no token; all others stay
_TOKEN_BYTES = bytes(
    code if code >= 0x80 or chr(code).isalnum() or chr(code) in "-_" else 0x20
    for code in range(0x100)
)


# ----------------------------------------------------------------------------------------------
# text -> counts


def vectorize(texts: Sequence[str]) -> sp.csr_matrix:
    """Count the words and pairs of each text.

    Accents, case and English stop words are dropped. A hyphenated compound counts as its pieces
    and their pairs, so that "multi-agent" and "multi agent" are equal.

    Returns:
        Raw counts, shape (len(texts), COLUMNS), int32, indices sorted; a text without words is a
        row of zeros.
    """
    blocks = [_count(texts[start : start + _CHUNK]) for start in range(0, len(texts), _CHUNK)]
    if len(blocks) == 1:
        return blocks[0]
    return (
        sp.vstack(blocks, format="csr") if blocks else sp.csr_matrix((0, COLUMNS), dtype=np.int32)
    )


def _count(texts: Sequence[str]) -> sp.csr_matrix:
    packed = [b"".join(map(_HASHES.__getitem__, split_tokens(text))) for text in texts]
    hashes = np.frombuffer(b"".join(packed), dtype=np.int64)
    lengths = np.fromiter(map(len, packed), dtype=np.int64, count=len(packed)) // hashes.itemsize
    rows = np.repeat(np.arange(len(texts), dtype=np.int64) * COLUMNS, lengths)
    whole = hashes < _PAIR_ONLY
    together = rows[1:] == rows[:-1]
    keys = np.concatenate(
        (
            rows[whole] + _word_column(hashes[whole]),
            rows[1:][together] + _pair_column(hashes[:-1][together], hashes[1:][together]),
        )
    )
    keys, counts = np.unique(keys, return_counts=True)
    starts = np.searchsorted(keys, np.arange(len(texts) + 1, dtype=np.int64) * COLUMNS)
    parts = (counts.astype(np.int32), (keys % COLUMNS).astype(np.int32), starts.astype(np.int32))
    return sp.csr_matrix(parts, shape=(len(texts), COLUMNS))


def split_tokens(text: str) -> list[str]:
    """Fold a text and split it into tokens: as `WORD_TOKEN` does, in a tenth of the time.

    A token may keep hyphens and underscores at its ends, and may consist of them alone.
    """
    text = fold(text).lower()
    if not text.isascii():
        foreign = "".join(set(text)).encode("utf-8", "surrogatepass").translate(None, _ASCII)
        for character in foreign.decode("utf-8", "surrogatepass"):
            if _IDEOGRAPH.match(character):
                return WORD_TOKEN.findall(text)
            if not character.isalnum():
                text = text.replace(character, " ")
    return text.encode().translate(_TOKEN_BYTES).decode().split()


def fold(text: str) -> str:
    """Remove accents, and unify characters that look alike."""
    return text if text.isascii() else _ACCENT.sub("", unicodedata.normalize("NFKD", text))


def drop_possessives(text: str) -> str:
    """Remove the "'s" after words."""
    return _POSSESSIVE.sub("", text) if "'" in text or "’" in text else text


class _Hashes(dict[str, bytes]):
    """Token -> the hashes of its pieces, each eight bytes; filled as tokens come."""

    def __missing__(self, token: str) -> bytes:
        if len(self) >= _CACHED_TOKENS:
            self.clear()
        codes = array("q", [code for _, code in pieces_of(token.strip("-_"))])
        self[token] = packed = codes.tobytes()
        return packed


_HASHES = _Hashes()


def pieces_of(token: str) -> list[tuple[str, int]]:
    """Return the pieces of a lower-case token that count, each with its hash.

    Usually the token itself; nothing for a stop word, several for a compound.
    """
    pieces = token.replace("_", "-").split("-")
    alone = len(pieces) == 1
    counted = []
    for piece in pieces:
        if not piece or piece in STOP_WORDS:
            continue
        word = (len(piece) > 1 or _IDEOGRAPH.match(piece) is not None) and not piece.isdigit()
        if word or not alone:
            code = zlib.crc32(piece.encode("utf-8", "surrogatepass"))
            counted.append((piece, code if word else code | _PAIR_ONLY))
    return counted


def columns_of(
    codes: Sequence[int] | NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the columns of words, and of the pairs of neighbours among them.

    Args:
        codes: hashes as `pieces_of` gives them; a word that counts in pairs alone has the column
            -1.
    """
    hashes = np.asarray(codes, dtype=np.int64)
    words = np.where(hashes < _PAIR_ONLY, _word_column(hashes), -1)
    return words, _pair_column(hashes[:-1], hashes[1:])


def _word_column(hashes: NDArray[np.int64]) -> NDArray[np.int64]:
    return _mix(hashes) % WORDS


def _pair_column(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    return WORDS + _mix(_mix(left) * 3 + (right & 0xFFFFFFFF)) % WORDS


def _mix(hashes: NDArray[np.int64]) -> NDArray[np.int64]:
    # CRC-32 is linear in its input: without mixing, pairs with a common word would share low bits.
    mixed = hashes & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return mixed ^ (mixed >> 16)


@lru_cache(maxsize=1 << 12)
def words_of(title: str, abstract: str = "") -> Mapping[int, str]:
    """Map the columns of a paper to their words and pairs, as the paper writes them.

    Two that share a column are both named. The pair of the title's last word and the abstract's
    first has no name, since nobody wrote it.
    """
    return _WordNames(title, abstract)


class _WordNames(Mapping[int, str]):
    """The names of a paper's columns, each made when it is asked for."""

    def __init__(self, title: str, abstract: str) -> None:
        self._title, self._abstract = title, abstract
        self._names: dict[int, str] = {}

    @cached_property
    def _pieces(self) -> _Pieces:
        return _Pieces(self._title, self._abstract)

    def __getitem__(self, column: int) -> str:
        if column not in self._names:
            self._names[column] = self._pieces.name(column)
        return self._names[column]

    def __iter__(self) -> Iterator[int]:
        return iter(self._pieces.columns())

    def __len__(self) -> int:
        return len(self._pieces.columns())


class _Pieces:
    """The pieces of a paper's words that count, in their order."""

    def __init__(self, title: str, abstract: str) -> None:
        #: gaps and words by turns
        self._written = WORDS_AND_GAPS.split(fold(text_of(title, abstract)))
        #: of each word, where its pieces begin and end there, and their hashes
        self._spans = [spans_of(word.lower()) for word in self._written[1::2]]
        codes = [code for spans in self._spans for _, _, code in spans]
        #: columns of the pieces and of their pairs; -1 = has none, or nobody wrote it
        self._words, self._pairs = columns_of(codes)
        #: number of the first piece of each word, and of that behind the last
        self._firsts = list(accumulate(map(len, self._spans), initial=0))
        last_of_title = self._firsts[len(WORD_TOKEN.findall(fold(title)))] - 1
        if 0 <= last_of_title < len(self._pairs):
            self._pairs[last_of_title] = -1

    def columns(self) -> list[int]:
        columns: set[int] = {*self._words.tolist(), *self._pairs.tolist()}
        return sorted(columns - {-1})

    def name(self, column: int) -> str:
        """Return a word or pair as the paper writes it; raise KeyError where it has none."""
        names: dict[int, str] = {}
        columns, write = (
            (self._words, self._write_word) if column < WORDS else (self._pairs, self._write_pair)
        )
        for number in (columns == column).nonzero()[0].tolist():
            _add_name(names, column, write(number))
        return names[column]

    def _write_word(self, number: int) -> str:
        place = bisect_right(self._firsts, number) - 1
        start, end, _ = self._spans[place][number - self._firsts[place]]
        return self._written[2 * place + 1][start:end]

    def _write_pair(self, number: int) -> str:
        left = bisect_right(self._firsts, number) - 1
        right = bisect_right(self._firsts, number + 1, left) - 1
        text = "".join(self._written[2 * left + 1 : 2 * right + 2])
        offset = len(text) - len(self._written[2 * right + 1])
        start, end, _ = self._spans[left][number - self._firsts[left]]
        right_start, right_end, _ = self._spans[right][number + 1 - self._firsts[right]]
        return _surface(text, (start, end), (offset + right_start, offset + right_end))


@lru_cache(maxsize=1 << 16)
def spans_of(token: str) -> tuple[tuple[int, int, int], ...]:
    """Return where the pieces of a lower-case token that count begin and end, and their hashes."""
    spans = []
    offset = 0
    for piece, code in pieces_of(token):
        offset = max(token.find(piece, offset), 0)
        spans.append((offset, offset + len(piece), code))
        offset += len(piece)
    return tuple(spans)


def _surface(text: str, left: tuple[int, int], right: tuple[int, int]) -> str:
    between = text[left[1] : right[0]]
    if len(between) <= 12 and not re.search(r"[^\w\s-]", between):
        return " ".join(text[left[0] : right[1]].split())
    return f"{text[left[0] : left[1]]} {text[right[0] : right[1]]}"


def _add_name(names: dict[int, str], column: int, surface: str) -> None:
    known = names.setdefault(column, surface)
    if known.lower() == surface.lower():
        return
    if all(_bare(surface) != _bare(other) for other in known.split(" / ")):
        names[column] = f"{known} / {surface}"


def _bare(surface: str) -> str:
    return (
        " ".join(
            piece for token in WORD_TOKEN.findall(surface.lower()) for piece, _ in pieces_of(token)
        )
        or surface.lower()
    )


def pieces(text: str) -> str:
    """Return the pieces of a text that count, in their order, each between blanks."""
    return f" {' '.join(filter(None, map(_join_pieces, WORD_TOKEN.findall(fold(text).lower()))))} "


@lru_cache(maxsize=1 << 16)
def _join_pieces(token: str) -> str:
    return " ".join(piece for piece, _ in pieces_of(token))


def text_of(title: str, abstract: str) -> str:
    """Return the text of a paper that is vectorised."""
    return f"{title}. {abstract}" if abstract else title
