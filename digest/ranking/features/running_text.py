"""How a paper writes its words in running text: "Autoencoders" of a title as "autoencoders"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from digest.ranking.features.phrase_words import CAPITALIZED
from digest.ranking.features.words import WORD_TOKEN

#: letters from which a word in capitals is hardly an acronym
LONG_WORD = 6
_SENTENCE_START = re.compile(r"(?:^|[.!?:]\s+|[“\"(]\s*)$")
#: behind and before a word of a name that is spelled out: "Sparse Autoencoders (SAEs)"
_ACRONYM_BEHIND = re.compile(r"[\w -]{0,60}\([A-Z][\w-]*[A-Z]s?\)")
_ACRONYM_BEFORE = re.compile(r"[A-Z]{2,}s? \([\w -]*$")


class RunningText:
    """How a paper writes its words in running text."""

    def __init__(self, title: str, abstract: str) -> None:
        self._texts = (abstract, title if _is_sentence_case(title) else "")
        self._words: dict[str, str] = {}

    def write(self, written: Sequence[str]) -> str:
        """Write words as in running text: "Autoencoders" as "autoencoders", "LLM" as it is."""
        words: list[str] = []
        for each in written:
            if each not in self._words:
                self._words[each] = self._write_word(each)
            word = self._words[each]
            # No name begins in the middle: "agent Skill".
            is_name = word in CAPITALIZED or not words or not words[-1].islower()
            words.append(word if is_name or not _is_plain(word) else word.lower())
        return " ".join(words)

    def _write_word(self, word: str) -> str:
        plain = word.lower()
        if word.isupper() and len(word) >= LONG_WORD and self._holds(plain):
            # A title in capitals throughout.
            return plain
        if word in CAPITALIZED or not _is_plain(word):
            return word
        if self._holds(plain):
            return plain
        return word if self._holds(word, in_running_text=True) else plain

    def _holds(self, word: str, *, in_running_text: bool = False) -> bool:
        """Tell whether the paper writes a word like this."""
        if word not in self._all_words:
            return False
        if not in_running_text:
            return word[:1].islower()
        return any(
            match[0] == word and _is_in_running_text(match)
            for text in self._texts
            for match in WORD_TOKEN.finditer(text)
        )

    @cached_property
    def _all_words(self) -> frozenset[str]:
        return frozenset[str]().union(*map(WORD_TOKEN.findall, self._texts))


def _is_plain(word: str) -> bool:
    """Tell whether a word, or each piece of a compound, is lower case but for its first letter."""
    return all(piece[1:].islower() or len(piece) <= 1 for piece in word.split("-"))


def _is_in_running_text(word: re.Match[str]) -> bool:
    """Tell whether a word begins no sentence, and is spelled out for no acronym."""
    text = word.string
    before = text[max(word.start() - 40, 0) : word.start()]
    return not (
        _SENTENCE_START.search(before)
        or _ACRONYM_BEFORE.search(before)
        or _ACRONYM_BEHIND.match(text, word.end())
    )


def _is_sentence_case(title: str) -> bool:
    """Tell whether a title writes most words in lower case."""
    words: list[str] = [word for word in WORD_TOKEN.findall(title) if len(word) > 3]
    return 2 * sum(map(str.islower, words)) > len(words)
