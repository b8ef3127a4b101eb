"""Dialects of CSV: delimiters, quotation marks and escapes, found in the first lines of a file."""

from __future__ import annotations

import re
from typing import Any

_DECLARED = re.compile(r'\s*"?sep=(.)"?[\t,;]*\s*$', re.IGNORECASE)  # the first line that Excel understands
_ESCAPED_QUOTE = re.compile(r'[^\\,;|\t\r\n"]\\"(?=[^,;|\t\r\n])|[,;|\t]"\\"')
_DELIMITERS = ",;\t|"


class Dialect:
    r"""How the fields of a CSV file are written.

    Parameters
    ----------
    head : bytes
        The first lines in UTF-8.
    usual : str or None
        The delimiter that the name of the file promises; it is taken if the header has it.

    Attributes
    ----------
    declared : bool
        Whether the first line only says which delimiter is used, as in ``sep=;``.
    options : dict
        Parameters for `csv.reader`.

    Examples
    --------
    >>> from storyclust.io.dialects import Dialect
    >>> Dialect(b"sep=|\nid|text\n", None).options
    {'delimiter': '|'}
    """

    def __init__(self, head: bytes, usual: str | None) -> None:
        lines = re.split(r"\r\n|\n|\r", head.decode("utf-8", "replace"))
        declared = _DECLARED.match(lines[0])
        self.declared = declared is not None
        while len(lines) > 1 and (not lines[0].strip() or _DECLARED.match(lines[0])):
            del lines[0]
        text = "\n".join(lines)
        quote = "'" if re.match(rf"'[^']*'(?:[{_DELIMITERS}]'|\n)", text) else '"'
        delimiter = declared[1] if declared else _delimiter(lines[0], quote, usual)
        self.options: dict[str, Any] = {"delimiter": delimiter}
        if quote != '"':
            self.options["quotechar"] = quote
        if _ESCAPED_QUOTE.search(text) and '""' not in re.sub(r'(?<![^,;|\t\n])""(?![^,;|\t\n])', "", text):
            self.options["escapechar"] = "\\"
        if re.search(rf'{re.escape(delimiter)} +"', text):
            self.options["skipinitialspace"] = True


def _delimiter(header: str, quote: str, usual: str | None) -> str:
    bare = re.sub(rf"{quote}[^{quote}]*{quote}", "", header)
    if usual and usual in bare:
        return usual
    best = max(_DELIMITERS, key=bare.count)
    return best if best in bare else usual or ","
