"""The other forms of an English word: singular and plural, and "-ing" beside its verb.

The rules also make words that do not exist ("boxe"). They do no harm, since no paper has them.
"""

from __future__ import annotations

import re
from functools import lru_cache

_IRREGULAR = """
    alga/algae antenna/antennae appendix/appendices automaton/automata axis/axes
    bacterium/bacteria calf/calves child/children corpus/corpora criterion/criteria foot/feet
    formula/formulae fungus/fungi ganglion/ganglia genus/genera larva/larvae leaf/leaves
    locus/loci man/men maximum/maxima minimum/minima mitochondrion/mitochondria mouse/mice
    nebula/nebulae nucleus/nuclei optimum/optima person/people phenomenon/phenomena
    polyhedron/polyhedra quantum/quanta radius/radii simplex/simplices spectrum/spectra
    stimulus/stimuli supernova/supernovae taxon/taxa tooth/teeth vertebra/vertebrae wolf/wolves
    woman/women"""
_PLURAL = dict(pair.split("/") for pair in _IRREGULAR.split())
_SINGULAR = {plural: singular for singular, plural in _PLURAL.items()}
_ENDING_IN_S = """
    aids always atlas bias canvas chaos gas lens mars news pancreas perhaps series species
    sometimes texas"""
#: no plurals of the words without "s": "news" is not "new"
_NO_PLURAL = frozenset(_ENDING_IN_S.split())
_COUNTED = """
    antibiotic characteristic clinic comic critic diagnostic fabric graphic heuristic lyric metric
    mosaic plastic robotic topic"""
#: words in "-ic" that name a thing, or the same as "-ics"; "logistic" is not "logistics"
_COUNTED_IC = frozenset(_COUNTED.split())
#: verbs that mean something else with "-ing", and forms in "-ing" that do without it
_NO_ING = frozenset(["market", "process", "reason"])
_NO_VERB = frozenset(["modeling", "modelling"])
#: letters of a lone word from which its "-ing" is plain: "jailbreaking", but not "train"/"training"
_LONG_VERB = 6
#: endings of nouns that are no verb
_NOUN_ENDING = re.compile(r"(?:s|ion|ing|ment|ity|ness|al|er|or|ism|ist|ics|ance|ence|logy|phy)$")
_HISSING = re.compile(r"(?:[sxz]|ch|sh)$")
_VOWELS = "aeiou"


@lru_cache(maxsize=1 << 14)
def number_forms(word: str) -> tuple[str, ...]:
    """Return a lower-case word, and its plural or what may be its singular."""
    singulars = _singulars(word)
    return tuple(dict.fromkeys((word, *(singulars or _plurals(word)))))


def _singulars(word: str) -> tuple[str, ...]:
    """Return what may be the singular of a plural; nothing where the word is none."""
    if word in _SINGULAR:
        singular = _SINGULAR[word]
        return (singular, word[:-1]) if word.endswith("s") else (singular,)
    if len(word) < 4 or word in _NO_PLURAL or not re.search(r"[^sui]s$", word):
        return ()
    stem = word[:-1]
    if word.endswith("ics"):
        return (stem,) if stem in _COUNTED_IC else ()
    if word.endswith("ies"):
        return (word[:-3] + "y", stem)
    if word.endswith("ices"):
        return (stem, word[:-4] + "ix", word[:-4] + "ex")
    singulars = [stem]
    if re.search(r"(?:[sxz]|ch|sh|us|ia|o)es$", word) and not re.search(r"[^su]ses$", word):
        singulars.append(word[:-2])
    if word.endswith("ses"):
        singulars.append(word[:-2] + "is")
        if word[:-2] in _NO_PLURAL:
            singulars.append(word[:-2])
    return tuple(singulars)


def _plurals(word: str) -> tuple[str, ...]:
    if word in _PLURAL:
        return (_PLURAL[word], *((word + "s",) if word.endswith("a") else ()))
    if word.endswith("sis"):
        return (word[:-2] + "es",)
    if word.endswith(("ic", "ics")) and word not in _COUNTED_IC:
        return ()
    if word.endswith("y") and word[-2:-1] not in _VOWELS:
        return (word[:-1] + "ies",)
    if word.endswith(("ix", "ex")) and len(word) > 4:
        return (word[:-2] + "ices", word + "es")
    if word.endswith(("ch", "o")):
        return (word + "s", word + "es")
    return (word + "es",) if _HISSING.search(word) else (word + "s",)


@lru_cache(maxsize=1 << 14)
def ing_forms(word: str, *, in_phrase: bool) -> tuple[str, ...]:
    """Return "-ing" for a verb, and the verb for "-ing", where that is plain.

    The last word of a phrase can change, since the words before it tell what it is about: "Gaussian
    splat" and "Gaussian splatting". A lone word only takes "-ing", from `_LONG_VERB` letters on.

    Args:
        word: in lower case.
        in_phrase: whether other words stand before it.
    """
    if not word.isascii() or not word.isalpha() or word in _NO_ING | _NO_VERB:
        return ()
    if word.endswith("ing"):
        return _verbs(word[:-3]) if in_phrase else ()
    verb = _singulars(word)[0] if in_phrase and _singulars(word) else word
    if len(verb) < (3 if in_phrase else _LONG_VERB) or _NOUN_ENDING.search(verb):
        return ()
    if verb.endswith("e"):
        return (verb[:-1] + "ing",)
    if _doubles_last(verb):
        return (verb + verb[-1] + "ing", verb + "ing")
    return (verb + "ing",)


def _doubles_last(verb: str) -> bool:
    return verb[-1] not in "aeiouwxy" and verb[-2] in _VOWELS and verb[-3] not in _VOWELS


def _verbs(stem: str) -> tuple[str, ...]:
    """Return the verbs of a stem before "-ing", and the nouns that look like them."""
    if len(stem) < 3:
        return ()
    verbs = [stem, stem + "e"]
    if stem[-1] == stem[-2]:
        verbs.append(stem[:-1])
    return tuple(dict.fromkeys((*verbs, *(verb + "s" for verb in verbs))))
