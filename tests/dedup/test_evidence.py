"""Evidence about pairs of texts, against naive twins, in many scripts and at the edges of Unicode."""

import dataclasses
import itertools
import json
import unicodedata

import numpy as np
import pytest
import reference
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from storyclust.articles.article import Article
from storyclust.dedup.alignment import combining_characters, composed_places, drop_chance_blocks
from storyclust.dedup.common_substrings import best_chain, shared_runs
from storyclust.dedup.evidence import Edit, Passage, TokenizedText, explain, longest_passage
from storyclust.errors import InputError, InputTypeError

LONG_A, LONG_B = (" ".join(f"{letter}{k}" for k in range(200)) for letter in "ab")
FERRY = "The harbour ferry struck the old pier on Monday morning and nobody was hurt, police said."
TALKS = "Ministers of both countries met in Tokyo for talks on trade, and agreed to meet again in May."
BUDGET = "Parliament passed the budget after a night of debate; the opposition walked out before the vote."
TOKYO = (
    "上川外相は7日、インドのジャイシャンカル外相と東京都内で会談した。両外相は協力を深めることで一致した。"
)
DELHI = "भारत और जापान के विदेश मंत्रियों ने नई दिल्ली में मुलाकात की। दोनों देशों ने सुरक्षा सहयोग बढ़ाने पर सहमति जताई।"
FRENCH = (
    "Les ministres se sont réunis à Tokyo en février; l’été dernier déjà, ils s’étaient engagés à coopérer."
)


# Naive twins


def naive_runs(x, y, least):
    """List shared runs that can be continued on neither side; the longest claim what lies within them."""
    runs = []
    for i, j in itertools.product(range(len(x)), range(len(y))):
        if x[i] != y[j] or (i and j and x[i - 1] == y[j - 1]):
            continue
        n = 0
        while i + n < len(x) and j + n < len(y) and x[i + n] == y[j + n]:
            n += 1
        if n >= least:
            runs.append((i, j, n))
    kept = []
    for i, j, n in sorted(runs, key=lambda run: (-run[2], run[0], run[1])):
        within_x = any(at <= i and i + n <= at + length for at, _, length in kept)
        within_y = any(at <= j and j + n <= at + length for _, at, length in kept)
        if not within_x and not within_y:
            kept.append((i, j, n))
    return kept


def worth(chain):
    return sum(2 * n - 1 for _, _, n in chain)


def follows(first, second):
    return first[0] + first[2] <= second[0] and first[1] + first[2] <= second[1]


def naive_worth(runs):
    """Try all ways to set runs one behind the other."""
    runs = sorted(runs)
    best = []
    for k, run in enumerate(runs):
        before = (best[m] for m in range(k) if follows(runs[m], run))
        best.append(2 * run[2] - 1 + max(before, default=0))
    return max(best, default=0)


def edited(rng, words, edits):
    """Copy words, with some added, left out, replaced or moved with those behind them."""
    words = list(words)
    for _ in range(edits):
        at, to = rng.integers(len(words) + 1, size=2)
        taken = words[at : at + rng.integers(10)]
        del words[at : at + len(taken)]
        back = [[], taken, ["added", *taken], ["changed", *taken[1:]]][rng.integers(4)]
        at = to if back is taken else at
        words[at:at] = back
    return words


def nfc(text):
    return unicodedata.normalize("NFC", text)


def splits(text, place):
    """Whether composition does not look across a place of a text."""
    return nfc(text[:place]) + nfc(text[place:]) == nfc(text)


def whole(text):
    """Whether every token has a place of its own: not so among marks that composition reorders."""
    placed = TokenizedText.from_text(text)
    if len(placed.hashes) != len(reference.words(text)):
        return False  # what a token is, is the tokenizer's business
    bounds = zip(placed.starts.tolist(), placed.ends.tolist(), strict=True)
    return all(
        splits(text, start) and splits(text, end) and len(reference.words(text[start:end])) == 1
        for start, end in bounds
    )


def content(text):
    """What a text is compared by: one of white space only is none."""
    return "" if text.isspace() else text


def spoken(edits):
    return [(edit.kind, edit.before, edit.after) for edit in edits]


