"""Text -> numbers. words: counts of words and pairs, stored once a paper. weights: what a word weighs. table, training: what words mean, learned from
papers alone. space: the rows that profiles and scores are made of.

Counts are what is stored; rows are worked out from them at need (ten microseconds a paper), so new word vectors need no second look at old papers.
"""

from digest.features.space import WIDTH, Space, Spread, space
from digest.features.table import DIMENSIONS, Table, base
from digest.features.training import FEWEST, train
from digest.features.weights import COMMON, ENOUGH, PAIR_WEIGHT, Frequencies, Phrase, phrases, weigh
from digest.features.words import COLUMNS, STOP_WORDS, VERSION, WORDS, pack, text_of, unpack, vectorize, words_of

__all__ = [
    "COLUMNS",
    "COMMON",
    "DIMENSIONS",
    "ENOUGH",
    "FEWEST",
    "PAIR_WEIGHT",
    "STOP_WORDS",
    "VERSION",
    "WIDTH",
    "WORDS",
    "Frequencies",
    "Phrase",
    "Space",
    "Spread",
    "Table",
    "base",
    "pack",
    "phrases",
    "space",
    "text_of",
    "train",
    "unpack",
    "vectorize",
    "weigh",
    "words_of",
]
