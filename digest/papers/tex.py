r"""TeX in titles and abstracts -> the Unicode that a person would read: `$x^2$` -> x², `M\"uller`
-> Müller, `\ge` -> ≥.

pylatexenc supplies its table of symbols, one look-up per macro. Its whole-text conversion is not
used: it takes a per cent sign for a comment, drops unknown macros, and raises on some input. Here
whatever is not understood stays as it was written. Never raises; time grows with the length of the
text and the depth of its groups, which is bounded.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from pylatexenc.latex2text import get_default_latex_context_db

from digest.papers import tex_names as names

# Each alternative begins with a sign of its own: then the engine skips what lies between in one
# scan, five times as fast as from letter to letter.
_TOKEN: Final = re.compile(r"\\(?:([A-Za-z]+)\*?|(.))|\$\$?|\{|\}|\^|_|~|&|'", re.DOTALL)
_BRACE: Final = re.compile(r"\\.|\{|\}", re.DOTALL)
_DEEPEST: Final = 24
#: longer than any formula; beyond it a dollar is a dollar
_LONGEST_FORMULA: Final = 1500
_LONE_ACCENT: Final = re.compile(r"\{\\(['\"`^~=.])\}([A-Za-z])")
_VERBATIM: Final = re.compile(r"([^\w\s{\\])(.{1,200}?)\1")
#: a tie after a word or an abbreviation, and a comma between thousands
_SURE: Final = re.compile(r"[^\W\d_]{2}\.?~\w|[0-9]\{,\}[0-9]")
_WORD_GROUP: Final = re.compile(r"[\w,.-]{1,60}")
_DECIMAL: Final = re.compile(r"[0-9]+\.[0-9]+")
_STRONG: Final = re.compile(r"[\\^_{]")
_SIGNS_ONLY: Final = re.compile(r"\s*[-+=<>*/~|≈≤≥×±→←−]+\s*")
_PROSE_WORD: Final = re.compile(r"[^\W\d_]{4,}")

_ESCAPED: Final = frozenset("%&$#_{}")
_SPACES: Final = frozenset(" ,;:>\n\t\\")


def has_tex(text: str) -> bool:
    """Whether there can be any TeX; braces alone are not, nor is a tilde that may mean "about"."""
    return (
        "\\" in text
        or "$" in text
        or (("~" in text or "{,}" in text) and _SURE.search(text) is not None)
    )


def to_unicode(text: str) -> str:
    """The text with its TeX made readable.

    Amounts of money stay ("$5 and $6"), and so does every macro that nobody knows.
    """
    if "{\\" in text:
        text = _LONE_ACCENT.sub(r"\\\1{\2}", text)
    return _Reader(text, formula=False, depth=0).read()


class _Reader:
    """One pass over one group; a group within is read by a reader of its own."""

    def __init__(self, text: str, *, formula: bool, depth: int) -> None:
        self.text = text
        self.formula = formula
        self.depth = depth
        self.at = 0
        self.out: list[str] = []
        self._closing = _pairs(text) if "{" in text else {}

    def read(self) -> str:
        if self.depth > _DEEPEST:
            return self.text
        text = self.text
        while (token := _TOKEN.search(text, self.at)) is not None:
            self.out.append(text[self.at : token.start()])
            self.at = token.end()
            macro, sign = token.groups()
            if macro is not None:
                self._macro(macro, token[0])
            elif sign is not None:
                self._sign(sign)
            elif text[token.start()] == "$":
                self._dollar(token[0])
            else:
                self._other(token[0])
        self.out.append(text[self.at :])
        return "".join(self.out)

    def _inner(self, text: str, *, formula: bool | None = None) -> str:
        return _Reader(
            text, formula=self.formula if formula is None else formula, depth=self.depth + 1
        ).read()

    def _group(self) -> str | None:
        """The text of the brace group that begins here, after white space; None where there is
        none.
        """
        start = self.at
        while self.text[start : start + 1].isspace():
            start += 1
        end = self._closing.get(start)
        if end is None:
            return None
        self.at = end + 1
        return self.text[start + 1 : end]

    def _argument(self) -> str:
        """A macro's argument, read: a group, a macro, or the next character."""
        if (group := self._group()) is not None:
            return self._inner(group)
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        token = _TOKEN.match(self.text, self.at)
        if token is not None and token[1]:
            self.at = token.end()
            before = len(self.out)
            self._macro(token[1], token[0])
            made = "".join(self.out[before:])
            del self.out[before:]
            return made
        if token is not None:
            # Not an argument: a closing brace, a dollar or a script; it is read in its turn.
            return ""
        self.at += 1
        return self.text[self.at - 1 : self.at]

    def _macro(self, name: str, written: str) -> None:  # noqa: C901  # one branch a kind of macro reads better than a table of methods
        bound = self.at in self._closing
        if name in names.SILENT:
            swallowed = ("." if name in ("left", "right") else "") if self.formula else " "
            if swallowed and self.text.startswith(swallowed, self.at):
                self.at += 1
        elif name in names.DROPPED:
            self._group()
        elif name in names.PASSED and (bound or self.formula):
            self.out.append(self._passed(name))
        elif name in ("textsuperscript", "textsubscript") and bound:
            self.out.append(_script("^" if name == "textsuperscript" else "_", self._argument()))
        elif name == "verb" and (found := _VERBATIM.match(self.text, self.at)) is not None:
            self.at = found.end()
            self.out.append(found[2])
        elif name.startswith("cite") and (bound or self.text[self.at : self.at + 1] == "["):
            self.at = _after_options(self.text, self.at)
            self.out.append(f"[{(self._group() or '').strip()}]")
        elif name == "footnote" and bound:
            self.out.append(f" ({self._argument()})")
        elif name in ("frac", "dfrac", "tfrac", "nicefrac", "sfrac", "binom") and (
            bound or self.formula
        ):
            self.out.append(self._fraction(name) or written)
        elif name == "sqrt" and (bound or self.formula):
            self.at = _after_options(self.text, self.at)
            self.out.append("√" + _in_brackets(self._argument()))
        elif name in names.MATH_ACCENTS and (bound or self.formula):
            self.out.append(_accented(self._argument(), names.MATH_ACCENTS[name]))
        elif (
            len(name) == 1 and name in names.ACCENTS and not self.formula and self._accent_follows()
        ):
            self.out.append(_accented(self._argument(), names.ACCENTS[name]))
        elif (symbol := _symbol(name)) is not None:
            if self.text[self.at : self.at + 2] == "{}":
                self.at += 2
            elif symbol in "⟨⌊⌈" and self.text[self.at : self.at + 1] == " ":
                self.at += 1
            self.out.append(symbol)
        else:
            self._unknown(name, written)

    def _unknown(self, name: str, written: str) -> None:
        group = self._group() if self.at in self._closing else None
        if group:
            self.out.append(
                self._inner(group) if self.formula else f"{written}{{{self._inner(group)}}}"
            )
        else:
            self.out.append(name if self.formula else written)

    def _passed(self, name: str) -> str:
        self.at = _after_options(self.text, self.at)
        for _ in range(names.PASSED[name] - 1):
            if self._group() is None:
                return ""
        if name.startswith("text") or name in ("mbox", "hbox", "emph"):
            group = self._group()
            return self._argument() if group is None else self._inner(group, formula=False)
        if name in ("ensuremath", "operatorname"):
            return (
                self._inner(group, formula=True)
                if (group := self._group()) is not None
                else self._argument()
            )
        text = self._argument()
        return names.DOUBLE_STRUCK.get(text, text) if name in ("mathbb", "mathds") else text

    def _fraction(self, name: str) -> str:
        upper, lower = self._argument(), self._argument()
        if not upper and not lower:
            return ""
        return (
            f"({upper} choose {lower})"
            if name == "binom"
            else f"{_in_brackets(upper)}/{_in_brackets(lower)}"
        )

    def _accent_follows(self) -> bool:
        """`\\c c` and `\\c{c}` are accents, `\\c` before a full stop is not."""
        here = self.text[self.at : self.at + 2]
        return here[:1] == "{" or (here[:1] == " " and here[1:].isalpha()) or here[:1] == "\\"

    def _sign(self, sign: str) -> None:
        if sign in _ESCAPED:
            self.out.append(sign)
        elif sign in "([":
            self._display(")" if sign == "(" else "]", sign)
        elif sign in _SPACES:
            self.out.append(" ")
        elif sign in "!-/@|":
            # An optional hyphen or a kern is nothing; a double bar is a norm.
            self.out.append("‖" if sign == "|" else "")
        elif sign in names.ACCENTS and not self.formula:
            # A space may follow within a word: Csisz\' ar.
            here = self.text[self.at : self.at + 2]
            here = (
                here.lstrip(" ") if self.text[max(self.at - 3, 0) : self.at - 2].isalpha() else here
            )
            if here[:1] in ("{", "\\") or here[:1].isalpha():
                self.out.append(_accented(self._argument(), names.ACCENTS[sign]))
            else:
                self.out.append("\\" + sign)
        else:
            self.out.append("\\" + sign)

    def _display(self, closing: str, opening: str) -> None:
        end = self.text.find("\\" + closing, self.at, self.at + _LONGEST_FORMULA)
        if end < 0 or self.formula:
            self.out.append("\\" + opening if not self.formula else "")
            return
        formula, self.at = self.text[self.at : end], end + 2
        self.out.append(self._inner(formula, formula=True).strip())

    def _dollar(self, sign: str) -> None:
        end = self._formula_end(sign)
        if end is None:
            if not self.formula:
                self.out.append(sign[:1])
                self.at -= len(sign) - 1
            return
        formula, self.at = self.text[self.at : end], end + len(sign)
        self.out.append(self._inner(formula, formula=True).strip())

    def _formula_end(self, sign: str) -> int | None:
        """Where the dollar that closes this formula stands; None where the dollar is
        one of money."""
        if self.formula:
            return None
        end = self.at - 1
        while True:
            end = self.text.find(sign, end + 1, self.at + _LONGEST_FORMULA)
            if end < 0:
                return None
            if self.text[end - 1] != "\\":
                break
        formula = self.text[self.at : end]
        if not formula.strip() or "\n\n" in formula:
            return None
        if _SIGNS_ONLY.fullmatch(formula):
            return end
        strong = _STRONG.search(formula) is not None
        if strong and not (formula[:1].isdigit() and formula[-1:].isspace()):
            return end
        letter = len(formula.strip()) == 1 and formula.strip().isalpha()
        spaced = formula[:1].isspace() or formula[-1:].isspace()
        money = (
            self.text[end + len(sign) : end + len(sign) + 1].isdigit()
            or len(_PROSE_WORD.findall(formula)) > 1
        )
        return None if (spaced and not letter and "=" not in formula) or money else end

    def _other(self, sign: str) -> None:
        if sign == "{":
            self.at -= 1
            group = self._group()
            if group is None:
                self.at += 1
                self.out.append("" if self.formula else "{")
            elif (
                self.formula
                or group.startswith("\\")
                or group == ""
                or _WORD_GROUP.fullmatch(group)
            ):
                self.out.append(self._inner(group))
            else:
                self.out.append("{" + self._inner(group) + "}")
        elif not self.formula:
            self.out.append(" " if sign == "~" and self._ties() else sign)
        elif sign in "^_":
            self.out.append(_script(sign, self._argument()))
        elif sign == "'":
            self.out.append("′")
        elif sign in "~&":
            self.out.append(" ")

    def _ties(self) -> bool:
        """Whether the tilde just read is a space: after a letter or abbreviation it is, while "~5"
        means about and "5~10" from to.
        """
        before, after = (
            self.text[max(self.at - 3, 0) : self.at - 1],
            self.text[self.at : self.at + 1],
        )
        if before[-1:].isdigit():
            return after.isalpha()
        return before.rstrip(".")[-1:].isalpha() and (after.isalnum() or after in ("\\", "$", "("))