def check(text_a, text_b, evidence, size=5):
    """What must hold for any two texts."""
    tokens_a, tokens_b = reference.words(text_a), reference.words(text_b)
    sets = reference.shingles(text_a, size), reference.shingles(text_b, size)
    shared = len(sets[0] & sets[1])
    assert evidence.similarity == pytest.approx(reference.jaccard(*sets), abs=1e-12)
    assert evidence.containment == pytest.approx(shared / min(map(len, sets)), abs=1e-12)
    assert evidence.contained == ("b" if len(sets[1]) < len(sets[0]) else "a")
    assert (evidence.relation == "exact") == (sets[0] == sets[1] and tokens_a == tokens_b)

    exact = evidence.relation == "exact"
    least = max(len(tokens_a), 1) if exact else size
    expected = naive_runs(tokens_a, tokens_b, least)
    assert [passage.n_tokens for passage in evidence.passages] == [n for _, _, n in expected]
    for passage, (i, j, n) in zip(evidence.passages, expected, strict=True):
        slice_b = text_b[passage.start_b : passage.end_b]
        assert passage.text_a == text_a[passage.start_a : passage.end_a]
        assert reference.words(passage.text_a) == reference.words(slice_b) == tokens_a[i : i + n]
        assert reference.words(text_a[: passage.start_a]) == tokens_a[:i] or not spaced(text_a)
        assert reference.words(text_b[: passage.start_b]) == tokens_b[:j] or not spaced(text_b)
    check_edits(text_a, text_b, evidence.edits)


def spaced(text):
    return all(reference.kind(char) != "unspaced" for char in nfc(text))


def check_edits(text_a, text_b, edits):
    check_restored(text_a, text_b, edits)
    for edit in edits:
        assert edit.kind in ("equal", "replace", "delete", "insert")
        if edit.kind == "equal":
            assert reference.words(edit.before) == reference.words(edit.after)
        else:
            assert edit.kind == (
                "replace" if edit.before and edit.after else "delete" if edit.before else "insert"
            )


def check_restored(text_a, text_b, edits):
    assert "".join(edit.before for edit in edits) == text_a
    assert "".join(edit.after for edit in edits) == text_b
    ends = (0, 0)
    for edit in edits:
        assert (edit.start_a, edit.start_b) == ends
        ends = (edit.end_a, edit.end_b)
        assert edit.before == text_a[edit.start_a : edit.end_a]
        assert edit.after == text_b[edit.start_b : edit.end_b]
        assert edit.before or edit.after


# Shared runs

sequences = st.lists(st.integers(0, 3), max_size=16) | st.lists(st.integers(0, 1), max_size=12)


@settings(max_examples=60)
@given(sequences, sequences, st.integers(1, 4))
@example([0] * 9, [0] * 5, 1)
@example([0, 1] * 5, [1, 1, 0] * 4, 2)
def test_shared_runs_are_those_found_by_trying_all_places(x, y, least):
    runs = shared_runs(np.array(x, np.uint64), np.array(y, np.uint64), least)
    assert [tuple(run) for run in runs.tolist()] == naive_runs(x, y, least)


@given(sequences, sequences)
def test_the_best_chain_is_in_order_and_none_is_worth_more(x, y):
    runs = shared_runs(np.array(x, np.uint64), np.array(y, np.uint64), 1)
    chain = [tuple(run) for run in best_chain(runs).tolist()]
    assert all(follows(first, second) for first, second in itertools.pairwise(chain))
    assert set(chain) <= {tuple(run) for run in runs.tolist()}
    assert worth(chain) == naive_worth([tuple(run) for run in runs.tolist()])


def test_a_few_words_between_long_changes_are_taken_for_chance():
    blocks = [(0, 0, 2), (10, 12, 1), (20, 18, 3), (40, 40, 5)]
    assert drop_chance_blocks(blocks, 60, 60, 5) == [(0, 0, 2), (40, 40, 5)]
    assert drop_chance_blocks(blocks, 60, 60, 3) == [(0, 0, 2), (20, 18, 3), (40, 40, 5)]
    assert drop_chance_blocks([(4, 0, 1), (10, 10, 1)], 20, 20, 5) == [(4, 0, 1)]
    assert drop_chance_blocks([(6, 6, 2), (9, 9, 1), (16, 17, 1)], 30, 30, 5) == [(6, 6, 2), (9, 9, 1)]
    assert drop_chance_blocks([], 3, 3, 5) == []


# Any texts


@settings(max_examples=50)
@given(reference.texts(8), reference.texts(8), st.integers(1, 3))
def test_any_two_texts(a, b, size):
    assume(whole(a) and whole(b))
    check(content(a), content(b), explain(Article(a), Article(b), shingle_size=size), size)


