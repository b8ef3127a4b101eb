"""Text buffers, tokens, shingles and sorted hashes, against reference implementations."""

import unicodedata

import numpy as np
import pytest
import reference
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storyclust.text import codepoints, tokens
from storyclust.text.codepoints import codepoint_table
from storyclust.text.composition import STABLE, composed, may_change, widened
from storyclust.text.sorted_hashes import SORT_HEADS, drop_repeats, sort_hashes
from storyclust.text.tokens import TextBuffer, hash_tokens, shingle

MASK = (1 << 64) - 1


def cut(text):
    """Slices of a text that are its tokens."""
    found = hash_tokens([text])
    data = found.data.tobytes()
    return [data[start:end].decode() for start, end in zip(found.starts, found.ends, strict=True)]


def hashes(text):
    return hash_tokens([text]).hashes.tolist()


# Buffers


def test_a_buffer_of_no_texts():
    buffer = TextBuffer.from_texts([])
    assert buffer.data.dtype == np.uint8
    assert buffer.offsets.dtype == np.int64
    assert (buffer.data.tolist(), buffer.offsets.tolist()) == ([], [0])


def test_a_buffer_of_empty_texts():
    buffer = TextBuffer.from_texts(["", "", ""])
    assert (buffer.data.tolist(), buffer.offsets.tolist()) == ([], [0, 0, 0, 0])


def test_offsets_count_bytes():
    data, offsets = TextBuffer.from_texts(["ab", "", "é東", "😀"])
    assert offsets.tolist() == [0, 2, 2, 7, 11]
    assert data.tobytes().decode() == "abé東😀"


def test_texts_are_composed_and_lone_surrogates_replaced():
    data, _ = TextBuffer.from_texts(["e\u0301", "\ud800x\udfff"])
    assert data.tobytes().decode() == "é?x?"


def test_stable_code_points_change_beside_no_other():
    seconds = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}  # vowels and finals of Hangul
    for char in map(chr, range(0x110000)):
        parts = unicodedata.decomposition(char).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            seconds.add(int(parts[1], 16))
    for first, last in STABLE:
        for point in range(first, last + 1):
            assert point not in seconds, hex(point)
            assert unicodedata.combining(chr(point)) == 0, hex(point)
            assert unicodedata.is_normalized("NFC", chr(point)), hex(point)


@settings(max_examples=60)
@given(st.lists(reference.texts(), max_size=5))
@example(["ｶﾞ", "ｶ", "e\u0301", "é", "a" * 30 + "\u0301", "12345678é", ""])
def test_only_texts_that_may_change_are_composed(texts):
    encoded = [text.encode("utf-8", "replace") for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)])
    found = may_change(np.frombuffer(b"".join(encoded), np.uint8), offsets).tolist()
    assert {row for row, text in enumerate(texts) if composed(text) != text} <= set(found)
    assert not any(texts[row].isascii() for row in found)


@settings(max_examples=50)
@given(st.lists(reference.texts(), max_size=6))
def test_the_buffer_holds_every_text(texts):
    buffer = TextBuffer.from_texts(texts)
    parts = [buffer.data[a:b].tobytes() for a, b in zip(buffer.offsets, buffer.offsets[1:], strict=False)]
    assert parts == [reference.encode(text) for text in texts]
    assert len(buffer.offsets) == len(texts) + 1
    assert np.diff(buffer.offsets).tolist() == [len(part) for part in parts]


# The table


