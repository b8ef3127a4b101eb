"""UTF-8 that was decoded as another encoding ("â€™" for "’"), and its repair by ftfy."""

from __future__ import annotations

import re

# What the bytes 0x80 to 0xBF of a UTF-8 sequence become in Latin-1 and Windows-1252.
CONTINUATION = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
SEQUENCE = re.compile(
    f"[\xc2-\xdf][{CONTINUATION}]|[\xe0-\xef][{CONTINUATION}]{{2}}|[\xf0-\xf4][{CONTINUATION}]{{3}}"
    "|‚Ä[ôöúù]|вЂ[™њќ“”]"  # quotation marks and dashes decoded as Mac Roman and Windows-1251
)
# One of these occurs in mis-decoded Latin text; other scripts are recognised by the beginning of the text.
# They are single characters because Python finds these several times faster than pairs.
TELLTALES = "ÃÂâÅÄðЂ"
BEGINNING = 60
# Punctuation that may follow the last letter of a word in capitals: “BOA MANHÃ” is right.
AFTER_WORDS = frozenset("”“’‘„‚»«›‹…–—•™·´\xa0")


def mend(text: str) -> str:
    """Return a text with mis-decoded characters mended, line by line, where they are certainly wrong.

    Examples
    --------
    >>> from storyclust.articles.mojibake import mend
    >>> mend("Itâ€™s a cafÃ© in SÃ£o Paulo"), mend("“BOA MANHÃ”, disse em São Paulo")
    ('It’s a café in São Paulo', '“BOA MANHÃ”, disse em São Paulo')
    """
    if not is_suspect(text):
        return text
    lines = text.split("\n")
    wrong = [number for number, line in enumerate(lines) if _is_wrong(line)]
    if not wrong:
        return text
    from ftfy import fix_encoding

    for number in wrong:
        lines[number] = fix_encoding(lines[number])
    return "\n".join(lines)


def is_suspect(text: str) -> bool:
    """Whether a text may have mis-decoded characters: a fast check that excludes nearly all others."""
    if text.isascii():
        return False
    for telltale in TELLTALES:
        if telltale in text:
            return SEQUENCE.search(text) is not None
    beginning = text[:BEGINNING]
    return not beginning.isascii() and SEQUENCE.search(beginning) is not None


def _is_wrong(line: str) -> bool:
    """Whether a line has a sequence that is not a letter followed by punctuation."""
    return any(not _may_be_right(line, *match.span()) for match in SEQUENCE.finditer(line))


def _may_be_right(line: str, start: int, end: int) -> bool:
    following = line[start + 1 : end]
    if not AFTER_WORDS.issuperset(following) or line[end : end + 1].isalpha():
        return False
    before = line[start - 1 : start]
    if following == "\xa0":  # "Â" before a space is hardly ever the end of a word, "Ã" after capitals is
        return line[start] == "Ã" and before.isupper()
    return before.isalpha() if end - start > 2 else not before.islower()
