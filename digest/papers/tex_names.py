r"""Tables of TeX macros that pylatexenc lacks or renders badly for an e-mail."""

from __future__ import annotations

from typing import Final

SUPERSCRIPTS: Final = {
    **dict(zip("0123456789+-−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾", strict=True)),
    **dict(zip("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True)),
    **dict(zip("T⊤∘°′*∗†‡", "ᵀᵀ°°′**†‡", strict=True)),
    " ": " ",
}
SUBSCRIPTS: Final = {
    **dict(zip("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True)),
    **dict(zip("aehijklmnoprstuvx", "ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)),
    " ": " ",
}
#: those that every font has; many mail programs show boxes for the others
DOUBLE_STRUCK: Final = {"C": "ℂ", "H": "ℍ", "N": "ℕ", "P": "ℙ", "Q": "ℚ", "R": "ℝ", "Z": "ℤ"}

#: macro of an accent in text -> combining character
ACCENTS: Final = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    "u": "\u0306",
    ".": "\u0307",
    '"': "\u0308",
    "r": "\u030a",
    "H": "\u030b",
    "v": "\u030c",
    "d": "\u0323",
    "c": "\u0327",
    "k": "\u0328",
    "b": "\u0331",
}
#: macro of an accent in formulas -> combining character
MATH_ACCENTS: Final = {
    "grave": "\u0300",
    "acute": "\u0301",
    "hat": "\u0302",
    "widehat": "\u0302",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "bar": "\u0304",
    "overline": "\u0304",
    "breve": "\u0306",
    "dot": "\u0307",
    "ddot": "\u0308",
    "mathring": "\u030a",
    "check": "\u030c",
    "vec": "\u20d7",
    "not": "\u0338",
}

_TEXT: Final = (
    "textbf textit emph textsc texttt textrm textsf textup textsl textmd textnormal text mbox hbox "
    "textquote"
)
_MATH: Final = (
    "mathrm mathbf mathit mathsf mathtt mathcal mathfrak mathscr mathbb mathds mathnormal "
    "boldsymbol bm operatorname ensuremath"
)
_AROUND: Final = (
    "underline uline mathop mathrel mathbin mathord underbrace overbrace url bold enquote hyperref"
)
_SECOND: Final = (
    "href hyperlink textcolor colorbox texorpdfstring stackrel overset underset foreignlanguage "
    "scalebox"
)
#: macros whose last argument is the text: name -> number of arguments
PASSED: Final = {
    **dict.fromkeys(_TEXT.split() + _MATH.split() + _AROUND.split(), 1),
    **dict.fromkeys(_SECOND.split(), 2),
}
_FUNCTION_NAMES: Final = (
    "log ln lg exp sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh max min sup inf lim "
    "limsup liminf arg argmax argmin det dim ker gcd deg Pr hom mod bmod"
)
#: names of functions and operators, which stand apart from their neighbours
FUNCTIONS: Final = frozenset(_FUNCTION_NAMES.split())
_DROPPED: Final = (
    "label begin end color vspace hspace ref eqref phantom footnotemark footnotetext thanks todo "
    "deleted sout rule"
)
#: macros that are dropped with their argument
DROPPED: Final = frozenset(_DROPPED.split())

_SIZES: Final = (
    "big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr large Large LARGE huge Huge "
    "small footnotesize scriptsize tiny"
)
_STYLES: Final = (
    "bf it em sc rm tt sf sl cal bfseries itshape scshape ttfamily rmfamily sffamily mdseries "
    "upshape normalsize boldmath unboldmath"
)
_LAYOUT: Final = (
    "left right middle displaystyle textstyle scriptstyle limits nolimits xspace noindent protect "
    "centering relax par indent bigskip medskip smallskip newpage hfill vfill "
    "romannumeral"
)
#: macros that only change the layout
SILENT: Final = frozenset((*_SIZES.split(), *_STYLES.split(), *_LAYOUT.split()))

#: macros without argument
SYMBOLS: Final = {
    "P": "¶",
    "and": "·",
    "degC": "°C",
    "S": "§",
    "TeX": "TeX",
    "LaTeX": "LaTeX",
    "argmax": "arg max",
    "argmin": "arg min",
    "bmod": "mod",
    "bot": "⊥",
    "cf": "cf.",
    "checkmark": "✓",
    "colon": ":",
    "coloneqq": "≔",
    "copyright": "©",
    "dag": "†",
    "degree": "°",
    "eg": "e.g.",
    "epsilon": "ε",
    "etal": "et al.",
    "etc": "etc.",
    "euro": "€",
    "ie": "i.e.",
    "iff": "⇔",
    "imath": "ı",
    "implies": "⇒",
    "impliedby": "⇐",
    "item": "• ",
    "jmath": "ȷ",
    "land": "∧",
    "lnot": "¬",
    "lor": "∨",
    "models": "⊨",
    "neg": "¬",
    "newline": " ",
    "phi": "φ",
    "pounds": "£",
    "prime": "′",
    "qquad": " ",
    "quad": " ",
    "slash": "/",
    "sqrt": "√",
    "textbackslash": "\\",
    "texteuro": "€",
    "textgreater": ">",
    "textless": "<",
    "textregistered": "®",
    "texttrademark": "™",
    "varnothing": "∅",
    "wrt": "w.r.t.",
}