@settings(max_examples=50)
@given(st.data(), st.sampled_from([None, "NFC", "NFD", "NFKD"]))
def test_any_two_edits_of_one_text(data, form):
    """Pieces of one text in two orders, one of them written in decomposed characters."""
    pieces = data.draw(st.lists(reference.texts(4), min_size=1, max_size=5))
    a, b = (" ".join(data.draw(st.permutations(pieces))[: data.draw(st.integers(1, 5))]) for _ in "ab")
    b = unicodedata.normalize(form, b) if form else b
    assume(whole(a) and whole(b))
    check(content(a), content(b), explain(Article(a), Article(b), shingle_size=2), 2)


@given(st.integers(0, 2**32), st.integers(0, 150), st.integers(0, 12))
def test_edited_articles(seed, n_words, edits):
    rng = np.random.default_rng(seed)
    words = [f"w{k}" for k in rng.integers(80, size=n_words)]
    a, b = " ".join(words), " ".join(edited(rng, words, edits))
    check(a, b, explain(a, b))


@given(reference.texts(8), reference.texts(8))
def test_places_stay_in_the_text_whatever_its_marks(a, b):
    evidence = explain(Article(a), Article(b), shingle_size=1)
    check_restored(content(a), content(b), evidence.edits)
    for passage in evidence.passages:
        assert 0 <= passage.start_a <= passage.end_a <= len(a)
        assert 0 <= passage.start_b <= passage.end_b <= len(b)


@settings(max_examples=50)
@given(reference.texts(6), reference.texts(6))
def test_the_longest_passage_is_the_first_of_all(a, b):
    assume(whole(a) and whole(b))
    passage = longest_passage(a, b)
    runs = naive_runs(reference.words(a), reference.words(b), 1)
    if not runs:
        assert passage is None
        return
    assert passage.n_tokens == runs[0][2]
    assert passage == explain(Article(a), Article(b), shingle_size=1).passages[0]


# Relations


@pytest.mark.parametrize(
    ("a", "b", "relation"),
    [
        (FERRY, FERRY, "exact"),
        (FERRY, f"«{FERRY.upper()}»", "exact"),
        ("東京で会談", "東京で会談。", "exact"),
        ("cafe\u0301 ouvert", "CAFÉ — ouvert", "exact"),
        ("", "", "exact"),
        ("", " \n", "exact"),
        ("!!!", " !!! ", "exact"),
        ("!!!", "???", "none"),
        ("", "...", "none"),
        ("", FERRY, "none"),
        ("...", FERRY, "none"),
        (f"{FERRY} {TALKS} {BUDGET}", f"{FERRY} {TALKS} {BUDGET[:-5]} ballot.", "near"),
        (FERRY, f"{TALKS} {FERRY} {BUDGET}", "excerpt"),
        (f"{TALKS} {FERRY}", f"{FERRY} {BUDGET}", "overlap"),
        (f"{FERRY} {LONG_A}", f"{FERRY} {LONG_B}", "overlap"),
        (FERRY, TALKS, "none"),
        ("the ferry sank", "the ferry sank today", "none"),
        (DELHI, DELHI + TOKYO, "excerpt"),
    ],
)
def test_relations(a, b, relation):
    evidence = explain(a, b)
    assert evidence.relation == relation
    assert explain(b, a).relation == relation
    assert (evidence.similarity, evidence.containment) == (
        explain(b, a).similarity,
        explain(b, a).containment,
    )


def test_the_contained_one_has_the_smaller_set_and_of_equals_it_is_a():
    assert explain(FERRY, f"{TALKS} {FERRY}").contained == "a"
    assert explain(f"{TALKS} {FERRY}", FERRY).contained == "b"
    assert explain(FERRY, FERRY).contained == "a"


def test_near_begins_at_0_8_and_excerpt_takes_what_is_below():
    words = [f"w{k}" for k in range(13)]  # 9 shingles of 5
    near = explain(" ".join(words), " ".join(words[:-1]))
    assert (near.relation, near.similarity) == ("near", 8 / 9)
    excerpt = explain(" ".join(words), " ".join([*words[:12], "x"]))
    assert (excerpt.relation, excerpt.similarity, excerpt.containment) == ("near", 0.8, 8 / 9)
    excerpt = explain(" ".join(words), " ".join(words[:11]))
    assert (excerpt.relation, excerpt.similarity, excerpt.containment) == ("excerpt", 7 / 9, 1.0)


# Passages and edits, in full


