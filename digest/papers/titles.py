"""How much a title says about which paper it is.

"Editorial" and "Book review" name no paper; four rare words and the authors do.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

#: what the journal puts above a text, not its authors
_FRONT_MATTER: Final = """
    abstract abstracts acknowledgement acknowledgements acknowledgment acknowledgments addendum
    advertisement announcement announcements annual appendix article articles author authors
    biography board book books brief briefs calendar call chapter colophon column comment
    commentary comments committee conclusion conclusions contents contributor contributors
    correction corrections correspondence corrigenda corrigendum cover dedication discussion
    editor editorial editorials editors epilogue errata erratum events expression concern
    foreword front matter general glossary guest highlights index information instructions
    interview introduction introductory invitation issue issues journal letter letters list masthead
    meeting meetings memoriam memory message miscellaneous miscellany month news newsletter note
    notes notice notices number obituaries obituary opening opinion overview page
    perspective perspectives preamble preface president preview proceedings prologue publisher
    publishers reader readers recent references rejoinder remark remarks reply report reports
    research response results retracted retraction review reviewer reviewers reviews section short
    special statement subject summary supplement supplementary table tables thanks viewpoint
    volume welcome withdrawal withdrawn word words year
    january february march april may june july august september october november december
    jan feb mar apr jun jul aug sep sept oct nov dec spring summer autumn fall winter
    vol no nr pp part
"""
_FUNCTION_WORDS: Final = """
    first second third fourth fifth sixth seventh eighth ninth tenth
    a about above after against all among an and any are as at based be been before being below
    between both but by can could do does during each every for from further has have having her
    here his how if in into is it its more most my new not of off on only or other our over own
    some such than that the their them then there these they this those through to toward towards
    under until up upon use used using very via was we were what when where which while who whose
    why will with within without would you your
"""
_COMMON: Final = frozenset((_FRONT_MATTER + _FUNCTION_WORDS).split())
_NUMERAL: Final = re.compile(r"[0-9]+(?:st|nd|rd|th)?|[ivxl]+|[a-z]")
_RARE_LENGTH: Final = 4
#: with so many rare words a title is nobody else's
_TELLING: Final = 4
#: Chinese and Japanese put no space between words; two characters are one
_IDEOGRAPH: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_WORD_OF_IDEOGRAPHS: Final = 2


@lru_cache(maxsize=4096)
def is_generic(title_key: str) -> bool:
    """Whether a normalised title has only common words and numbers: "Editorial, June 2026"."""
    return all(word in _COMMON or _NUMERAL.fullmatch(word) for word in title_key.split())


@lru_cache(maxsize=4096)
def is_telling(title_key: str) -> bool:
    """Whether a normalised title has at least four rare words.

    A rare word has four letters or more and is none of the common ones.
    """
    count = 0
    for word in title_key.split():
        if ideographs := len(_IDEOGRAPH.findall(word)):
            count += ideographs // _WORD_OF_IDEOGRAPHS
        elif len(word) >= _RARE_LENGTH and word not in _COMMON and not word.isdigit():
            count += 1
    return count >= _TELLING
