r"""TeX -> readable Unicode: `$x^2$` -> x², `M\"uller` -> Müller.

Of a macro that nobody else knows stay the arguments, else the name. Never raises. Time grows with
the length of the text and the depth of its groups, which is bounded.

Own code, with pylatexenc's table of symbols, because pylatexenc's conversion of whole texts takes a
per cent sign for a comment, drops unknown macros and raises on some input; a lenient mode that
keeps what it does not know would change our mind.
"""

from __future__ import annotations

import re
from typing import Final

from digest.papers import tex_names as names
from digest.papers.tex_parts import (
    add_accent,
    bracket_operand,
    convert_code,
    convert_dingbat,
    find_symbol,
    is_formula,
    pair_braces,
    skip_options,
    to_super_or_subscript,
)

# Each alternative begins with its own character, so that the engine skips the rest in one scan.
# That is five times as fast as letter by letter.
_TOKEN: Final = re.compile(r"\\(?:([A-Za-z]+)\*?|(.))|\$\$?|\{|\}|\^|_|~|&|'", re.DOTALL)
_DEPTH_CAP: Final = 24
#: characters; if a formula would be longer, its dollar means money
_FORMULA_CAP: Final = 1500
_LONE_ACCENT: Final = re.compile(r"\{\\(['\"`^~=.])\}([A-Za-z])")
_VERBATIM: Final = re.compile(r"([^\w\s{\\])(.{1,200}?)\1")
#: a tie after a word or an abbreviation, a comma between thousands, or a script in braces
_CERTAIN_TEX: Final = re.compile(r"[^\W\d_]{2}\.?~\w|[0-9]\{,\}[0-9]|\S[\^_]\{")
_WORD_GROUP: Final = re.compile(r"[\w,.-]{1,60}")
#: what may follow the name of a function without a space: a word, a number, a group, a macro
_FUNCTION_ARGUMENT: Final = re.compile(r"[^\W_]|\{|\\([A-Za-z]+)")
#: what stands before a backslash that begins no macro: C:\Users\jane, foo\bar
_WITHIN_WORD: Final = re.compile(r"[^\W\d]|[:/\\]")
_SPACED_BRACE: Final = re.compile(r"\s*\{")
_CHARACTER_CODE: Final = re.compile(r"\"([0-9A-Fa-f]{2,5})[ ]?")
_CODE_POINT: Final = re.compile(r"[0-9][0-9A-Fa-f]{3}")

_FRACTIONS: Final = frozenset({"frac", "dfrac", "tfrac", "nicefrac", "sfrac", "binom"})
_ESCAPED_CHARACTERS: Final = frozenset("%&$#_{}")
_SPACE_CHARACTERS: Final = frozenset(" ,;:>\n\t\\")


def has_tex(text: str) -> bool:
    """Whether a text may hold TeX; braces alone or a tilde ("about") are not TeX."""
    return (
        "\\" in text
        or "$" in text
        or (("~" in text or "{" in text) and _CERTAIN_TEX.search(text) is not None)
    )


def to_unicode(text: str) -> str:
    """Make the TeX in a text readable.

    Amounts of money ("$5 and $6") stay.
    """
    if "{\\" in text:
        text = _LONE_ACCENT.sub(r"\\\1{\2}", text)
    return _GroupReader(text, in_formula=False, depth=0).read()


