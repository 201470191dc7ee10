"""Word counts -> tf-idf weights, and keywords in the same columns."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.features.inflections import number_forms
from digest.ranking.features.literal import literal_spelling, needs_literal_match
from digest.ranking.features.spellings import ENDINGS, spell
from digest.ranking.features.words import vectorize
from digest.ranking.rows import COLUMNS, Phrase

#: corpus size from which words are dropped for being too rare or too common
MIN_PAPERS = 500
#: share of all papers above which a word is too common
TOO_COMMON = 0.2

_PACKED = 1


def _no_papers() -> NDArray[np.uint32]:
    return np.zeros(COLUMNS, dtype=np.uint32)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frequencies:
    """Document frequencies: in how many of the stored papers each column occurs."""

    papers: int = 0
    #: number of papers by column, shape (COLUMNS,)
    counts: NDArray[np.uint32] = field(default_factory=_no_papers, repr=False)

    def add(self, rows: sp.csr_matrix) -> Frequencies:
        """Add further papers, given by their word counts, shape (papers, COLUMNS)."""
        counts = self.counts.copy()
        # Takes a sixth of the time of bincount, which makes a row of all columns.
        np.add.at(counts, rows.indices, np.uint32(1))
        return Frequencies(papers=self.papers + rows.shape[0], counts=counts)

    def to_bytes(self) -> bytes:
        """Compress; equal frequencies give equal bytes."""
        used = np.flatnonzero(self.counts)
        gaps = np.diff(used, prepend=0).astype("<u4")
        body = zlib.compress(gaps.tobytes() + self.counts[used].astype("<u4").tobytes(), 6)
        return struct.pack("<BQI", _PACKED, self.papers, len(used)) + body

    @classmethod
    def from_bytes(cls, blob: bytes) -> Frequencies:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: the bytes are something else.
        """
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
    """Return the tf-idf weights of rows of counts, float32, of length 1 or 0.

    The weight is (1 + ln tf) * (1 + ln((1 + papers) / (1 + df))). From `MIN_PAPERS` papers on,
    words of a single paper and words of more than a fifth of all papers weigh nothing. They stay
    in the row as explicit zeros, so that the sparsity pattern still says which words a paper has:
    a keyword may be rare or common.
    """
    columns, data = counts.indices, counts.data
    seen = frequencies.counts[columns].astype(np.float64)
    weights = (1 + np.log(np.maximum(data, 1))) * _idf(columns, frequencies)
    weights[_is_dropped(seen, frequencies)] = 0
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    norms = np.sqrt(np.bincount(rows, weights=weights**2, minlength=counts.shape[0]))
    norms[norms == 0] = 1
    return sp.csr_matrix(
        ((weights / norms[rows]).astype(np.float32), columns, counts.indptr), shape=counts.shape
    )


@lru_cache(maxsize=2)
def relative_variances(frequencies: Frequencies) -> NDArray[np.float32]:
    """Estimate how much the weight of each word varies from paper to paper, shape (COLUMNS,).

    A word weighs its idf in the papers that have it, so its variance is nearly df * idf**2. The
    unit is the mean over words, each counted by its variance; all is 0 without papers.
    """
    columns = np.flatnonzero(frequencies.counts).astype(np.int32)
    seen = frequencies.counts[columns].astype(np.float64)
    variances = seen * _idf(columns, frequencies) ** 2
    variances[_is_dropped(seen, frequencies)] = 0
    relative = np.zeros(COLUMNS, np.float32)
    if variances.any():
        relative[columns] = variances * (variances.sum() / (variances**2).sum())
    return relative


def _is_dropped(seen: NDArray[np.float64], frequencies: Frequencies) -> NDArray[np.bool_]:
    """Return which words weigh nothing, by how many papers have them; shape of `seen`."""
    if frequencies.papers < MIN_PAPERS:
        return np.zeros(len(seen), np.bool_)
    return (seen < 2) | (seen > TOO_COMMON * frequencies.papers)


def _idf(columns: NDArray[np.int32], frequencies: Frequencies) -> NDArray[np.float64]:
    # A column that two words share may be counted twice for a paper.
    seen = np.minimum(frequencies.counts[columns], frequencies.papers).astype(np.float64)
    return 1 + np.log((1 + frequencies.papers) / (1 + seen))


# ----------------------------------------------------------------------------------------------
# keywords