def test_english():
    evidence = explain(
        "The harbour ferry struck the old pier on Monday morning, police said.",
        "Police said the Harbour Ferry struck the old pier on Tuesday morning.",
    )
    assert evidence.passages == (Passage("The harbour ferry struck the old pier on", 0, 40, 12, 52, 8),)
    assert spoken(evidence.edits) == [
        ("insert", "", "Police said "),
        ("equal", "The harbour ferry struck the old pier on ", "the Harbour Ferry struck the old pier on "),
        ("replace", "Monday ", "Tuesday "),
        ("equal", "morning, ", "morning."),
        ("delete", "police said.", ""),
    ]
    assert evidence.relation == "overlap"
    assert evidence.edits[2] == Edit("replace", 41, 48, 53, 61, "Monday ", "Tuesday ")


def test_japanese_is_compared_by_characters():
    evidence = explain("両外相は東京都内で会談し、一致した。", "両外相は東京都庁で会談し、合意した。")
    assert [(p.text_a, p.n_tokens) for p in evidence.passages] == [("両外相は東京都", 6)]
    assert spoken(evidence.edits) == [
        ("equal", "両外相は東京都", "両外相は東京都"),
        ("replace", "内", "庁"),
        ("equal", "で会談し、", "で会談し、"),
        ("replace", "一致", "合意"),
        ("equal", "した。", "した。"),
    ]


@pytest.mark.parametrize(
    ("a", "b", "kind", "before", "after"),
    [
        ("東京都知事の会見", "東京都副知事の会見", "insert", "", "副"),
        ("東京都副知事の会見", "東京都知事の会見", "delete", "副", ""),
        ("東京都前知事の会見", "東京都副知事の会見", "replace", "前", "副"),
    ],
)
def test_one_character_that_differs(a, b, kind, before, after):
    assert spoken(explain(a, b).edits) == [
        ("equal", "東京都", "東京都"),
        (kind, before, after),
        ("equal", "知事の会見", "知事の会見"),
    ]


def test_a_character_that_both_neighbours_share_is_told_once():
    edits = spoken(explain("甲乙丙乙丁戊", "甲乙丁戊").edits)
    assert edits == [("equal", "甲乙", "甲乙"), ("delete", "丙乙", ""), ("equal", "丁戊", "丁戊")]


def test_a_space_in_a_script_without_spaces_is_no_change():
    assert spoken(explain("東京都知事", "東京 都知事").edits) == [
        ("equal", "東京", "東京 "),
        ("equal", "都知事", "都知事"),
    ]


def test_hindi():
    a, b = DELHI, DELHI.replace("नई दिल्ली", "टोक्यो")
    evidence = explain(a, b)
    at = a.index("नई")
    assert [passage.text_a for passage in evidence.passages] == [a[at + 10 : -1], a[: at - 1]]
    assert spoken(evidence.edits) == [
        ("equal", a[:at], a[:at]),
        ("replace", "नई दिल्ली ", "टोक्यो "),
        ("equal", a[at + 10 :], a[at + 10 :]),
    ]


def test_decomposed_text_keeps_its_own_places():
    a = FRENCH
    b = unicodedata.normalize("NFD", FRENCH.replace("février", "août"))
    evidence = explain(a, b)
    assert evidence.passages[0].text_a == "l’été dernier déjà, ils s’étaient engagés à coopérer"
    assert len(b) > len(a)
    for passage in evidence.passages:
        assert nfc(b[passage.start_b : passage.end_b]) == passage.text_a
    assert spoken(evidence.edits)[1] == ("replace", "février; ", unicodedata.normalize("NFD", "août; "))
    assert longest_passage(b, a).text_a == unicodedata.normalize("NFD", evidence.passages[0].text_a)


@pytest.mark.parametrize(
    "text", ["한국어 기사 제목 여섯 개 단어", "がぎぐげご、ざじずぜぞ", "Zürich ÅÅ", "\u0958ल\u0958 ल"]
)
def test_every_form_of_a_text_is_the_same_text(text):
    for one, other in itertools.permutations(("NFC", "NFD"), 2):
        a, b = unicodedata.normalize(one, text), unicodedata.normalize(other, text)
        evidence = explain(a, b)
        assert evidence.relation == "exact"
        (passage,) = evidence.passages
        assert passage.text_a == a
        assert (passage.start_b, passage.end_b) == (0, len(b))