@pytest.mark.parametrize("category", ["Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "Mc", "Me"])
def test_classes_of_letters_digits_and_marks_match_their_unicode_names(category):
    names = {codepoints.WORD: "word", codepoints.BIGRAM: "unspaced", codepoints.IGNORED: "ignored"}
    table = codepoint_table()
    wrong = {}
    for point in range(0x30, len(table)):
        if unicodedata.category(chr(point)) == category:
            found = names.get(int(table[point] >> 24), "separator")
            expected = reference.kind(chr(point))
            if found != expected and "ignored" not in (found, expected):
                wrong[f"U+{point:04X} {unicodedata.name(chr(point))}"] = f"{found}, not {expected}"
    assert wrong == {}


@pytest.mark.parametrize("category", ["Cc", "Cs", "Co", "Cn", "Zs", "Pd", "Ps", "Po", "Sc", "Sk", "Sm"])
def test_all_other_categories_are_separators(category):
    # Of punctuation, three Hebrew signs at the end of a word are ignored like its points.
    table = codepoint_table()
    exceptions = {0x05C0, 0x05C3, 0x05C6, 0x2065}
    points = [point for point in range(len(table)) if unicodedata.category(chr(point)) == category]
    assert [f"U+{point:04X}" for point in points if table[point] and point not in exceptions] == []


def folded(entry):
    """What an entry of the table folds to: one character, or two letters."""
    point = int(entry & codepoints.CODEPOINT_MASK)
    return chr(point & 0xFF) + chr(point >> 8) if entry & codepoints.TWO_LETTERS else chr(point)


def test_every_character_is_folded_as_by_the_reference():
    table = codepoint_table()
    wrong = [
        f"U+{point:04X}"
        for point in range(len(table))
        if table[point] >> 24 in (codepoints.WORD, codepoints.BIGRAM)
        and folded(table[point]) != reference.fold(chr(point))
    ]
    assert wrong == []


def test_folding_is_idempotent():
    table = codepoint_table()
    folded = {int(entry & codepoints.CODEPOINT_MASK) for entry in table if entry}
    assert [f"U+{point:04X}" for point in folded if reference.fold(chr(point)) != chr(point)] == []


# Tokens


@settings(max_examples=60)
@given(st.lists(reference.texts(), max_size=4))
@example(list(reference.FRAGMENTS))
@example(["".join(reference.FRAGMENTS), " ".join(reference.FRAGMENTS)])
def test_tokens_are_those_of_the_reference(texts):
    found = hash_tokens(texts)
    data = found.data.tobytes()
    folded_of, hash_of = {}, {}
    base = 0
    for row, text in enumerate(texts):
        entries = slice(found.indptr[row], found.indptr[row + 1])
        expected = reference.tokens(text)
        spans = list(zip(found.starts[entries].tolist(), found.ends[entries].tolist(), strict=True))
        assert spans == [(base + token.start, base + token.end) for token in expected]
        for number, token in zip(found.hashes[entries].tolist(), expected, strict=True):
            assert folded_of.setdefault(number, token.folded) == token.folded
            assert hash_of.setdefault(token.folded, number) == number
        for (start, end), token in zip(spans, expected, strict=True):
            assert reference.words(data[start:end].decode()) == [token.folded]
        base += len(reference.encode(text))
    assert found.indptr[-1] == len(found.hashes) == len(found.starts) == len(found.ends)


def test_ascii_folds_as_the_table_says():
    data = np.arange(256, dtype=np.uint8)
    folded = np.empty(256, np.uint8)
    tokens.fold_ascii(data, folded)
    table = codepoints.codepoint_table()[:128]
    assert (folded[128:] == tokens.NOT_ASCII).all()
    assert [codepoints.LETTER | letter if letter else 0 for letter in folded[:128]] == table.tolist()


def hash_one_by_one(word):
    """Hash of an ASCII word, letter by letter."""
    h = int(tokens.TOKEN_SEED)
    for letter in word.lower():
        h = (h * int(tokens.TOKEN_STEP) + int(codepoints.LETTER | ord(letter))) & MASK
    return int(tokens.mix(np.uint64(h)))


@settings(max_examples=60)
@given(
    st.lists(st.text("abYZ019", min_size=1, max_size=40), max_size=8),
    st.sampled_from([" ", ", ", "—", " é "]),
)
def test_words_of_any_length_are_hashed_letter_by_letter(words, separator):
    found = hashes(separator.join(words))
    if separator == " é ":
        assert len(set(found[1::2])) <= 1
        found = found[::2]
    assert found == [hash_one_by_one(word) for word in words]


@settings(max_examples=50)
@given(reference.texts(), reference.texts())
def test_tokens_of_a_text_do_not_depend_on_its_neighbours(text, other):
    together = hash_tokens([other, text, other])
    alone = hash_tokens([text])
    entries = slice(together.indptr[1], together.indptr[2])
    assert together.hashes[entries].tolist() == alone.hashes.tolist()
    assert (together.starts[entries] - len(reference.encode(other))).tolist() == alone.starts.tolist()


@settings(max_examples=50)
@given(reference.texts())
def test_composed_and_decomposed_text_have_the_same_tokens(text):
    assert hashes(unicodedata.normalize("NFD", text)) == hashes(composed(text))


@settings(max_examples=50)
@given(st.binary(max_size=60))
def test_invalid_utf8_is_tokenized_within_bounds(data):
    array = np.frombuffer(data, dtype=np.uint8)
    room = len(array)
    out = np.empty(room, np.uint64), np.full(room, -1), np.full(room, -1)
    n = tokens.tokenize(array, 0, room, codepoint_table(), *out)
    assert 0 <= n <= room
    assert (out[1][:n] < out[2][:n]).all()
    assert (out[1][n:] == -1).all()


@pytest.mark.parametrize("point", [0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF])
def test_decode_at_the_limits_of_each_length(point):
    data = np.frombuffer(chr(point).encode(), dtype=np.uint8)
    assert tuple(tokens.decode(data, 0, len(data))) == (point, len(data))


@pytest.mark.parametrize(
    ("text", "slices"),
    [
        ("", []),
        ("!!! ... —", []),
        ("The U.S.-Japan talks, 3.14%", ["The", "U", "S", "Japan", "talks", "3", "14"]),
        ("don't snake_case", ["don", "t", "snake", "case"]),
        ("東京都", ["東京", "京都"]),
        ("京", ["京"]),
        ("東京。大阪", ["東京", "大阪"]),
        ("東京 都", ["東京", "都"]),
        ("第3回", ["第", "3", "回"]),
        ("NHK東京5局", ["NHK", "東京", "5", "局"]),
        ("カタカナ・ｶﾀ", ["カタ", "タカ", "カナ", "ｶﾀ"]),
        ("ไทย", ["ไท", "ทย"]),
        ("ລາວ", ["ລາ", "າວ"]),
        ("𠮷野家", ["𠮷野", "野家"]),
        ("दिल्ली में बैठक", ["दिल्ली", "में", "बैठक"]),
        ("한국어 뉴스", ["한국어", "뉴스"]),
        ("co\u00adoperate now", ["co\u00adoperate", "now"]),
        ("東\u200d京", ["東\u200d京"]),
        ("می\u200cروم", ["می\u200cروم"]),
        ("x\0y\r\nz\ufeff", ["x", "y", "z"]),
        ("👍🏽 ok 🇯🇵", ["ok"]),
        ("a\ud800b", ["a", "b"]),
    ],
)
def test_slices_of_tokens(text, slices):
    assert cut(text) == slices


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Zu\u0308rich", "ZÜRICH"),
        ("ＡＢＣ１２３", "abc123"),
        ("ｶﾀｶﾅ", "カタカナ"),
        ("か\u3099", "が"),
        ("ΟΔΟΣ", "οδος"),
        ("ΟΔΟΣ", "οδοσ"),
        ("МОСКВА", "Москва"),
        ("İstanbul", "istanbul"),
        ("STRAẞE", "straße"),
        ("𝐀𝐁𝐂", "abc"),
        ("𐐀", "𐐨"),
        ("\u212a", "k"),
        ("\uf900", "豈"),
        ("\U0002f800", "丽"),
        ("كِتَابٌ", "كتاب"),
        ("كتـــاب", "كتاب"),
        ("שָׁלוֹם", "שלום"),
        ("\ufb2aלום", "שלום"),
        ("co\u00adoperate", "cooperate"),
        ("می\u200cروم", "میروم"),
        ("\u2066Tokyo\u2069", "tokyo"),
        ("\ufeffTokyo", "tokyo"),
        ("葛\ufe00城", "葛城"),
        ("don’t", "don't"),
        ("\u1112\u1161\u11ab", "한"),
    ],
)
def test_texts_with_equal_tokens(text, same):
    assert hashes(text) == hashes(same)


