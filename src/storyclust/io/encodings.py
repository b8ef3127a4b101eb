"""Character encodings: which one an input is in, and its recoding to UTF-8."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import chain

from storyclust.errors import InputError

_SAMPLE = 1 << 18  # bytes from the first that is not ASCII, by which an encoding is detected
_START = 1 << 12  # bytes by which UTF-16 without a byte order mark is detected
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDER = {  # encodings that contain others, under whose names they are written
    **{"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-15": "cp1252", "iso8859-9": "cp1254"},
    **{"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"},
}
_LIKELY = (  # encodings in which files of news are found; others are named far more often than they occur
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874"),
    *("iso8859-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-9", "koi8-r", "koi8-u", "cp866", "cp850"),
    *("mac-roman", "cp932", "shift_jis_2004", "euc_jis_2004", "gb18030", "big5hkscs", "euc_kr", "cp949"),
)
_FOREIGN_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_FOREIGN_BYTES = re.compile(rb"[\x80-\xff]+")
_UNLIKELY = frozenset(range(0x80, 0xA0)) - set("€…‘’“”–—œŒžŽšŠ•™".encode("cp1252")) | {0x8E, 0x9E}
_UNDECODED = re.compile("[\udc80-\udcff]")
_FEW_WORDS = 5  # by fewer different words an encoding cannot be told; Windows-1252 is the most common


def known_encoding(name: str | None) -> str | None:
    """Validate an encoding given by the user, and return its canonical name.

    Examples
    --------
    >>> from storyclust.io.encodings import known_encoding
    >>> known_encoding("Latin1")
    'iso8859-1'
    """
    if name is None:
        return None
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)  # codecs between bytes, such as base64, are no encodings of text
    except (LookupError, TypeError, ValueError):
        raise InputError(f"encoding must be one that Python knows, such as cp1252, got {name!r}.") from None
    return codec.name


class DamagedInputError(Exception):
    """The rest of an input cannot be read."""


class Recoder:
    """Recodes chunks of bytes to UTF-8, without a byte order mark.

    Parameters
    ----------
    encoding : str or None
        None detects it: UTF-16 and UTF-32 by the byte order mark or the zeros, all others if the first
        bytes that are not ASCII are not UTF-8. An input that has both UTF-8 and other bytes is damaged
        UTF-8, whose records are rejected one by one.

    Attributes
    ----------
    taken : str
        The encoding, if it was detected and is not UTF-8.
    replaced : int
        Characters that could not be decoded and became U+FFFD.
    """

    def __init__(self, encoding: str | None) -> None:
        self.encoding = encoding
        self.taken = ""
        self.replaced = 0

    def utf8(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the chunks in UTF-8."""
        head = b""
        while len(head) < 4 and (chunk := next(chunks, b"")):
            head += chunk
        chunks = chain([head], chunks)
        codec = next((codec for mark, codec in BYTE_ORDER_MARKS if head.startswith(mark)), self.encoding)
        if head.startswith(b"PAR1"):
            yield from chunks
            return
        if codec is None and (codec := wide_encoding(head)):
            self.taken = codec
        if codec is None and not head.startswith(codecs.BOM_UTF8):
            yield from self._detected(chunks)
        elif codec in (None, "utf-8"):
            yield next(chunks).removeprefix(codecs.BOM_UTF8)
            yield from chunks
        else:
            yield from self._recoded(chunks, str(codec))

    def _detected(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass ASCII on; what follows is UTF-8, or in the encoding that it seems to be in."""
        for chunk in chunks:
            if chunk.isascii():
                yield chunk
                continue
            start = next(at for at, byte in enumerate(chunk) if byte >= 0x80)
            sample, damage = [chunk], None
            size = len(chunk) - start
            try:
                while size < _SAMPLE and not is_utf8(chunk) and (more := next(chunks, b"")):
                    sample.append(more)
                    size += len(more)
            except DamagedInputError as error:
                damage = error
            rest = b"".join(sample)
            if is_utf8(rest):
                yield rest
            else:
                start = max(rest.rfind(b"\n", 0, start), rest.rfind(b" ", 0, start)) + 1
                self.taken = detected_encoding(rest[start : start + _SAMPLE])
                chunks = self._recoded(chain([rest], chunks), self.taken)
                if damage:
                    yield next(chunks)
            if damage:
                raise damage
            yield from chunks
            return

    def _recoded(self, chunks: Iterator[bytes], codec: str) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(codec)("replace")
        for chunk in chain(chunks, [b""]):
            text = decoder.decode(chunk, not chunk)
            self.replaced += text.count("\ufffd")
            if text := text.removeprefix("\ufeff"):
                yield text.encode("utf-8", "surrogatepass")


def wide_encoding(head: bytes) -> str | None:
    """Tell UTF-16 and UTF-32 without a byte order mark by their zeros.

    Examples
    --------
    >>> from storyclust.io.encodings import wide_encoding
    >>> wide_encoding('{"text": "Snow"}'.encode("utf-16-le"))
    'utf-16-le'
    """
    start = head[: min(_START, len(head) // 4 * 4 if len(head) >= 8 else 0)]
    if b"\0" not in start.strip(b"\0"):
        return None
    zeros = [start[at::4].count(0) / len(start) * 4 for at in range(4)]
    for codec, at in (("utf-32-le", 0), ("utf-32-be", 3)):
        others = [zeros[place] for place in range(4) if place != at]
        if zeros[at] < 0.1 and min(others[1:] if at == 0 else others[:2]) > 0.9:
            return codec
    # The first character of JSON or of a header is ASCII. In Chinese text little else has zeros.
    ascii_first = {"utf-16-le": start[0] and not start[1], "utf-16-be": start[1] and not start[0]}
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    codec = "utf-16-le" if odd > even else "utf-16-be"
    return codec if ascii_first[codec] and min(even, odd) < 0.05 else None


def is_utf8(sample: bytes) -> bool:
    """Whether a text that is not ASCII is UTF-8, perhaps damaged or cut off."""
    if sample.isascii():
        return True
    text = sample.decode("utf-8", "surrogateescape")
    bad = len(_UNDECODED.findall(text))
    good = sum(letter > "\x7f" for letter in text) - bad
    cut_off = len(_UNDECODED.findall(text[-3:]))
    return bad - cut_off <= good and good > 0


def detected_encoding(sample: bytes) -> str:
    """Detect the encoding of a text that is not UTF-8; Windows-1252 if there is little to go by."""
    import chardet

    words = set(_FOREIGN_WORD.findall(sample))
    few = len(words) < _FEW_WORDS and not set(b"".join(words)) & _UNLIKELY and _is_latin(sample)
    found = None if few else chardet.detect(sample, include_encodings=_LIKELY)["encoding"]
    name = codecs.lookup(found or "cp1252").name
    name = _WIDER.get(name, name)
    return "cp1252" if name.startswith("utf") else name


def _is_latin(sample: bytes) -> bool:
    """Whether letters beyond ASCII stand alone, as those with accents do."""
    runs = _FOREIGN_BYTES.findall(sample)
    return sum(map(len, runs)) < 2 * len(runs)