def test_moved_paragraphs_are_passages_and_one_of_them_is_an_edit():
    a, b = f"{FERRY}\n\n{TALKS} {BUDGET}", f"{TALKS} {BUDGET}\n\n{FERRY}"
    evidence = explain(a, b)
    texts = [passage.text_a for passage in evidence.passages]
    assert texts == [f"{TALKS} {BUDGET}"[:-1], FERRY[:-1]]
    assert [edit.kind for edit in evidence.edits] == ["delete", "equal", "insert"]


def test_a_repeated_passage_is_named_once_for_each_place_it_can_take():
    assert [(p.start_a, p.start_b) for p in explain(f"{FERRY} {FERRY}", f"{FERRY} x {FERRY}").passages] == [
        (0, 0),
        (len(FERRY) + 1, len(FERRY) + 3),
    ]
    assert len(explain(FERRY, f"{FERRY} x {FERRY}").passages) == 1


def test_a_passage_shorter_than_a_shingle_counts_only_if_it_is_all_there_is():
    assert explain("Ferry sinks", "FERRY SINKS!").passages == (Passage("Ferry sinks", 0, 11, 0, 11, 2),)
    assert explain("Ferry sinks", "Ferry sinks today").passages == ()
    assert longest_passage("Ferry sinks", "A ferry sinks") == Passage("Ferry sinks", 0, 11, 2, 13, 2)


def test_shingle_size_is_the_length_of_the_shortest_passage():
    a, b = "one two three four", "zero two three five"
    assert explain(a, b).passages == ()
    assert [p.text_a for p in explain(a, b, shingle_size=2).passages] == ["two three"]
    assert explain(a, b, shingle_size=1).similarity == 2 / 6


def test_equal_texts_are_one_edit_and_empty_ones_none():
    assert spoken(explain("A, b.", "a b").edits) == [("equal", "A, b.", "a b")]
    assert explain("", "").edits == ()
    assert spoken(explain("", " ").edits) == []  # neither has a text, nor a title
    assert spoken(explain("...", FERRY).edits) == [("replace", "...", FERRY)]
    assert spoken(explain(FERRY, "").edits) == [("delete", FERRY, "")]
    assert longest_passage("", FERRY) is None
    assert longest_passage("...", "!!!") is None


def test_astral_characters_and_lone_surrogates_count_as_one_character_each():
    a = "😀😀 𝐀𝐁𝐂 the ferry \ud800struck\udfff the old 𠀋𠮷 pier"
    b = "😀 ABC the ferry \udfffstruck the new 𠀋𠮷 pier"
    evidence = explain(a, b)
    check(a, b, evidence)
    assert [p.text_a for p in evidence.passages] == [a[3 : a.index(" old")]]
    assert spoken(evidence.edits)[1] == ("replace", "old ", "new ")


def test_control_characters_are_data_here():
    a, b = "the \x1b[31mferry\x00 struck\r\nthe pier\x07", "the [31mferry struck the pier"
    evidence = explain(a, b)
    check(a, b, evidence)
    assert evidence.relation == "exact"
    assert evidence.passages[0].text_a == a[:-1]


def test_joined_words_with_ignored_characters():
    a, b = (
        "the co\u00adoperation of minis\u200bters کتاب‌ها goes on",
        "the cooperation of minis ters کتابها goes on",
    )
    check(a, b, explain(a, b))
    assert explain(a, b).passages[0].text_a == a[: -0 or None]


# Composition


@settings(max_examples=60)
@given(
    reference.texts(6)
    | st.text(
        st.sampled_from(
            "ae\u0301\u0323\u0344\u0f73\u0f71ᄒ\u1161\u11ab각か\u3099\u0958\u093c\u09c7\u09be\U0002f800"
        ),
        max_size=8,
    )
)
def test_places_of_composed_characters(text):
    begins, ends = composed_places(text).tolist()
    assert len(begins) == len(ends) == len(nfc(text)) + 1
    assert begins[-1] == ends[-1] == len(text)
    for places in (begins, ends):
        assert places == sorted(places)
    for k, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        assert begin <= end
        if begin == end and splits(text, end) and k == ends.index(end):
            assert len(nfc(text[:end])) == k


def test_no_other_character_joins_what_stands_before_it():
    joins = combining_characters()
    befores = ["a", "e\u0302", "ᄒ", "하", "か", "\u09c7", "\u1100", "\u0b47", "\U00011099"]
    for point in range(0x20000):
        char = chr(point)
        if char not in joins:
            assert all(nfc(before + char) == nfc(before) + nfc(char) for before in befores)


# Long texts: these end only if nothing is quadratic in a bad way