def test_a_variation_sequence_of_an_ideograph_is_that_ideograph():
    # Japanese names are often written like this: the shape of 葛 in 葛󠄀城市, the shape of 辻 in 辻󠄀さん.
    assert hashes("葛\U000e0100城市") == hashes("葛城市")


def test_kangxi_radicals_are_the_ideographs_they_stand_for():
    # PDF software writes ⼈ (U+2F08) for 人.
    assert hashes("⼈⼝") == hashes("人口")


@pytest.mark.parametrize(
    ("text", "other"),
    [("e", "é"), ("12", "१२"), ("京", "東"), ("東京", "京東"), ("ab", "a b"), ("カ", "ガ"), ("한", "하")],
)
def test_texts_with_other_tokens(text, other):
    assert hashes(text) != hashes(other)


# Shingles


def shingles_by_definition(values, size):
    """Hash every run of `size` tokens separately, or a shorter text as a whole."""
    short = len(values) if len(values) < size else 0
    size = short or size
    base = int(tokens.ROLL)
    out = []
    for k in range(len(values) - size + 1):
        total = sum(value * base ** (size - 1 - p) for p, value in enumerate(values[k : k + size])) & MASK
        out.append(murmur(total ^ short))
    return out


def murmur(h):
    """Finalize a 64-bit hash as MurmurHash3 does."""
    h ^= h >> 33
    h = h * 0xFF51AFD7ED558CCD & MASK
    h ^= h >> 33
    h = h * 0xC4CEB9FE1A85EC53 & MASK
    return h ^ h >> 33


