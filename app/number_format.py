"""Typesets numbers for prose: 7.5·10⁸ for 7.5e+08, −1 for -1, ∞ for inf."""

import re

EXPONENT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SCIENTIFIC = re.compile(r"(\d+(?:\.\d+)?)e([+-]\d+)")
HYPHEN_FOR_MINUS = re.compile(r"(?<!\w)-(?=\d)")
INFINITE = re.compile(r"\binf\b")


def typeset(text: str) -> str:
    """Typesets the numbers in a text that Python formatted."""
    text = SCIENTIFIC.sub(lambda found: _times_ten(found[1], int(found[2])), text)
    return INFINITE.sub("∞", HYPHEN_FOR_MINUS.sub("\N{MINUS SIGN}", text))


def _times_ten(factor: str, exponent: int) -> str:
    power = f"10{str(exponent).translate(EXPONENT)}"
    return power if factor == "1" else f"{factor}·{power}"
