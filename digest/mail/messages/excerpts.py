"""Choose what a mail shows of an abstract.

It begins where the paper says what it does, and ends with a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from digest.mail.messages import texts
from digest.mail.messages.sentence_split import (
    HEADINGS,
    ends_with_abbreviation,
    is_within,
    protected_spans,
    split_sentences,
)

#: characters of an excerpt: less are filled up with a part of the next sentence; at most
MIN_LENGTH, MAX_LENGTH = 280, 600

# ----------------------------------------------------------------------------------------------
# where a paper says what it does

_WE = re.compile(r"(?:([\w'’]+),? +)?\b[Ww]e\b +([\w'’]+)(?: +([\w'’]+))?")
_BEFORE_WE = """
    as how what when where why whether if that which than because can could do does did should must
    may might will would are have has until once unless before after way
"""
#: "how we work", "can we trust": words in front of a "we" that is everybody
_BEFORE_EVERYBODY = frozenset(_BEFORE_WE.split())
_AFTER_WE = """
    live know need must should cannot can could lack often usually still face rely want all recently
    previously
"""
#: "we live in", "we still lack": words behind such a "we"
_AFTER_EVERYBODY = frozenset(_AFTER_WE.split())
#: "which we call": the authors after all
_NAMING = frozenset(("call", "term", "name", "denote", "dub", "refer"))
_OWN_TEXT = re.compile(
    r"\b(?:this|the (?:present|current|presented|accompanying))"
    r"(?: (?!of\b|in\b|to\b|for\b|and\b|is\b|are\b|as\b|by\b|from\b)[\w-]+){0,2}? "
    r"(?:paper|work|article|study|letter|thesis|chapter|report|survey|review|note|manuscript"
    r"|dissertation|research|tutorial|essay|contribution|preprint|investigation|monograph|primer"
    r"|perspective|commentary|project|effort|proposal|document)s?\b"
    r"(?! (?:area|direction|field|topic|gap|question|problem|line)s?\b)"
    r"|\bthe (?:paper|thesis|dissertation|chapter|manuscript)\b|^the article\b"
    r"|\bthe (?:proposed|presented|introduced) [\w-]+\b"
    r"|\b(?:aim|goal|objective|purpose|contribution) of (?:this|the present|our)\b"
    r"|^(?:here|herein)\b,? (?!is\b|are\b)",
    re.IGNORECASE,
)
_OUR = re.compile(
    r"^Our (?!understanding|knowledge|ability|world|li[fv]es?|societ|daily|planet|brain|universe)"
    r"|\bour (?!previous|earlier|prior|recent|original)(?:[\w-]+ ){0,2}"
    r"(?:methods?|approach|models?|framework|work|study|paper|results?"
    r"|findings?|analys[ie]s|contributions?|system|algorithms?|experiments?|goal|aim|theory|proofs?"
    r"|construction|dataset|benchmark|pipeline|evaluations?|solution|technique|architecture)\b"
)
_I = re.compile(
    r"\bI (?:(?:also|then|first|further|here) )?(?:show|argue|propose|present|introduce|prove|study"
    r"|investigate|develop|describe|discuss|examine|analy[sz]e|derive|demonstrate|explore|consider"
    r"|use|find|provide|review|offer|suggest|address|give|construct|establish|extend|formali[sz]e"
    r"|ask|report|compare|apply|outline|evaluate)\b"
)
_PASSIVE = re.compile(
    r"^(?:(?!\b(?:where|when|if)\b).)*"
    r"\b(?:is|are|was|were) (?:(?:here|then|also|herein|first|thus|further) )?"
    r"(?:proposed|introduced|presented|investigated|derived|proved|proven|constructed|examined"
    r"|shown|reported|demonstrated|described)\b"
    # by others
    r"(?! (?:as|by many|in the literature)\b| (?:in|by) (?:[A-Z]|\d{4}))"
)
#: headings of structured abstracts under which a paper says what it does
_OWN_HEADING = re.compile(
    r"\W*(?:aims?|objectives?|purpose|goals?|methods?|methodology|approach|design|results?"
    r"|findings?|study design|materials?)\b",
    re.IGNORECASE,
)
_ENGLISH = re.compile(
    r"\b(?:the|of|and|to|is|are|that|with|for|we|this|it|from|by|be|our|which|has|have|them|they)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")
_BLANK = re.compile(r"\s+")


def states_contribution(sentence: str, name: str = "") -> bool:
    """Tell whether a paper says in this sentence what it does.

    Args:
        name: what the paper calls its method, from the title "NAME: ..."; "" = nothing.
    """
    return (
        _is_own_heading(sentence)
        or _OWN_TEXT.search(sentence) is not None
        or _OUR.search(sentence) is not None
        or _I.search(sentence) is not None
        or _PASSIVE.search(sentence) is not None
        or any(map(_are_authors, _WE.finditer(sentence)))
        or (bool(name) and sentence.startswith(name) and not sentence[len(name) :][:1].isalnum())
    )


def _is_own_heading(sentence: str) -> bool:
    """Tell whether it begins with a heading such as "Aims." or "METHODS"."""
    heading = HEADINGS.match(sentence)
    if heading is None or _OWN_HEADING.match(sentence) is None:
        return False
    words = heading[0].strip()
    return words.endswith((".", ":")) or (words.isupper() and len(words) > 3)


def _are_authors(match: re.Match[str]) -> bool:
    """Tell whether a "we" is the authors, and not everybody."""
    before, verb, second = ((match[number] or "").lower() for number in (1, 2, 3))
    if before in _BEFORE_EVERYBODY:
        return verb in _NAMING
    if verb in ("have", "ve") or verb in _AFTER_EVERYBODY:
        return verb == "have" and second not in ("seen", "witnessed", "no", "to", "little", "come")
    return True


# ----------------------------------------------------------------------------------------------
# the excerpt

#: "To address these issues, we": refers to what is not shown
_LEAD_IN = re.compile(
    r"(?:To (?:address|bridge|fill|close|tackle|overcome|solve|mitigate|remedy|alleviate|resolve"
    r"|meet|answer|study|investigate|this end)\b[^,.;:()]{0,90}, (?=(?:we|this|here|in)\b)"
    r"|(?:[A-Z][\w-]+ ){1,2}(?:[\w-]+ )?(?:such|this|these|those|that)\b[^,.;:()]{0,60}, (?=we\b)"
    r"|(?:Therefore|Thus|Hence|However|Consequently|Accordingly|Instead|Moreover|Furthermore"
    r"|Additionally|As such|In response|Motivated by this|Inspired by this|To this end), )"
)
#: a sentence that nobody understands without the one before
_REFERS_BACK = re.compile(
    r"(?:This|These|Those|Such|That|They|It|(?:The|For the|In the|Of the) (?:latter|former)"
    r"|(?:Given|Under|With|In|For|From|By|On) (?:such|this|these|that|those))\b"
    r"(?! (?:\w+ )?(?:viewpoint|paper|work|article|study|survey|thesis|report|letter"
    r"|review|note|chapter)\b)"
)
#: sentences before the chosen one that an excerpt goes back to understand it
_MOST_BACK = 2
#: "We make three contributions.": announces what is not shown
_ANNOUNCES = re.compile(
    r"\b(?:two|three|four|five|six|several)(?: [\w-]+){0,2} (?:moves|findings|contributions|parts"
    r"|steps|ways|questions|results|insights|challenges|stages|components|observations|lessons)[.:]$"
    r"|:$"
)


def excerpt(abstract: str, first: int = 0) -> str:
    """Take whole sentences of an abstract, at most 600 characters.

    Where these would be less than a few lines, the last sentence is cut after a word. Words at the
    beginning that refer to a sentence before, which is not shown, are left out.

    Args:
        abstract: on one line.
        first: number of the sentence to begin with, from 0.
    """
    spans = split_sentences(abstract)
    first = _step_back(abstract, spans, first)
    spans = spans[first:]
    if not spans:
        return ""
    start = spans[0][0]
    if first and (lead_in := _LEAD_IN.match(abstract, start)):
        spans = ((lead_in.end(), spans[0][1]), *spans[1:])
        start = lead_in.end()
        abstract = abstract[:start] + abstract[start : start + 1].upper() + abstract[start + 1 :]
    ends = [end for _, end in spans if end - start <= MAX_LENGTH]
    if len(ends) < len(spans) and len(ends) > 1 and ends[-2] - start >= MIN_LENGTH:
        last = abstract[spans[len(ends) - 1][0] : ends[-1]]
        ends = ends[:-1] if _ANNOUNCES.search(last) else ends
    if ends and (ends[-1] - start >= MIN_LENGTH or len(ends) == len(spans)):
        return abstract[start : ends[-1]]
    return _cut(abstract[start:], ends[-1] - start if ends else 0)


def _step_back(abstract: str, spans: Sequence[tuple[int, int]], first: int) -> int:
    """Return the number of the sentence to begin with, so that the chosen one is understood.

    The chosen one is still within the excerpt.
    """
    number = first
    while 0 < number < len(spans) and first - number < _MOST_BACK:
        start = spans[number][0]
        if _LEAD_IN.match(abstract, start) or not _REFERS_BACK.match(abstract, start):
            break
        if spans[first][1] - spans[number - 1][0] > MAX_LENGTH:
            break
        number -= 1
    return number


def _cut(text: str, sentences_end: int) -> str:
    """Cut a text after a word: not after "et al.", nor in brackets or formulas if possible.

    Args:
        sentences_end: where its last whole sentence within the limit ends.
    """
    protected = protected_spans(text)
    blanks = [match.start() for match in _BLANK.finditer(text, sentences_end, MAX_LENGTH)]
    for position in reversed(blanks):
        if position < MIN_LENGTH:
            break
        if not is_within(position, protected) and not ends_with_abbreviation(text[:position]):
            return text[:position].rstrip(" ,;:–—-") + "…"
    return text[:sentences_end] if sentences_end else texts.cut(text, MAX_LENGTH)


def find_contribution(title: str, abstract: str) -> int | None:
    """Return the number of the first sentence that says what the paper does.

    An abstract in another language than English is shown from its start, 0.

    Args:
        title, abstract: on one line each.

    Returns:
        None where no sentence says it.
    """
    if not _is_english(abstract):
        return 0
    name, colon, _ = title.partition(":")
    for number, (start, end) in enumerate(split_sentences(abstract)):
        if states_contribution(abstract[start:end], name if colon else ""):
            return number
    return None


def _is_english(text: str) -> bool:
    return 12 * len(_ENGLISH.findall(text)) >= len(_WORD.findall(text))


def find_most_words(abstract: str, words: Collection[str]) -> int:
    """Return the number of the sentence that holds most of these words; the first of equals."""
    sentences = [abstract[start:end].lower() for start, end in split_sentences(abstract)]
    lowered = [word.lower() for word in words]
    counts = [sum(word in sentence for word in lowered) for sentence in sentences]
    return counts.index(max(counts)) if counts else 0