def shingled(values, size):
    array = np.array(values, dtype=np.uint64)
    out = np.empty(max(1, len(values)), np.uint64)
    return out[: shingle(array, len(array), size, out)].tolist()


numbers = st.one_of(st.integers(0, MASK), st.sampled_from([0, 1, MASK, 1 << 63]))


@settings(max_examples=50)
@given(st.lists(numbers, min_size=1, max_size=40), st.integers(1, 12))
def test_the_rolled_hash_is_the_hash_of_each_run(values, size):
    assert shingled(values, size) == shingles_by_definition(values, size)


@settings(max_examples=50)
@given(st.lists(numbers, min_size=1, max_size=8), st.integers(1, 8))
def test_fewer_tokens_than_the_size_are_one_shingle(values, more):
    assert len(shingled(values, len(values) + more)) == 1
    assert shingled(values, len(values) + more) == shingled(values, 1000)


def test_runs_of_distinct_tokens_have_distinct_hashes():
    values = list(range(1, 60))
    assert shingled(values, 5) == shingles_by_definition(values, 5)
    assert len(set(shingled(values, 5))) == 55


def test_the_order_of_tokens_matters():
    assert shingled([1, 2, 3], 3) != shingled([3, 2, 1], 3)
    assert shingled([0, 0], 5) != shingled([0], 5)


# Sorting


def check_sort(values):
    n = len(values)
    array = np.full(n + 2, 7, np.uint64)  # places beyond n must not change
    heads = np.full(SORT_HEADS, 12345)
    sort_hashes(np.concatenate((values, np.array([1], np.uint64))), n, array, heads)
    assert (array[:n] == np.sort(values)).all()
    assert array[n:].tolist() == [7, 7]
    kept = drop_repeats(array, n)
    assert array[:kept].tolist() == np.unique(values).tolist()