def _pairs(text: str) -> dict[int, int]:
    """Position of each opening brace that is closed -> position of its closing one."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for token in _BRACE.finditer(text):
        if token[0] == "{":
            opened.append(token.start())
        elif token[0] == "}" and opened:
            pairs[opened.pop()] = token.start()
    return pairs


def _after_options(text: str, at: int) -> int:
    """The position after options in square brackets, as in `\\cite[p.

    3]{key}`; at most two, on one line.
    """
    for _ in range(2):
        if text[at : at + 1] != "[":
            break
        end = text.find("]", at, at + 200)
        if end < 0:
            break
        at = end + 1
    return at


def _script(sign: str, text: str) -> str:
    """Raised or lowered characters where all of them exist, else `^x` or `^(x+y)`."""
    table = names.SUPERSCRIPTS if sign == "^" else names.SUBSCRIPTS
    text = text.strip()
    if sign == "_" and _DECIMAL.fullmatch(text):
        return text  # PM2.5
    if all(character in table for character in text):
        return "".join(table[character] for character in text)
    return f"{sign}{text}" if len(text) == 1 else f"{sign}({text})"


def _accented(text: str, accent: str) -> str:
    plain = {"ı": "i", "ȷ": "j"}.get(text[:1], text[:1])
    if not plain or (len(text) > 1 and accent in ("\u0302", "\u0303", "\u0304", "\u20d7")):
        return text
    return unicodedata.normalize("NFC", plain + accent) + text[1:]


def _in_brackets(text: str) -> str:
    return text if len(text) == 1 or text.isalnum() else f"({text})"


@lru_cache(maxsize=4096)
def _symbol(name: str) -> str | None:
    """What a macro without argument stands for; None where it is unknown or makes something of its
    arguments.
    """
    if name in names.SYMBOLS:
        return names.SYMBOLS[name]
    spec = _table().get_macro_spec(name)
    made = getattr(spec, "simplify_repl", None)
    return made if isinstance(made, str) and made and "%" not in made else None


@lru_cache(maxsize=1)
def _table():  # type: ignore[no-untyped-def]
    return get_default_latex_context_db()
