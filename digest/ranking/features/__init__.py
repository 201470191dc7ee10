"""Text -> feature rows.

- `words`: counts of words and pairs, stored once for each paper
- `packing`: counts <-> bytes
- `weights`: tf-idf by the corpus frequencies, and keywords in the same columns
- `spellings`, `inflections`: the ways to write a keyword
- `text_index`: which papers hold a keyword
- `literal`: keywords such as "R" and "C++", which are matched as written
- `phrases`, `running_text`: noun phrases, and how a paper writes them
- `table`, `training`: word vectors, trained from papers alone
- `space`: counts -> the rows that profiles and scores work on
- `sign_codes`, `vector_index`: one bit of each dense column, to find what is near among all papers
- `encoded`: further dense columns, where the operator brings an encoder

Counts are stored and rows are computed from them when needed (a tenth of a millisecond a paper), so
new word vectors do not require old papers to be read again.
"""

from digest.ranking.features.encoded import Encoding, fit_encoding, pack_encoded, unpack_encoded
from digest.ranking.features.literal import keyword_problem
from digest.ranking.features.packing import is_readable, pack, unpack
from digest.ranking.features.phrases import NounPhrase, NounPhrases, find_noun_phrases, noun_phrases
from digest.ranking.features.sign_codes import estimate_cosines, find_nearest
from digest.ranking.features.space import WIDTH, Contributions, Space, fit_space
from digest.ranking.features.table import DIMENSIONS, Table, load_base_table
from digest.ranking.features.text_index import TextIndex
from digest.ranking.features.training import MIN_TRAINING_PAPERS, train
from digest.ranking.features.vector_index import VectorIndex, name_version
from digest.ranking.features.weights import (
    MIN_PAPERS,
    TOO_COMMON,
    Frequencies,
    parse_keywords,
    relative_variances,
    weigh,
)
from digest.ranking.features.words import (
    STOP_WORDS,
    VERSION,
    text_of,
    vectorize,
    words_of,
)
from digest.ranking.rows import COLUMNS, WORDS

__all__ = [
    "COLUMNS",
    "DIMENSIONS",
    "MIN_PAPERS",
    "MIN_TRAINING_PAPERS",
    "STOP_WORDS",
    "TOO_COMMON",
    "VERSION",
    "WIDTH",
    "WORDS",
    "Contributions",
    "Encoding",
    "Frequencies",
    "NounPhrase",
    "NounPhrases",
    "Space",
    "Table",
    "TextIndex",
    "VectorIndex",
    "estimate_cosines",
    "find_nearest",
    "find_noun_phrases",
    "fit_encoding",
    "fit_space",
    "is_readable",
    "keyword_problem",
    "load_base_table",
    "name_version",
    "noun_phrases",
    "pack",
    "pack_encoded",
    "parse_keywords",
    "relative_variances",
    "text_of",
    "train",
    "unpack",
    "unpack_encoded",
    "vectorize",
    "weigh",
    "words_of",
]