SHAPES = {
    "uniform": lambda rng, n: rng.integers(0, MASK, n, dtype=np.uint64, endpoint=True),
    "few": lambda rng, n: rng.choice(rng.integers(0, MASK, 5, dtype=np.uint64), n),
    "equal": lambda rng, n: np.full(n, rng.integers(0, MASK, dtype=np.uint64)),
    "small": lambda rng, n: rng.integers(0, 10, n, dtype=np.uint64),
    "large": lambda rng, n: np.uint64(MASK) - rng.integers(0, 1000, n, dtype=np.uint64),
    "sorted": lambda rng, n: np.sort(rng.integers(0, MASK, n, dtype=np.uint64)),
    "reversed": lambda rng, n: np.sort(rng.integers(0, MASK, n, dtype=np.uint64))[::-1].copy(),
    "skewed": lambda rng, n: (
        rng.integers(0, MASK, n, dtype=np.uint64) >> rng.integers(0, 64, n, dtype=np.uint64)
    ),
}


@settings(max_examples=50)
@given(st.sampled_from(sorted(SHAPES)), st.integers(0, 5000), st.integers(0, 2**32 - 1))
@example("uniform", 0, 0)
@example("uniform", 1, 0)
@example("reversed", 2, 0)
def test_hashes_are_sorted_as_numpy_sorts(shape, n, seed):
    check_sort(SHAPES[shape](np.random.default_rng(seed), n))


@pytest.mark.parametrize("n", [65_535, 65_536, 65_537, 131_072, 200_000])
def test_many_hashes_are_sorted_as_numpy_sorts(n):
    check_sort(SHAPES["uniform"](np.random.default_rng(n), n))


@settings(max_examples=50)
@given(st.lists(st.integers(0, MASK), max_size=50))
def test_repeats_are_dropped(values):
    array = np.array(sorted(values), dtype=np.uint64)
    assert array[: drop_repeats(array, len(array))].tolist() == sorted(set(values))


@pytest.mark.parametrize(
    ("half", "full"),
    [("ｶﾞｿﾘﾝ", "ガソリン"), ("ﾊﾟﾘのﾎﾟﾝﾌﾟ", "パリのポンプ"), ("ｳﾞｧｲｵﾘﾝ", "ヴァイオリン"), ("ﾃｽﾄ", "テスト")],
)
def test_half_width_kana_with_marks_are_the_full_width_ones(half, full):
    assert hash_tokens([half]).hashes.tolist() == hash_tokens([full]).hashes.tolist()
    assert len(widened(half)) == len(half)


def test_a_mark_that_follows_no_letter_stays_a_token_apart():
    assert hash_tokens(["ガ"]).hashes.tolist() != hash_tokens(["カ"]).hashes.tolist()
    hash_tokens(["ﾞ", "aﾞ", "漢ﾟ"])  # no error


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"), ("ẞ", "ss"), ("ﬁnance", "Finance"), ("eﬀort ﬂow", "effort flow"), ("Ⅳ", "iv"),
        ("IRMAK", "ırmak"), ("İstanbul", "istanbul"), ("ĳs", "ijs"),
    ],
)  # fmt: skip
def test_letters_that_stand_for_two_and_the_dotless_i(one, other):
    assert hash_tokens([one]).hashes.tolist() == hash_tokens([other]).hashes.tolist()


@pytest.mark.parametrize(
    ("one", "other"), [("Masse", "Maße s"), ("straße", "strase"), ("å", "a"), ("ø", "o")]
)
def test_what_is_not_folded(one, other):
    assert hash_tokens([one]).hashes.tolist() != hash_tokens([other]).hashes.tolist()