def long_text(rng, n):
    """Words as common as in a language."""
    share = 1 / np.arange(1, 5001)
    return " ".join(f"w{k}" for k in rng.choice(5000, size=n, p=share / share.sum()))


@pytest.mark.parametrize(
    "what", ["edited", "unrelated", "shuffled", "reversed", "one word", "refrain", "boilerplate"]
)
def test_long_texts(what):
    rng = np.random.default_rng(7)
    a = long_text(rng, 20_000)
    words = a.split()
    a, b = {
        "edited": lambda: (a, " ".join(edited(rng, words, 300))),
        "unrelated": lambda: (a, long_text(rng, 20_000)),
        "shuffled": lambda: (a, " ".join(rng.permutation(words))),
        "reversed": lambda: (" ".join(map(str, range(20_000))), " ".join(map(str, range(20_000, 0, -1)))),
        "one word": lambda: ("so " * 20_000, "so " * 9_000),
        "refrain": lambda: (f"{FERRY} " * 1_200, f"{FERRY} " * 700 + TALKS),
        "boilerplate": lambda: tuple(
            " ".join(f"all rights are reserved by {k}" for k in range(start, start + 3_000))
            for start in (0, 9_000)
        ),
    }[what]()
    evidence = explain(a, b)
    check_edits(a, b, evidence.edits)
    longest = longest_passage(a, b)
    if evidence.passages:
        assert longest == evidence.passages[0]


# What comes in and what goes out


def test_articles_mappings_and_strings_are_compared_by_their_content():
    expected = explain(FERRY, TALKS)
    assert explain(Article(FERRY, id="1"), {"body": TALKS, "id": 1}) == expected
    assert explain({"headline": FERRY}, Article(" ", title=TALKS)) == expected


def test_a_byte_order_mark_is_no_part_of_a_text():
    assert explain("\ufeff" + FERRY, FERRY).passages[0].start_a == 0


@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        (FERRY, None, InputTypeError, "b must be a str, a mapping or an Article, got NoneType."),
        ([FERRY], FERRY, InputTypeError, "a must be a str, a mapping or an Article, got list."),
        (FERRY, {"text": 5, "id": "x"}, InputTypeError, r"b\.text must be str, got int \(id 'x'\)\."),
        ({"id": "x"}, FERRY, InputError, "a: it has neither a text nor a title"),
    ],
)
def test_what_is_no_article_is_refused_by_name(a, b, error, message):
    with pytest.raises(error, match=f"^{message}"):
        explain(a, b)


@pytest.mark.parametrize("size", [0, -1])
def test_shingle_size_must_be_positive(size):
    with pytest.raises(InputError, match="shingle_size must be 1 or more"):
        explain(FERRY, TALKS, shingle_size=size)


@pytest.mark.parametrize(
    ("a", "b"), [(FERRY, f"{TALKS} {FERRY}"), (TOKYO, TOKYO[:20]), ("", FERRY), ("\ud800 a", "a")]
)
def test_as_dict_is_plain_data(a, b):
    evidence = explain(a, b)
    record = evidence.as_dict()
    assert list(record) == ["similarity", "containment", "contained", "relation", "passages", "edits"]
    assert json.loads(json.dumps(record)) == record
    assert record["passages"] == [dataclasses.asdict(passage) for passage in evidence.passages]
    numbers = {type(value) for entry in (*record["passages"], *record["edits"]) for value in entry.values()}
    assert numbers <= {int, str}
    assert type(record["similarity"]) is type(record["containment"]) is float


def test_evidence_cannot_be_changed():
    evidence = explain(FERRY, TALKS)
    with pytest.raises(dataclasses.FrozenInstanceError):
        evidence.relation = "exact"
    assert not hasattr(evidence, "__dict__")
    assert hash(evidence) == hash(explain(FERRY, TALKS))


def test_passages_of_half_width_kana_are_where_they_stand():
    half, full = "昨日ｶﾞｿﾘﾝの価格がﾊﾟﾘで上昇した。", "昨日ガソリンの価格がパリで上昇した。"
    evidence = explain(f"前書き。{half * 6}終わり", f"{full * 6}別の終わり")
    passage = max(evidence.passages, key=lambda each: each.end_a - each.start_a)
    assert f"前書き。{half * 6}終わり"[passage.start_a : passage.end_a] == passage.text_a
    assert len(passage.text_a) > 5 * len(half)
    assert explain(half * 6, full * 6).relation == "exact"
