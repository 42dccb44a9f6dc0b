"""Names and notes of other people as text: nothing in them is markup, a formula or a line break."""

from __future__ import annotations

import html
import re
import unicodedata

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=\"'/@])")
_EMPTY = "(empty)"


def one_line(text: str) -> str:
    r"""Return text on one line, without characters that cannot be seen or turn the direction.

    >>> one_line("a\n b\u202ec")
    'a bc'
    """
    kept = (letter for letter in " ".join(text.split()) if _is_shown(letter))
    return "".join(kept)


def _is_shown(letter: str) -> bool:
    return letter == " " or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def as_html(text: object) -> str:
    """Return text that HTML shows as it is, whatever its direction of writing.

    >>> as_html("<b>Dog & Cat")
    '<bdi>&lt;b&gt;Dog &amp; Cat</bdi>'
    """
    return f"<bdi>{as_attribute(text)}</bdi>"


def as_attribute(text: object) -> str:
    """Return text for an attribute of HTML, between double quotes.

    >>> as_attribute('a"b')
    'a&quot;b'
    """
    return html.escape(one_line(str(text)), quote=True)


def as_markdown(text: str) -> str:
    r"""Return text that Streamlit's Markdown shows as it is, for labels of widgets.

    >>> print(as_markdown("*a* :red[b] $c$"))
    \*a\* \:red\[b\] \$c\$
    """
    return _MARKDOWN.sub(r"\\\1", one_line(text)) or _EMPTY
