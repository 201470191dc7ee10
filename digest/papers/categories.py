"""Whether a category that somebody typed exists, and which one may have been meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from digest.papers.arxiv_categories import ARXIV_CATEGORIES, OTHER_NAMES, PREPRINT_SUBJECTS

#: categories that are suggested at most
_SUGGESTED: Final = 3
_CODE_BY_KEY: Final = {code.lower(): code for code in ARXIV_CATEGORIES}
_CODES_BY_NAME: Final = {
    name.lower(): tuple(code for code, other in ARXIV_CATEGORIES.items() if other == name)
    for name in ARXIV_CATEGORIES.values()
}
_SEPARATOR: Final = re.compile(r"[\s,;/]+")
_WORD: Final = re.compile(r"[a-z0-9]+")
_LITTLE_WORDS: Final = frozenset(["and", "for", "in", "of", "the"])


def category_key(text: str) -> str:
    """Fold a category as typed: without sign, case and the ending ".*"."""
    return " ".join(text.strip().lstrip("+-").split()).lower().rstrip(".*")


def is_arxiv_category(text: str) -> bool:
    """Return whether arXiv has a category or archive, as typed, or "archive.*"."""
    return category_key(text) in _CODE_BY_KEY


def is_known_category(text: str, stored: Collection[str] = ()) -> bool:
    """Return whether a category, an archive or "archive.*" exists.

    Args:
        text: the category as typed, in any case; a "-" before it does not count.
        stored: the categories of the stored papers; where there are any, a subject of bioRxiv or
            medRxiv is only known if a paper has it.
    """
    key = category_key(text)
    if is_arxiv_category(text) or any(
        name.lower() == key or name.lower().startswith(f"{key}.") for name in stored
    ):
        return True
    return not stored and key in PREPRINT_SUBJECTS


def suggest_categories(text: str, stored: Collection[str] = ()) -> tuple[str, ...]:
    """Suggest categories for an unknown one, likeliest first, three at most.

    Those that it lists; those whose name has all of its words; else those whose code or name is
    nearly the same.
    """
    key = category_key(text)
    if not key:
        return ()
    if key in OTHER_NAMES:
        return OTHER_NAMES[key]
    several = [_CODE_BY_KEY.get(part, "") for part in _SEPARATOR.split(key)]
    if all(several):
        return tuple(several[:_SUGGESTED])
    ending = tuple(code for low, code in _CODE_BY_KEY.items() if low.partition(".")[2] == key)
    if ending:
        return ending[:_SUGGESTED]
    words = _content_words(key)
    named = [
        (len(_content_words(name)), code)
        for code, name in ARXIV_CATEGORIES.items()
        if words and words <= _content_words(name)
    ]
    if named:
        # The name that says least beside it comes first, and an archive before its parts.
        named.sort(key=lambda found: (found[0], "." in found[1]))
        return tuple(code for _, code in named[:_SUGGESTED])
    codes = {**_CODE_BY_KEY, **{name.lower(): name for name in stored}}
    joined = {re.sub(r"[^a-z]", "", key): code for key, code in codes.items()}
    bare = re.sub(r"[^a-z]", "", key)
    if bare and bare in joined:
        return (joined[bare],)
    near = difflib.get_close_matches(key, codes, n=1, cutoff=0.75)
    if near:
        return (codes[near[0]],)
    names = {
        **_CODES_BY_NAME,
        **{name: other for name, other in OTHER_NAMES.items() if " " in name},
    }
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.8)
    return names[near[0]] if near else ()


def describe_category(code: str) -> str:
    """Return a category with its name, as in "cs.LG (Machine Learning)"."""
    name = ARXIV_CATEGORIES.get(code)
    return f"{code} ({name})" if name else code


@lru_cache(maxsize=1024)
def _content_words(text: str) -> frozenset[str]:
    """Return the words of a name without plural endings and little words."""
    return frozenset(
        word.removesuffix("s") for word in _WORD.findall(text.lower()) if word not in _LITTLE_WORDS
    )