class _GroupReader:
    """Reads one group; each group within it gets its own reader."""

    def __init__(self, text: str, *, in_formula: bool, depth: int) -> None:
        self.text = text
        self.in_formula = in_formula
        self.depth = depth
        self.position = 0
        self.parts: list[str] = []
        #: where the name of the latest macro ended
        self._macro_end = -1
        self._closing_braces = pair_braces(text) if "{" in text else {}

    def read(self) -> str:
        if self.depth > _DEPTH_CAP:
            return self.text
        text = self.text
        while (token := _TOKEN.search(text, self.position)) is not None:
            self.parts.append(text[self.position : token.start()])
            self.position = token.end()
            macro, character = token.groups()
            if macro is not None:
                self._read_macro(macro, token[0])
            elif character is not None:
                self._read_escape(character)
            elif text[token.start()] == "$":
                self._read_dollar(token[0])
            else:
                self._read_character(token[0])
        self.parts.append(text[self.position :])
        return "".join(self.parts)

    def _convert_group(self, text: str, *, in_formula: bool | None = None) -> str:
        return _GroupReader(
            text,
            in_formula=self.in_formula if in_formula is None else in_formula,
            depth=self.depth + 1,
        ).read()

    def _take_group(self) -> str | None:
        """Take the brace group that begins here, after white space; None if there is none."""
        start = self.position
        while self.text[start : start + 1].isspace():
            start += 1
        end = self._closing_braces.get(start)
        if end is None:
            return None
        self.position = end + 1
        return self.text[start + 1 : end]

    def _take_argument(self) -> str:
        """Take and convert a macro's argument: a group, a macro, or the next character."""
        if (group := self._take_group()) is not None:
            return self._convert_group(group)
        while self.text[self.position : self.position + 1].isspace():
            self.position += 1
        token = _TOKEN.match(self.text, self.position)
        if token is not None and token[1]:
            self.position = token.end()
            start = len(self.parts)
            self._read_macro(token[1], token[0])
            argument = "".join(self.parts[start:])
            del self.parts[start:]
            return argument
        if token is not None:
            # Not an argument but a closing brace, a dollar or a script, which is read next.
            return ""
        self.position += 1
        return self.text[self.position - 1 : self.position]

    def _read_macro(self, name: str, written: str) -> None:
        has_group = self.position in self._closing_braces
        follows_macro = self._macro_end == self.position - len(written)
        self._macro_end = self.position
        if name in names.SILENT:
            delimiter = ("." if name in ("left", "right") else "") if self.in_formula else " "
            if delimiter and self.text.startswith(delimiter, self.position):
                self.position += 1
        elif name in names.DROPPED:
            self.position = skip_options(self.text, self.position)
            self._take_group()
            if name == "rule":
                self._take_group()
        elif (
            (text := self._convert_math_macro(name, written, has_group)) is not None
            or (text := self._convert_text_macro(name, has_group)) is not None
            or (text := self._convert_symbol(name)) is not None
        ):
            self.parts.append(text)
        else:
            self._read_unknown_macro(name, written, follows_macro)

    def _convert_math_macro(self, name: str, written: str, has_group: bool) -> str | None:
        """Convert a macro whose argument needs no braces in a formula; None for any other."""
        if not has_group and not self.in_formula:
            return self._drop_without_argument(name)
        if name in names.PASSED:
            return self._convert_passed(name)
        if name in _FRACTIONS:
            return self._convert_fraction(name) or written
        if name == "sqrt":
            self.position = skip_options(self.text, self.position)
            return "√" + bracket_operand(self._take_argument())
        if name in names.MATH_ACCENTS:
            return add_accent(self._take_argument(), names.MATH_ACCENTS[name])
        return None

    def _drop_without_argument(self, name: str) -> str | None:
        """Drop a macro of running text whose argument is missing or never ends.

        None for a macro that needs none.
        """
        if name not in names.PASSED and name not in names.MATH_ACCENTS and name not in _FRACTIONS:
            return None
        if (group := _SPACED_BRACE.match(self.text, self.position)) is not None:
            if group.end() - 1 in self._closing_braces:
                self.position = group.end() - 1
                return self._convert_math_macro(name, "", True)
            self.position = group.end()
        return ""

    def _convert_text_macro(self, name: str, has_group: bool) -> str | None:
        """Convert a macro of running text; None for any other."""
        if has_group and name in ("textsuperscript", "textsubscript"):
            return to_super_or_subscript(
                "^" if name == "textsuperscript" else "_", self._take_argument()
            )
        if name == "footnote":
            return self._convert_footnote()
        if name == "ding" and has_group:
            return convert_dingbat(self._take_argument())
        if name == "char" and (match := _CHARACTER_CODE.match(self.text, self.position)):
            self.position = match.end()
            return convert_code(int(match[1], 16))
        if name == "u" and (match := _CODE_POINT.match(self.text, self.position)):
            self.position = match.end()
            return convert_code(int(match[0], 16))
        if name == "verb" and (match := _VERBATIM.match(self.text, self.position)) is not None:
            self.position = match.end()
            return match[2]
        if name.startswith("cite") and (has_group or self.text.startswith("[", self.position)):
            self.position = skip_options(self.text, self.position)
            return f"[{(self._take_group() or '').strip()}]"
        if name in names.ACCENTS and not self.in_formula and self._accent_follows():
            return add_accent(self._take_argument(), names.ACCENTS[name])
        return None

    def _convert_footnote(self) -> str:
        """Convert a note, which may never end."""
        self.position = skip_options(self.text, self.position)
        if self.position in self._closing_braces:
            return f" ({self._take_argument()})"
        if not self.text.startswith("{", self.position):
            return ""
        self.position += 1
        return " ("

    def _convert_symbol(self, name: str) -> str | None:
        """Convert a macro without arguments; None if it is unknown."""
        if name == "deg" and (not self.in_formula or self._last_character().isdigit()):
            return "°"
        if name in names.FUNCTIONS:
            return self._space_function(find_symbol(name) or name)
        symbol = find_symbol(name)
        if symbol is None:
            return None
        if self.text.startswith("{}", self.position):
            self.position += 2
        elif symbol in "⟨⌊⌈" and self.text.startswith(" ", self.position):
            self.position += 1
        return symbol

    def _space_function(self, name: str) -> str:
        """Part the name of a function from what it would run into: n\\log n."""
        before = " " if self._last_character().isalnum() else ""
        following = _FUNCTION_ARGUMENT.match(self.text, self.position)
        is_layout = following is not None and following[1] in names.SILENT
        return f"{before}{name}{' ' if following is not None and not is_layout else ''}"

    def _last_character(self) -> str:
        return next((part[-1] for part in reversed(self.parts) if part), "")

    def _read_unknown_macro(self, name: str, written: str, follows_macro: bool) -> None:
        """Read a macro of the authors' own: its arguments, else its name.

        A path (C:\\Users) or an escaped letter (\\n) stays as written.
        """
        start = self.position - len(written)
        after_options = skip_options(self.text, self.position)
        if after_options in self._closing_braces:
            self.position = after_options
        arguments = []
        while self.position in self._closing_braces:
            arguments.append(self._convert_group(self._take_group() or ""))
        never_ends = not arguments and self.text.startswith("{", self.position)
        is_name = len(name) > 1 and (
            follows_macro or not _WITHIN_WORD.match(self.text[max(start - 1, 0) : start])
        )
        if name == "replaced":
            del arguments[1:]
        if any(arguments):
            self.parts.append(" ".join(filter(None, arguments)))
        elif never_ends and is_name:
            self.position += 1
        elif self.in_formula or arguments or is_name:
            self.parts.append(name)
        else:
            self.parts.append(written)
            self._macro_end = -1

    def _convert_passed(self, name: str) -> str:
        self.position = skip_options(self.text, self.position)
        for _ in range(names.PASSED[name] - 1):
            if self._take_group() is None:
                return ""
        if name.startswith("text") or name in ("mbox", "hbox", "emph"):
            group = self._take_group()
            return (
                self._take_argument()
                if group is None
                else self._convert_group(group, in_formula=False)
            )
        if name in ("ensuremath", "operatorname"):
            text = (
                self._convert_group(group, in_formula=True)
                if (group := self._take_group()) is not None
                else self._take_argument()
            )
            return self._space_function(text) if name == "operatorname" else text
        text = self._take_argument()
        return names.DOUBLE_STRUCK.get(text, text) if name in ("mathbb", "mathds") else text

    def _convert_fraction(self, name: str) -> str:
        upper, lower = self._take_argument(), self._take_argument()
        if not upper and not lower:
            return ""
        return (
            f"({upper} choose {lower})"
            if name == "binom"
            else f"{bracket_operand(upper)}/{bracket_operand(lower)}"
        )

    def _accent_follows(self) -> bool:
        """Whether an accent follows.

        It does in `\\c c` and `\\c{c}`, not in `\\c` before a full stop.
        """
        following = self.text[self.position : self.position + 2]
        return (
            following[:1] == "{"
            or (following[:1] == " " and following[1:].isalpha())
            or following[:1] == "\\"
        )

    def _read_escape(self, character: str) -> None:
        if character in _ESCAPED_CHARACTERS:
            self.parts.append(character)
        elif character in "([":
            self._read_display_formula(")" if character == "(" else "]", character)
        elif character in _SPACE_CHARACTERS:
            self.parts.append(" ")
        elif character in "!-/@|":
            # An optional hyphen or a kern is left out; a double bar is a norm.
            self.parts.append("‖" if character == "|" else "")
        elif character == "+":
            self.parts.append("+")
        elif character in names.ACCENTS and not self.in_formula:
            # Within a word, a space may follow: Csisz\' ar, {\' a}.
            following = self.text[self.position : self.position + 2]
            if (
                self.text[max(self.position - 3, 0) : self.position - 2].isalpha()
                or self.text[: self.position - 2] == ""
            ):
                following = following.lstrip(" ")
            if following[:1] in ("{", "\\") or following[:1].isalpha():
                self.parts.append(add_accent(self._take_argument(), names.ACCENTS[character]))
            else:
                self.parts.append("~" if character == "~" else "\\" + character)
        else:
            self.parts.append("\\" + character)

    def _read_display_formula(self, closing: str, opening: str) -> None:
        end = self.text.find("\\" + closing, self.position, self.position + _FORMULA_CAP)
        if end < 0 or self.in_formula:
            self.parts.append("\\" + opening if not self.in_formula else "")
            return
        formula, self.position = self.text[self.position : end], end + 2
        self._add_formula(formula)

    def _add_formula(self, formula: str) -> None:
        """Convert a formula; white space at its ends counts where it parts words."""
        text = self._convert_group(formula, in_formula=True)
        stripped = text.strip()
        if not stripped:
            self.parts.append(" " if text else "")
            return
        following = self.text[self.position : self.position + 1]
        before = " " if text[:1].isspace() and self._last_character().isalnum() else ""
        after = " " if text[-1:].isspace() and following.isalnum() else ""
        self.parts.append(f"{before}{stripped}{after}")

    def _read_dollar(self, dollars: str) -> None:
        end = self._find_formula_end(dollars)
        if end is None:
            if not self.in_formula:
                self.parts.append(dollars[:1])
                self.position -= len(dollars) - 1
            return
        formula, self.position = self.text[self.position : end], end + len(dollars)
        self._add_formula(formula)

    def _find_formula_end(self, dollars: str) -> int | None:
        """Find the dollar that closes this formula.

        Returns:
            None if there is no closing dollar or the dollar means money.
        """
        if self.in_formula:
            return None
        end = self.position - 1
        while True:
            end = self.text.find(dollars, end + 1, self.position + _FORMULA_CAP)
            if end < 0:
                return None
            if self.text[end - 1] != "\\":
                break
        formula = self.text[self.position : end]
        after = end + len(dollars)
        return end if is_formula(formula, self.text[after : after + 1]) else None

    def _read_character(self, character: str) -> None:
        if character == "{":
            self.position -= 1
            group = self._take_group()
            if group is None:
                self.position += 1
                self.parts.append("" if self.in_formula else "{")
            elif (
                self.in_formula
                or group.startswith("\\")
                or group == ""
                or _WORD_GROUP.fullmatch(group)
            ):
                self.parts.append(self._convert_group(group))
            else:
                self.parts.append("{" + self._convert_group(group) + "}")
        elif not self.in_formula:
            if character in "^_" and self._is_script():
                group = self._convert_group(self._take_group() or "", in_formula=True)
                self.parts.append(to_super_or_subscript(character, group))
            else:
                self.parts.append(" " if character == "~" and self._is_tie() else character)
        elif character in "^_":
            self.parts.append(to_super_or_subscript(character, self._take_argument()))
        elif character == "'":
            self.parts.append("′")
        elif character in "~&":
            self.parts.append(" ")

    def _is_script(self) -> bool:
        """Whether the sign just read begins a script: 10^{-3}, CO_{2}."""
        return (
            self.position in self._closing_braces
            and not self.text[max(self.position - 2, 0) : self.position - 1].isspace()
        )

    def _is_tie(self) -> bool:
        """Whether the tilde just read is a space.

        After a letter or abbreviation it is, while "~5" means about 5 and "5~10" means 5 to 10.
        """
        before, after = (
            self.text[max(self.position - 3, 0) : self.position - 1],
            self.text[self.position : self.position + 1],
        )
        if before[-1:].isdigit():
            return after.isalpha()
        if before[-1:] in ("$", ")", "]", "}"):
            return after.isalnum() or after in ("\\", "$", "(")
        return before.rstrip(".")[-1:].isalpha() and (after.isalnum() or after in ("\\", "$", "("))
