"""What the words of a row weigh: how often each occurs in the corpus, tf-idf, and the keywords of
readers in the same columns.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.features.words import pieces, stands_in, vectorize
from digest.ranking.features.written import needs_writing, written
from digest.ranking.rows import COLUMNS, WORDS, Phrase

#: below this many papers a share of the corpus means nothing, so no word is too rare or too common
#: yet
ENOUGH = 500
COMMON = 0.2

_PACKED = 1


def _no_papers() -> NDArray[np.uint32]:
    return np.zeros(COLUMNS, dtype=np.uint32)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frequencies:
    """In how many of the stored papers each column occurs."""

    papers: int = 0
    #: one count a column, shape (COLUMNS,)
    counts: NDArray[np.uint32] = field(default_factory=_no_papers, repr=False)

    def add(self, rows: sp.csr_matrix) -> Frequencies:
        """These frequencies and those of further papers' counts, shape (papers, COLUMNS)."""
        counts = self.counts.copy()
        np.add.at(
            counts, rows.indices, np.uint32(1)
        )  # a sixth of bincount, which makes a row of all columns
        return Frequencies(papers=self.papers + rows.shape[0], counts=counts)

    def to_bytes(self) -> bytes:
        """Compressed; the same frequencies always give the same bytes."""
        used = np.flatnonzero(self.counts)
        gaps = np.diff(used, prepend=0).astype("<u4")
        body = zlib.compress(gaps.tobytes() + self.counts[used].astype("<u4").tobytes(), 6)
        return struct.pack("<BQI", _PACKED, self.papers, len(used)) + body

    @classmethod
    def from_bytes(cls, blob: bytes) -> Frequencies:
        """The frequencies that `to_bytes` wrote. Raises ValueError for anything else."""
        try:
            version, papers, number = struct.unpack_from("<BQI", blob)
            body = zlib.decompress(blob[struct.calcsize("<BQI") :])
        except (struct.error, zlib.error) as error:
            raise ValueError(
                f"stored word frequencies cannot be read ({len(blob)} bytes): {error}"
            ) from error
        if version != _PACKED or len(body) != 8 * number:
            raise ValueError(
                f"stored word frequencies cannot be read: version {version}, {number} words in "
                f"{len(body)} bytes"
            )
        numbers = np.frombuffer(body, dtype="<u4")
        used = np.cumsum(numbers[:number].astype(np.int64))
        if number and used[-1] >= COLUMNS:
            raise ValueError(
                f"stored word frequencies cannot be read: column {int(used[-1])} of {COLUMNS}"
            )
        counts = _no_papers()
        counts[used] = numbers[number:]
        return cls(papers=papers, counts=counts)


def weigh(counts: sp.csr_matrix, frequencies: Frequencies) -> sp.csr_matrix:
    """tf-idf of rows of counts: (1 + ln tf) * (1 + ln((1 + papers) / (1 + df))), each row of
    Euclidean length 1 or 0; float32.

    From `ENOUGH` papers on, words of a single paper and words of more than a fifth of all papers
    weigh nothing. They stay in the row as stored zeros, so that the pattern still says which words
    a paper holds: a keyword may be rare or common.
    """
    columns, data = counts.indices, counts.data
    seen = frequencies.counts[columns].astype(np.float64)
    weights = (1 + np.log(np.maximum(data, 1))) * _rarity(columns, frequencies)
    if frequencies.papers >= ENOUGH:
        weights[(seen < 2) | (seen > COMMON * frequencies.papers)] = 0
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    lengths = np.sqrt(np.bincount(rows, weights=weights**2, minlength=counts.shape[0]))
    lengths[lengths == 0] = 1
    return sp.csr_matrix(
        ((weights / lengths[rows]).astype(np.float32), columns, counts.indptr), shape=counts.shape
    )


def _rarity(columns: NDArray[np.int32], frequencies: Frequencies) -> NDArray[np.float64]:
    # A column that two words share may be counted twice for a paper, hence at most once a paper
    # here.
    seen = np.minimum(frequencies.counts[columns], frequencies.papers).astype(np.float64)
    return 1 + np.log((1 + frequencies.papers) / (1 + seen))


# ----------------------------------------------------------------------------------------------
# keywords

