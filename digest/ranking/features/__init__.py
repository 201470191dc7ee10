"""Text -> numbers. words: counts of words and pairs, stored once a paper. weights: what a word
weighs. table, training: what words mean, learned from papers alone. space: the rows that profiles
and scores are made of. encoded: further columns, where the operator brings an encoder.

Counts are what is stored; rows are worked out from them at need (a tenth of a millisecond a paper),
so new word vectors need no second look at old papers.
"""

from digest.ranking.features.encoded import Encoding, encoding, pack_encoded, unpack_encoded
from digest.ranking.features.space import WIDTH, Space, Spread, space
from digest.ranking.features.table import DIMENSIONS, Table, base
from digest.ranking.features.training import FEWEST, train
from digest.ranking.features.weights import COMMON, ENOUGH, Frequencies, phrases, weigh
from digest.ranking.features.words import (
    STOP_WORDS,
    VERSION,
    pack,
    readable,
    text_of,
    unpack,
    vectorize,
    words_of,
)
from digest.ranking.features.written import refusal
from digest.ranking.rows import COLUMNS, WORDS

__all__ = [
    "COLUMNS",
    "COMMON",
    "DIMENSIONS",
    "ENOUGH",
    "FEWEST",
    "STOP_WORDS",
    "VERSION",
    "WIDTH",
    "WORDS",
    "Encoding",
    "Frequencies",
    "Space",
    "Spread",
    "Table",
    "base",
    "encoding",
    "pack",
    "pack_encoded",
    "phrases",
    "readable",
    "refusal",
    "space",
    "text_of",
    "train",
    "unpack",
    "unpack_encoded",
    "vectorize",
    "weigh",
    "words_of",
]