def parse_keywords(keywords: Iterable[str], frequencies: Frequencies) -> tuple[Phrase, ...]:
    """Return a phrase for each keyword that has a word, in order.

    A leading "-" mutes, a "+" pins the papers that hold it. A trailing "*" stands for the common
    English endings ("grasp*": grasps, grasping, grasper ...). `spellings` says what else counts as
    the keyword; singular and plural of its last word weigh alike.
    """
    phrases, _ = parse_and_count(keywords, frequencies)
    return tuple(phrase for phrase in phrases if phrase is not None)


def parse_and_count(
    keywords: Iterable[str], frequencies: Frequencies
) -> tuple[tuple[Phrase | None, ...], sp.csr_matrix]:
    """Return a phrase for each keyword, None where it has no word, and the counts of their words.

    The counts have the shape (keywords, COLUMNS).
    """
    signs_and_texts = [
        (keyword.strip()[:1], " ".join(keyword.strip().removeprefix("-").removeprefix("+").split()))
        for keyword in keywords
    ]
    # A keyword without any word has a row without counts.
    spellings = [list(dict.fromkeys(_weighed_forms(text))) or [text] for _, text in signs_and_texts]
    # All at once: counting one text takes as long as counting dozens.
    counts = vectorize([spelling for group in spellings for spelling in group])
    seen, idf = frequencies.counts[counts.indices] > 0, _idf(counts.indices, frequencies)
    counted = (
        _CountedText(counts.indices[span], idf[span], bool(seen[span].all()))
        for span in map(slice, counts.indptr, counts.indptr[1:])
    )
    phrases, rows, first = [], [], 0
    for (sign, text), group in zip(signs_and_texts, spellings, strict=True):
        by_spelling = dict(zip(group, islice(counted, len(group)), strict=True))
        phrases.append(_make_phrase(sign, text, by_spelling))
        rows.append(first)
        first += len(group)
    return tuple(phrases), counts[np.array(rows, dtype=np.int64)]


class _CountedText(NamedTuple):
    """The words of a text."""

    #: ascending
    columns: NDArray[np.int32]
    #: inverse document frequency of each column
    idf: NDArray[np.float64]
    #: whether each of the words occurs in a stored paper
    seen: bool


def _make_phrase(sign: str, text: str, by_spelling: Mapping[str, _CountedText]) -> Phrase | None:
    if needs_literal_match(text):
        return _make_literal_phrase(sign, text, by_spelling)
    with_words = {
        spelling: counted for spelling, counted in by_spelling.items() if len(counted.columns)
    }
    if not with_words or not (text.endswith("*") or text in with_words):
        return None
    # A spelling that no paper has would count as the rarest word of all.
    known = [counted for counted in with_words.values() if counted.seen]
    known = known or list(with_words.values())[:1]
    columns, weights, _ = known[0]
    if len(known) > 1:
        columns, first = np.unique(
            np.concatenate([counted.columns for counted in known]), return_index=True
        )
        weights = np.concatenate([counted.idf for counted in known])[first]
    return Phrase(
        text=text.rstrip("* "),
        muted=sign == "-",
        pinned=sign == "+",
        columns=columns,
        weights=(weights / np.sqrt((weights**2).sum())).astype(np.float32),
        spelling=spell(text),
    )


def _make_literal_phrase(sign: str, text: str, by_spelling: Mapping[str, _CountedText]) -> Phrase:
    """Return a keyword that is matched as written; its words score papers too."""
    columns, weights, _ = by_spelling.get(text) or next(iter(by_spelling.values()))
    norm = np.sqrt((weights**2).sum()) or 1.0
    return Phrase(
        text=text,
        muted=sign == "-",
        pinned=sign == "+",
        columns=columns,
        weights=(weights / norm).astype(np.float32),
        spelling=literal_spelling(text, (text,) if text.endswith("*") else tuple(by_spelling)),
    )


def _weighed_forms(text: str) -> Iterator[str]:
    """Yield the forms of a keyword whose words weigh: singular and plural, or all endings."""
    if text.endswith("*"):
        stem = text.rstrip("* ")
        if stem:
            yield from (stem + ending for ending in ENDINGS)
        return
    yield text
    before, last = text[: text.rfind(" ") + 1], text[text.rfind(" ") + 1 :]
    if last.isascii() and len(last) > 2:
        yield from (before + form for form in number_forms(last.lower())[1:])