#: endings that a trailing "*" stands for; rows are hashed, so a word is looked up by its whole
#: spelling
_ENDINGS = (
    "",
    "s",
    "es",
    "e",
    "ed",
    "ing",
    "er",
    "ers",
    "or",
    "ors",
    "ion",
    "ions",
    "al",
    "able",
    "ly",
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Spelling:
    """See `rows.Spelling`."""

    text: str
    columns: NDArray[np.int32]

    def stands_in(self, title: str, abstract: str) -> bool:
        return stands_in(self.text, title, abstract)


def phrases(keywords: Iterable[str], frequencies: Frequencies) -> tuple[Phrase, ...]:
    """One Phrase for each keyword that holds a word, in order; a leading "-" turns it against the
    paper, a "+" makes it a must.

    Singular and plural of the last word count alike; a trailing "*" stands for the common English
    endings ("grasp*": grasps, grasping, grasper ...).
    """
    return spelt(keywords, frequencies)[0]


def spelt(
    keywords: Iterable[str], frequencies: Frequencies
) -> tuple[tuple[Phrase, ...], sp.csr_matrix]:
    """As `phrases`, and the counts of each one's text as it is written, shape (phrases,
    COLUMNS)."""
    bare = [
        (keyword.strip()[:1], " ".join(keyword.strip().removeprefix("-").removeprefix("+").split()))
        for keyword in keywords
    ]
    spellings = [list(dict.fromkeys(_spellings(text))) for _, text in bare]
    # All at once: counting one text takes as long as counting dozens.
    counts = vectorize([spelling for some in spellings for spelling in some])
    seen, rarity = frequencies.counts[counts.indices] > 0, _rarity(counts.indices, frequencies)
    each = (
        _Counted(counts.indices[at], rarity[at], bool(seen[at].all()))
        for at in map(slice, counts.indptr, counts.indptr[1:])
    )
    found, rows, first = [], [], 0
    for (sign, text), some in zip(bare, spellings, strict=True):
        phrase = _phrase(sign, text, dict(zip(some, islice(each, len(some)), strict=True)))
        if phrase is not None:
            found.append(phrase)
            rows.append(first)
        first += len(some)
    return tuple(found), counts[np.array(rows, dtype=np.int64)]


class _Counted(NamedTuple):
    """The words of a text: their columns, ascending, how rare each is, and whether some paper has
    each.
    """

    columns: NDArray[np.int32]
    rarity: NDArray[np.float64]
    seen: bool


def _phrase(sign: str, text: str, spelt: Mapping[str, _Counted]) -> Phrase | None:
    found = {spelling: counted for spelling, counted in spelt.items() if len(counted.columns)}
    if needs_writing(text):
        return _written(sign, text, spelt)
    if not found or not (text.endswith("*") or text in found):
        return None
    # A spelling that no paper has would count as the rarest word of all.
    known = [counted for counted in found.values() if counted.seen] or list(found.values())[:1]
    columns, weights, _ = known[0]
    if len(known) > 1:
        columns, first = np.unique(
            np.concatenate([counted.columns for counted in known]), return_index=True
        )
        weights = np.concatenate([counted.rarity for counted in known])[first]
    return Phrase(
        text=text.rstrip("* "),
        against=sign == "-",
        must=sign == "+",
        columns=columns,
        weights=(weights / np.sqrt((weights**2).sum())).astype(np.float32),
        spellings=tuple(
            _Spelling(text=pieces(spelling), columns=_needed(counted.columns))
            for spelling, counted in found.items()
        ),
    )


def _written(sign: str, text: str, spelt: Mapping[str, _Counted]) -> Phrase:
    """A keyword that is looked up as written; what words it has say something of other
    papers, too."""
    columns, weights, _ = spelt.get(text) or next(iter(spelt.values()))
    length = np.sqrt((weights**2).sum()) or 1.0
    return Phrase(
        text=text,
        against=sign == "-",
        must=sign == "+",
        columns=columns,
        weights=(weights / length).astype(np.float32),
        spellings=(written(text, (text,) if text.endswith("*") else tuple(spelt)),),
    )


def _needed(columns: NDArray[np.int32]) -> NDArray[np.int32]:
    pairs = columns[columns >= WORDS]
    return pairs if len(pairs) else columns


def _spellings(text: str) -> Iterator[str]:
    if text.endswith("*"):
        stem = text.rstrip("* ")
        if not stem:
            return
        yield from (stem + ending for ending in _ENDINGS)
        return
    yield text
    last = text.rsplit(" ", 1)[-1].lower()
    if not last.isascii() or len(last) < 3:
        return
    if last.endswith("ies"):
        yield text[:-3] + "y"
    elif last.endswith("y") and last[-2] not in "aeiou":
        yield text[:-1] + "ies"
    elif last.endswith("s") and not last.endswith(("ss", "us", "is")):
        yield text[:-1]
    else:
        yield text + "s"
