"""A real encoder of a few words, which model2vec saves and loads like any other."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from digest.ranking import encoders


def save(
    folder: Path, topics: Mapping[str, Sequence[str]], *, dimensions: int = 24, seed: int = 0
) -> Path:
    """Save an encoder and return its folder.

    Words of one topic have similar vectors.
    """
    from model2vec import StaticModel
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace

    rng = np.random.default_rng(seed)
    vocabulary, rows = {"[UNK]": 0}, [np.zeros(dimensions)]
    for words in topics.values():
        topic_vector = rng.standard_normal(dimensions)
        for word in words:
            vocabulary[word] = len(rows)
            rows.append(topic_vector + 0.3 * rng.standard_normal(dimensions))
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    logging.getLogger("model2vec").setLevel(logging.WARNING)
    StaticModel(np.array(rows, dtype=np.float32), tokenizer).save_pretrained(folder)
    encoders.load.cache_clear()  # the folder may hold files of an earlier save
    return folder
