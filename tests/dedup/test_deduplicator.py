"""Copies against brute force, and what a group must always be."""

import pickle
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import storyclust as sc
from storyclust._core import parallel
from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.dedup import deduplicator, groups, lsh, sketches, verification
from storyclust.dedup.estimators import Deduplicator, MinHasher
from storyclust.dedup.groups import DuplicateGroup
from storyclust.dedup.lsh import Bands, Candidates
from storyclust.errors import InputError, InputTypeError, StoryclustWarning

DAY = datetime(2024, 3, 4, 12, tzinfo=UTC)
KEEP = ("earliest", "latest", "longest", "first")
WIRE = (
    "The harbour ferry Aldmouth struck the north pier on Monday morning shortly after seven, throwing "
    "dozens of passengers to the deck, the port authority said. Nobody was seriously hurt. The ferry, which "
    "had left the island of Carrow with some two hundred people aboard, was towed to the yard where divers "
    "will look at its bow. Crossings are suspended until Wednesday, and buses will take commuters across "
    "the bridge instead."
)


class Expected(NamedTuple):
    representatives: list
    pairs: dict
    sets: list


def brute_force(articles, threshold, size=5, keep="earliest"):
    """Groups and pairs by comparing every text with every other."""
    contents = [article.content for article in articles]
    sets = [reference.shingles(content, size) for content in contents]
    fingerprints = MinHasher(num_perm=1).sign(contents).fingerprints.tolist()
    order = reference.keep_order(articles, keep, fingerprints)
    equal = [tuple(reference.words(text)) or reference.shingle_list(text, size)[0] for text in contents]
    pairs = reference.similar_pairs(sets, threshold)
    assert all(
        pairs[i, j] == 1.0
        for i in range(len(equal))
        for j in range(i + 1, len(equal))
        if equal[i] == equal[j]
    )
    return Expected(reference.representatives(sets, order, threshold), pairs, sets)


def listed(found):
    """Pairs of a fitted deduplicator with their similarities."""
    return dict(zip(map(tuple, found.pairs_.tolist()), found.similarities_.tolist(), strict=True))


def check_invariants(found, sets, threshold):
    """Ask of a result what must hold of every one, whatever candidates were found."""
    n = len(sets)
    labels, kept_for = found.labels_.tolist(), found.representatives_.tolist()
    assert labels == reference.first_appearance(labels) == reference.first_appearance(kept_for)
    assert found.keep_.tolist() == [kept_for[row] == row for row in range(n)]
    assert sorted(np.flatnonzero(found.keep_).tolist()) == sorted(set(kept_for))
    for row, kept in enumerate(kept_for):
        assert kept == row or reference.jaccard(sets[row], sets[kept]) >= threshold

    assert found.pairs_.shape == (len(found.similarities_), 2)
    pairs = listed(found)
    assert list(pairs) == sorted(pairs)
    assert all(i < j for i, j in pairs)
    assert all(reference.jaccard(sets[i], sets[j]) == value >= threshold for (i, j), value in pairs.items())

    members = {}
    for row, label in enumerate(labels):
        members.setdefault(label, []).append(row)
    large = [rows for rows in members.values() if len(rows) > 1]
    assert [group.members.tolist() for group in found.groups_] == sorted(
        large, key=lambda rows: (-len(rows), rows)
    )
    for group in found.groups_:
        assert len(group) == len(group.members)
        kept = group.representative
        assert [kept_for[row] for row in group.members] == [kept] * len(group)
        exact = [reference.jaccard(sets[row], sets[kept]) for row in group.members]
        assert group.similarities.tolist() == exact
        assert group.min_similarity == min(exact) >= threshold


@st.composite
def corpora(draw, junk=True):
    """Articles of which most are heavily edited copies of one another, in any order."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    originals = [reference.news(rng, int(rng.integers(3, 40))) for _ in range(draw(st.integers(1, 3)))]
    copies = []
    for _ in range(draw(st.integers(0, 12))):
        source = originals[rng.integers(len(originals))] if rng.random() < 0.7 or not copies else copies[-1]
        copies.append(reference.edited(rng, source, int(rng.integers(0, 4))))
    texts = [" ".join(words) for words in originals + copies]
    texts += [text.upper().replace(" ", ", ") for text in texts if rng.random() < 0.2]
    texts += draw(st.lists(reference.texts(3), max_size=3)) if junk else []
    order = rng.permutation(len(texts)).tolist()
    hours = rng.integers(-2, 6, len(texts)).tolist()
    return [
        Article(
            texts[row], id=f"n{row}", published=DAY + timedelta(hours=hours[row]) if hours[row] >= 0 else None
        )
        for row in order
    ]


THRESHOLDS = st.sampled_from([0.3, 0.5, 2 / 3, 0.8, 0.9, 1.0])
EXCERPTS = st.sampled_from(["report", "ignore"])  # where they are ignored, shingles are computed again


def find_all(patch, how):
    """Make every pair a candidate: by one row a band, or as one large bucket of all."""
    if how == "bands":
        patch.setattr(deduplicator, "choose_bands", lambda threshold, num_perm, recall: Bands(num_perm, 1))
    elif how == "bucket":

        def everyone(signatures, bands, n_jobs, rows):
            return Candidates(np.empty((0, 2), np.int64), [np.arange(len(rows))])

        patch.setattr(deduplicator, "candidate_pairs", everyone)


# Against brute force


@settings(max_examples=40)
@given(corpora(), THRESHOLDS, st.sampled_from([1, 2, 3, 5]), st.sampled_from(KEEP))
def test_pairs_are_never_false_positives(articles, threshold, size, keep):
    expected = brute_force(articles, threshold, size, keep)
    found = Deduplicator(threshold, shingle_size=size, keep=keep).fit(articles)
    check_invariants(found, expected.sets, threshold)
    assert listed(found).items() <= expected.pairs.items()
    if listed(found) == expected.pairs:
        assert found.representatives_.tolist() == expected.representatives


@pytest.mark.parametrize("how", ["bands", "exact"])
@settings(max_examples=50)
@given(
    articles=corpora(),
    threshold=THRESHOLDS,
    size=st.sampled_from([1, 2, 3, 5]),
    keep=st.sampled_from(KEEP),
    excerpts=EXCERPTS,
)
def test_with_every_candidate_the_result_is_that_of_brute_force(
    how, articles, threshold, size, keep, excerpts
):
    expected = brute_force(articles, threshold, size, keep)
    dedup = Deduplicator(threshold, shingle_size=size, keep=keep, exact=how == "exact", excerpts=excerpts)
    with pytest.MonkeyPatch.context() as patch:
        find_all(patch, how)
        found = dedup.fit(articles)
    check_invariants(found, expected.sets, threshold)
    assert listed(found) == expected.pairs
    assert found.representatives_.tolist() == expected.representatives


@settings(max_examples=50)
@given(corpora(), THRESHOLDS, st.sampled_from([1, 2, 3, 5]), st.sampled_from(KEEP), EXCERPTS)
def test_a_large_bucket_is_grouped_as_brute_force_would(articles, threshold, size, keep, excerpts):
    expected = brute_force(articles, threshold, size, keep)
    with pytest.MonkeyPatch.context() as patch:
        find_all(patch, "bucket")
        found = Deduplicator(threshold, shingle_size=size, keep=keep, excerpts=excerpts).fit(articles)
    check_invariants(found, expected.sets, threshold)
    assert found.representatives_.tolist() == expected.representatives


def edited_corpus(seed, n, n_words=120):
    """Pairs of originals and copies with a few edits, shuffled, as texts."""
    rng = np.random.default_rng(seed)
    originals = [reference.news(rng, n_words) for _ in range(n)]
    copies = [reference.edited(rng, original, int(rng.integers(1, 5))) for original in originals]
    texts = [" ".join(words) for words in originals + copies]
    return [texts[row] for row in rng.permutation(len(texts))]


def test_recall_is_as_promised():
    texts = edited_corpus(11, 400)
    sets = [reference.shingles(text, 5) for text in texts]
    holders = {}
    for row, held in enumerate(sets):
        for entry in held:
            holders.setdefault(entry, []).append(row)
    near = {(i, j) for rows in holders.values() for i in rows for j in rows if i < j}
    expected = {pair for pair in near if reference.jaccard(sets[pair[0]], sets[pair[1]]) >= 0.8}
    assert len(expected) > 250

    found = Deduplicator().fit(texts)
    check_invariants(found, sets, 0.8)
    assert set(listed(found)) <= expected
    assert len(listed(found)) >= 0.99 * len(expected)
    assert found.expected_recall_ >= 0.99
    assert found.bands_ == (21, 6)
    assert set(listed(Deduplicator(exact=True).fit(texts))) == expected


# What the result must not depend on


@settings(max_examples=50)
@given(corpora(), THRESHOLDS, st.sampled_from(KEEP[:3]), st.randoms())
def test_the_order_of_the_input_only_renames_labels(articles, threshold, keep, random):
    order = list(range(len(articles)))
    random.shuffle(order)
    found = Deduplicator(threshold, keep=keep).fit(articles)
    moved = Deduplicator(threshold, keep=keep).fit([articles[row] for row in order])
    assert [order[row] for row in moved.representatives_] == found.representatives_[order].tolist()
    assert moved.keep_.tolist() == found.keep_[order].tolist()
    assert moved.labels_.tolist() == reference.first_appearance(found.labels_[order].tolist())
    back = {tuple(sorted((order[i], order[j]))): value for (i, j), value in listed(moved).items()}
    assert back == listed(found)


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
@pytest.mark.parametrize("chunk_bytes", [1, 999, 1 << 20])
def test_neither_threads_nor_chunks_nor_batches_nor_memory_matter(n_jobs, chunk_bytes, monkeypatch):
    texts = [*edited_corpus(5, 12), "", "", "!!!", "短い記事", WIRE, WIRE.upper()]
    expected = Deduplicator().fit(texts)
    monkeypatch.setattr(parallel, "CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr(sketches, "BATCH_CHARACTERS", chunk_bytes)
    monkeypatch.setattr(verification, "BLOCK_SHINGLES", max(1, chunk_bytes // 2))
    found = Deduplicator(n_jobs=n_jobs).fit(texts)
    for name in (
        "labels_",
        "keep_",
        "representatives_",
        "pairs_",
        "similarities_",
        "excerpts_",
        "containments_",
    ):
        assert (getattr(found, name) == getattr(expected, name)).all()


# Large buckets and many equal texts


def templated(n):
    """Notices that differ in a word each, ids and dates in the order of the rows."""
    words = [f"w{k}" for k in range(120)]
    notices = []
    for k in range(n):
        words_of_it = list(words)
        words_of_it[7 + k % 100] = f"place{k}"
        notices.append(
            Article(" ".join(words_of_it), id=f"notice{k:03}", published=DAY + timedelta(minutes=k))
        )
    return notices


@pytest.mark.parametrize("largest", [2, 10, 128])
@pytest.mark.parametrize("keep", ["earliest", "latest", "first"])
def test_a_large_bucket_of_templated_texts_is_one_group(largest, keep, monkeypatch):
    monkeypatch.setattr(lsh, "CROWD", largest)
    articles = templated(300)
    found = Deduplicator(keep=keep).fit(articles)
    assert set(found.labels_.tolist()) == {0}
    assert found.keep_.sum() == 1
    assert found.representatives_[0] == (299 if keep == "latest" else 0)
    assert found.groups_[0].min_similarity >= 0.8
    if largest == 2:
        assert len(found.pairs_) < 300 * 30  # not the 44,850 there are


@pytest.mark.parametrize("reverse", [False, True])
def test_a_large_bucket_follows_the_best_of_equal_texts_though_it_comes_last(reverse):
    plain = " ".join(f"w{k}" for k in range(120))
    articles = [
        Article(plain, id="late", published=DAY + timedelta(days=9)),
        *templated(300),
        Article(plain, id="early", published=DAY - timedelta(days=9)),
    ]
    articles = articles[::-1] if reverse else articles
    found = Deduplicator().fit(articles)
    assert [articles[row].id for row in np.flatnonzero(found.keep_)] == ["early"]


@settings(max_examples=40, derandomize=True)
@given(corpora(junk=False), st.integers(1, 3), st.sampled_from(KEEP))
def test_small_buckets_over_the_limit_are_grouped_as_brute_force_would(articles, largest, keep):
    expected = brute_force(articles, 0.8, 5, keep)
    with pytest.MonkeyPatch.context() as patch:
        find_all(patch, "bands")
        patch.setattr(lsh, "CROWD", largest)
        found = Deduplicator(keep=keep).fit(articles)
    check_invariants(found, expected.sets, 0.8)
    assert found.representatives_.tolist() == expected.representatives


def test_a_copy_in_a_large_bucket_is_matched_with_the_article_of_the_reference_it_resembles():
    words = [f"w{k}" for k in range(60)]
    archive = [" ".join(words), " ".join([*words[:40], "x", *words[41:]])]
    copy = " ".join([*words[:20], "y", *words[21:40], "x", *words[41:]])
    sets = [reference.shingles(text, 5) for text in (*archive, copy)]
    assert reference.jaccard(sets[0], sets[1]) >= 0.8
    assert reference.jaccard(sets[1], sets[2]) >= 0.8
    assert reference.jaccard(sets[0], sets[2]) < 0.8
    for how in ("bands", "bucket"):
        with pytest.MonkeyPatch.context() as patch:
            find_all(patch, how)
            found = Deduplicator().fit([copy], reference=archive)
        assert found.reference_matches_.tolist() == [1], how
        assert found.keep_.tolist() == [False], how


def test_thousands_of_equal_texts_are_one_group_and_a_star_of_pairs():
    found = Deduplicator(keep="first").fit([WIRE] * 5000)
    assert found.labels_.tolist() == [0] * 5000
    assert found.pairs_.tolist() == [[0, row] for row in range(1, 5000)]
    assert found.similarities_.tolist() == [1.0] * 4999
    assert len(found.groups_) == 1
    assert len(found.groups_[0]) == 5000
    assert np.flatnonzero(found.keep_).tolist() == [0]


def test_pairs_of_a_few_equal_texts_are_all_listed():
    most = groups.LISTED_TWINS
    assert len(Deduplicator().fit([WIRE] * most).pairs_) == most * (most - 1) // 2
    assert len(Deduplicator().fit([WIRE] * (most + 1)).pairs_) == most


def test_pairs_between_two_lots_of_equal_texts():
    other = WIRE.replace("dozens", "scores")
    found = Deduplicator(keep="first").fit([WIRE, other, WIRE, other, WIRE])
    assert len(found.pairs_) == 10
    many = Deduplicator(keep="first").fit([WIRE, other] * 40)
    assert [0, 1] in many.pairs_.tolist()
    assert len(many.pairs_) == 2 * 39 + 1
    assert set(many.labels_.tolist()) == {0}


# Which one is kept


def kept_id(articles, keep):
    found = Deduplicator(keep=keep).fit(articles)
    assert set(found.labels_.tolist()) == {0}
    return articles[int(np.flatnonzero(found.keep_)[0])].id


LONG, SHORT = WIRE + " More soon.", WIRE


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("keep", "kept"), [("earliest", "monday"), ("latest", "tuesday"), ("longest", "undated and long")]
)
def test_policies(keep, kept, reverse):
    articles = [
        Article(SHORT, id="tuesday", published=DAY + timedelta(days=1)),
        Article(LONG, id="undated and long"),
        Article(SHORT, id="monday", published=DAY),
    ]
    assert kept_id(articles[::-1] if reverse else articles, keep) == kept


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("keep", "articles", "kept"),
    [
        ("earliest", [Article(SHORT, id="short", published=DAY), Article(LONG, id="z", published=DAY)], "z"),
        ("latest", [Article(SHORT, id="short", published=DAY), Article(LONG, id="z", published=DAY)], "z"),
        ("earliest", [Article(LONG, id="a"), Article(SHORT, id="z", published=DAY)], "z"),
        ("latest", [Article(LONG, id="a"), Article(SHORT, id="z", published=DAY)], "z"),
        ("earliest", [Article(SHORT, id="short"), Article(LONG, id="z")], "z"),
        ("longest", [Article(LONG, id="a"), Article(LONG, id="z", published=DAY)], "z"),
        (
            "longest",
            [Article(LONG, id="a", published=DAY), Article(LONG, id="z", published=DAY - timedelta(1))],
            "z",
        ),
        ("earliest", [Article(LONG, id="b"), Article(LONG, id="a")], "a"),
        ("latest", [Article(LONG, id="b", published=DAY), Article(LONG, id="a", published=DAY)], "a"),
        ("longest", [Article(LONG, id="b"), Article(LONG, id="a")], "a"),
    ],
)
def test_ties(keep, articles, kept, reverse):
    assert kept_id(articles[::-1] if reverse else articles, keep) == kept


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("keep", "kept"), [("source:AP, dpa", "ap"), ("source:dpa", "dpa"), ("source:AFP", "none")]
)
def test_sources_in_order_of_preference(keep, kept, reverse):
    articles = [
        Article(WIRE, id="dpa", source="dpa", published=DAY + timedelta(1)),
        Article(WIRE, id="none", published=DAY),
        Article(WIRE, id="ap", source="AP", published=DAY + timedelta(2)),
    ]
    assert kept_id(articles[::-1] if reverse else articles, keep) == kept


def test_a_function_of_the_article_decides():
    articles = [Article(WIRE, id="b", url="https://a"), Article(WIRE, id="a", url="http://a")]
    assert kept_id(articles, lambda article: not article.url.startswith("https")) == "b"


def test_first_is_the_order_of_the_input():
    articles = [
        Article(SHORT, id="z", published=DAY),
        Article(LONG, id="a", published=DAY - timedelta(days=1)),
    ]
    assert kept_id(articles, "first") == "z"
    assert kept_id(articles[::-1], "first") == "a"


@pytest.mark.parametrize("keep", KEEP)
def test_of_texts_equal_in_everything_the_first_is_kept(keep):
    # Ids that were not given are row numbers, and row 9 comes before row 10.
    others = [f"Notice number {k} of the council about the matter of street {k}." for k in range(9)]
    assert Deduplicator(keep=keep).fit([*others, WIRE, WIRE, WIRE]).representatives_[9:].tolist() == [9, 9, 9]


def test_a_middle_link_does_not_chain_unlike_ends():
    words = [f"w{k}" for k in range(100)]
    ends = [words, ["x", *words[1:50], "y", *words[51:]], ["x", *words[1:50], "y", *words[51:98], "z", "v"]]
    a, b, c = (" ".join(end) for end in ends)
    sets = [reference.shingles(text, 5) for text in (a, b, c)]
    assert reference.jaccard(sets[0], sets[1]) >= 0.85
    assert reference.jaccard(sets[1], sets[2]) >= 0.85
    assert reference.jaccard(sets[0], sets[2]) < 0.85
    found = Deduplicator(0.85, keep="first", exact=True).fit([a, b, c])
    assert found.labels_.tolist() == [0, 0, 1]
    assert found.keep_.tolist() == [True, False, True]
    assert found.pairs_.tolist() == [[0, 1], [1, 2]]
    middle = Deduplicator(0.85, keep="first", exact=True).fit([b, a, c])
    assert middle.keep_.tolist() == [True, False, False]


# Texts of every kind


def labels(articles, **params):
    return Deduplicator(**params).fit(articles).labels_.tolist()


def test_no_articles():
    found = Deduplicator().fit([])
    for name in (
        "labels_",
        "keep_",
        "representatives_",
        "reference_matches_",
        "similarities_",
        "containments_",
    ):
        assert getattr(found, name).shape == (0,)
    assert found.pairs_.shape == found.excerpts_.shape == (0, 2)
    assert found.keep_.dtype == bool
    assert found.labels_.dtype == found.pairs_.dtype == found.representatives_.dtype == np.int64
    assert found.groups_ == []
    assert found.bands_ == (21, 6)


@pytest.mark.parametrize("text", ["", "a", WIRE])
def test_one_article(text):
    found = Deduplicator().fit([text])
    assert found.labels_.tolist() == [0]
    assert found.keep_.tolist() == [True]
    assert found.pairs_.shape == (0, 2)
    assert found.groups_ == []


def test_texts_without_words_are_copies_of_equal_texts_only():
    assert labels(["", "", "a", "!!!", "???", "!!!", " !!!\n", "", "A."]) == [0, 0, 1, 2, 3, 2, 2, 0, 1]
    assert labels(["\ufeff", "", "\u3000"]) == [0, 0, 0]
    assert labels(["😀", "😀😀", "😀"]) == [0, 1, 0]


def test_texts_shorter_than_a_shingle_are_copies_of_equal_texts_only():
    texts = ["Rain in Delhi", "rain, in DELHI!", "Rain in Delhi today", "Rain in", "in Rain Delhi", "Delhi"]
    assert labels(texts) == [0, 0, 1, 2, 3, 4]
    assert labels(texts, threshold=0.1) == [0, 0, 1, 2, 3, 4]


def test_articles_of_a_headline_only_are_compared_by_it():
    articles = [
        {"title": "Ferry strikes pier in Aldmouth harbour"},
        {"title": "Ferry strikes pier in Aldmouth harbour", "text": "   "},
        {"title": "Ferry strikes pier in Aldmouth harbour", "text": WIRE},
        {"title": "Another headline", "text": WIRE},
        {"title": "", "text": "FERRY STRIKES PIER in Aldmouth harbour!"},
    ]
    assert labels(articles) == [0, 0, 1, 1, 0]


@pytest.mark.parametrize(
    "copy",
    [
        WIRE.upper(),
        WIRE.replace(",", "").replace(".", " —"),
        WIRE.replace(" ", "\r\n\t"),
        "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in WIRE),
        "\ufeff" + WIRE.replace(" ", "\u00a0"),
        WIRE.replace("ferry", "fer\u00adry"),
        WIRE + "\0",
        WIRE + " \ud800",
    ],
)
def test_case_width_and_punctuation_make_no_difference(copy):
    found = Deduplicator(threshold=1.0).fit([WIRE, copy])
    assert found.labels_.tolist() == [0, 0]
    assert found.similarities_.tolist() == [1.0]


def test_lone_surrogates_do_no_harm():
    broken = WIRE.replace("ferry", "fer\udc80ry")
    found = Deduplicator().fit([broken, broken, WIRE, "\ud800", "\udfff", "\ud83d\ude00"])
    assert found.labels_[0] == found.labels_[1]


def test_japanese_copies():
    text = (
        "上川外務大臣は七日、東京でインドのジャイシャンカル外相と会談し、安全保障分野の協力を進めることで一致した。"
        "両外相は、自由で開かれたインド太平洋の実現に向けて連携を深めるとともに、半導体の供給網や鉄道の建設についても意見を交わした。"
    )
    copy = text.replace("七日", "7日").replace("、", "，")
    other = (
        "気象庁は八日、関東地方で梅雨入りしたとみられると発表した。平年より一日遅く、昨年より十三日早い。"
        "向こう一週間は曇りや雨の日が多くなる見込みで、気象庁は大雨による土砂災害に注意するよう呼びかけている。"
    )
    assert labels([text, other, copy]) == [0, 1, 0]
    assert labels([text, text.replace("カルと", "ｶﾙと").replace("インド", "ｲﾝﾄﾞ")], threshold=0.5) == [0, 0]


def test_hindi_copies():
    text = (
        "विदेश मंत्री ने गुरुवार को नई दिल्ली में जापान के विदेश मंत्री से मुलाकात की और रक्षा सहयोग बढ़ाने पर सहमति जताई। "
        "दोनों नेताओं ने हिंद प्रशांत क्षेत्र में शांति, व्यापार और बुलेट ट्रेन परियोजना पर भी लंबी बातचीत की।"
    )
    copy = text.replace("।", ".").replace("गुरुवार को ", "")
    other = (
        "मौसम विभाग ने कहा कि अगले तीन दिनों में दिल्ली और आसपास के इलाकों में भारी बारिश हो सकती है और लोग घरों में रहें।"
    )
    assert labels([text, other, copy], threshold=0.6) == [0, 1, 0]
    assert labels([text, text.replace("।", "")], threshold=1.0) == [0, 0]


def test_arabic_copies_with_and_without_vowel_signs():
    text = "اِلْتَقَى وَزِيرُ الخَارِجِيَّةِ نَظِيرَهُ فِي القَاهِرَةِ يَوْمَ الاثْنَيْنِ لِبَحْثِ الأَزْمَةِ"
    bare = "".join(c for c in text if not 0x64B <= ord(c) <= 0x65F)
    assert bare != text
    assert labels([text, bare], threshold=1.0) == [0, 0]


def test_templated_notices_are_no_copies_when_little_of_them_is_template():
    notice = "Road {0} is closed from {1} to {2} on {3} for works on {4}, the council of {1} says. Use {5}."
    filled = [notice.format(*(f"{part}{k}" for part in "abcdef")) for k in range(30)]
    assert labels(filled) == list(range(30))


def test_at_threshold_one_only_equal_texts_are_copies():
    assert labels([WIRE, WIRE + " Now.", WIRE], threshold=1.0) == [0, 1, 0]


def test_equal_sets_of_unequal_texts_are_copies_of_similarity_one():
    found = Deduplicator(threshold=1.0).fit(["ha " * 6, "ha " * 60])
    assert found.labels_.tolist() == [0, 0]
    assert found.similarities_.tolist() == [1.0]


# Excerpts


def test_an_excerpt_is_named_and_kept_unless_it_is_to_be_dropped():
    rng = np.random.default_rng(1)
    article = reference.news(rng, 400)
    texts = [" ".join(article[100:250]), " ".join(article), " ".join(reference.news(rng, 300))]
    found = Deduplicator().fit(texts)
    assert found.excerpts_.tolist() == [[0, 1]]
    assert found.containments_.tolist() == [1.0]
    assert found.keep_.tolist() == [True, True, True]
    dropped = Deduplicator(excerpts="drop").fit(texts)
    assert dropped.keep_.tolist() == [False, True, True]
    assert dropped.representatives_.tolist() == [1, 1, 2]
    assert Deduplicator(excerpts="ignore").fit(texts).excerpts_.shape == (0, 2)


@pytest.mark.parametrize("shared", [60, 150, 270])
def test_excerpts_are_listed_from_the_least_containment(shared):
    rng = np.random.default_rng(3)
    article = reference.news(rng, 400)
    texts = [" ".join(article[:shared] + reference.news(rng, 300 - shared)), " ".join(article)]
    sets = [reference.shingles(text, 5) for text in texts]
    share = len(sets[0] & sets[1]) / len(sets[0])
    for least in (0.1, share, min(share + 0.01, 1.0), 1.0):
        found = Deduplicator(min_containment=least).fit(texts)
        assert found.excerpts_.tolist() == ([[0, 1]] if share >= least else [])
    assert len(Deduplicator().fit(texts).excerpts_) == (share >= 0.8)


def test_a_text_that_repeats_itself_does_not_hold_the_longer_one():
    rng = np.random.default_rng(2)
    passage, rest = reference.news(rng, 100), reference.news(rng, 300)
    refrain, article = " ".join(passage * 8), " ".join(passage + rest)
    sets = [reference.shingles(text, 5) for text in (refrain, article)]
    share = len(sets[0] & sets[1]) / len(sets[0])
    assert share > 0.9
    assert len(sets[0] & sets[1]) / len(sets[1]) < 0.3
    found = Deduplicator(excerpts="drop").fit([refrain, article])
    assert found.excerpts_.tolist() == [[0, 1]]
    assert found.containments_.tolist() == [share]
    assert found.keep_.tolist() == [False, True]


def test_what_stands_for_an_excerpt_does_not_depend_on_the_order_of_the_input():
    rng = np.random.default_rng(3)
    passage = reference.news(rng, 150)
    texts = [" ".join(passage), *(" ".join(passage + reference.news(rng, 200 + 50 * k)) for k in range(3))]
    articles = [Article(text, id=f"n{row}", published=DAY) for row, text in enumerate(texts)]
    kept_for = []
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        moved = [articles[row] for row in order]
        found = Deduplicator(excerpts="drop").fit(moved)
        kept_for.append(moved[found.representatives_[order.index(0)]].id)
        assert not found.keep_[order.index(0)]
    assert len(set(kept_for)) == 1


# The reference


def test_copies_of_the_reference_are_not_kept_and_the_reference_is_not_touched():
    other = " ".join(reference.news(np.random.default_rng(4), 60))
    found = Deduplicator().fit([WIRE.upper(), other, other + " more", WIRE], reference=[WIRE, WIRE, "x y z"])
    assert found.keep_.tolist() == [False, True, False, False] or found.keep_.tolist() == [
        False,
        False,
        True,
        False,
    ]
    assert found.reference_matches_.tolist() == [0, -1, -1, 0]
    assert found.representatives_[[0, 3]].tolist() == [-1, -1]
    assert found.labels_.tolist() == [0, 1, 1, 0]
    assert [(group.members.tolist(), group.reference) for group in found.groups_] == [
        ([0, 3], 0),
        ([1, 2], -1),
    ]
    assert found.pairs_.tolist() == [[0, 3], [1, 2]]


def test_nothing_changes_with_a_reference_of_nothing():
    texts = edited_corpus(6, 5)
    assert labels(texts) == Deduplicator().fit(texts, reference=[]).labels_.tolist()


# Input


def test_input_of_every_type():
    texts = [WIRE, "something else altogether", WIRE.upper()]
    frame = pd.DataFrame({"text": texts, "published": ["2024-03-05", "2024-03-04", None]})
    for articles in (
        texts,
        tuple(texts),
        iter(texts),
        np.array(texts),
        pd.Series(texts),
        [{"body": text} for text in texts],
        [Article(text, id=f"n{k}") for k, text in enumerate(texts)],
        (Article(text, id=f"n{k}") for k, text in enumerate(texts)),
        frame,
        as_articles(texts),
    ):
        assert labels(articles) == [0, 1, 0]


def test_fields_of_a_frame_decide_what_is_kept():
    frame = pd.DataFrame({"text": [WIRE, WIRE], "date": ["2024-03-05", "2024-03-04"], "id": ["b", "a"]})
    assert Deduplicator().fit(frame).keep_.tolist() == [False, True]
    assert Deduplicator(keep="latest").fit(frame).keep_.tolist() == [True, False]


@pytest.mark.parametrize("articles", ["one text", None, 5, {"text": "one"}])
def test_what_is_no_sequence_of_articles_is_refused(articles):
    with pytest.raises(InputTypeError, match="articles must be a sequence of articles, got"):
        Deduplicator().fit(articles)


@pytest.mark.parametrize("wrap", [list, iter])
def test_an_entry_that_is_no_article_is_named_by_its_place(wrap, monkeypatch):
    monkeypatch.setattr(sketches, "BATCH_CHARACTERS", 1)
    with pytest.raises(InputTypeError, match=r"articles\[3\]"):
        Deduplicator().fit(wrap(["a", "b", "c", None]))


# Parameters


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"threshold": 0}, InputError, r"threshold must lie in \(0, 1\], got 0\."),
        ({"threshold": 1.5}, InputError, r"threshold must lie in \(0, 1\], got 1\.5\."),
        ({"threshold": -0.1}, InputError, r"threshold must lie in \(0, 1\], got -0\.1\."),
        ({"threshold": float("nan")}, InputError, r"threshold must lie in \(0, 1\], got nan\."),
        ({"threshold": "0.8"}, InputTypeError, r"threshold must be a number, got '0\.8'\."),
        ({"threshold": True}, InputTypeError, r"threshold must be a number, got True\."),
        ({"threshold": None}, InputTypeError, r"threshold must be a number, got None\."),
        ({"num_perm": 0}, InputError, r"num_perm must be 1 to 65536, got 0\."),
        ({"num_perm": True}, InputTypeError, r"num_perm must be an int, got True\."),
        ({"shingle_size": 0}, InputError, r"shingle_size must be 1 to 1000, got 0\."),
        ({"shingle_size": 2.0}, InputTypeError, r"shingle_size must be an int, got 2\.0\."),
        ({"keep": "foo"}, InputError, r"keep must be one of 'earliest', .*got 'foo'\."),
        ({"keep": None}, InputError, r"keep must be one of .*got None\."),
        ({"keep": ["earliest"]}, InputError, r"keep must be one of .*got \['earliest'\]\."),
        (
            {"doubtful": "report"},
            InputError,
            r"doubtful must be one of 'keep', 'drop', got 'report'\.",
        ),
        (
            {"excerpts": "keep"},
            InputError,
            r"excerpts must be one of 'report', 'drop', 'ignore', got 'keep'\.",
        ),
        ({"exact": "no"}, InputError, r"exact must be .*got 'no'\."),
        ({"n_jobs": 0}, InputError, r"n_jobs must be .*got 0\."),
    ],
)
def test_a_parameter_out_of_range_is_named_with_its_value(params, error, message):
    unfitted = Deduplicator(**params)  # says nothing yet
    with pytest.raises(error, match=message):
        unfitted.fit(["a", "b"])


def test_too_few_permutations_are_warned_of():
    with pytest.warns(
        StoryclustWarning, match="16 permutations find .*% of the pairs at threshold 0.2"
    ) as caught:
        found = Deduplicator(threshold=0.2, num_perm=16).fit([WIRE, WIRE])
    assert caught[0].filename == __file__
    assert found.expected_recall_ < 0.99
    assert found.bands_ == (16, 1)
    assert found.labels_.tolist() == [0, 0]
    assert Deduplicator(threshold=0.2, num_perm=16, exact=True).fit([WIRE, WIRE]).expected_recall_ == 1.0


def test_the_contract_of_estimators():
    fresh = Deduplicator(threshold=0.7, num_perm=64, shingle_size=3, keep="longest", n_jobs=2)
    params = fresh.get_params()
    assert params["threshold"] == 0.7
    assert clone(fresh).get_params() == params
    assert fresh.set_params(threshold=0.9) is fresh
    assert fresh.fit([WIRE, WIRE]) is fresh
    assert (fresh.fit_predict([WIRE, "x", WIRE]) == [0, 1, 0]).all()
    assert not hasattr(clone(fresh), "labels_")
    assert sc.Deduplicator is Deduplicator
    assert fresh.get_params()["num_perm"] == 64


def test_a_pickled_result_is_the_same():
    found = Deduplicator().fit([WIRE, "x", WIRE])
    again = pickle.loads(pickle.dumps(found))  # noqa: S301
    assert (again.labels_ == found.labels_).all()
    assert again.bands_ == found.bands_
    assert repr(again.groups_) == repr(found.groups_)
    assert again.groups_[0].members.tolist() == [0, 2]


def test_fitting_again_forgets_what_was_before():
    found = Deduplicator().fit([WIRE] * 3)
    found.fit(["a", "b"])
    assert found.labels_.tolist() == [0, 1]
    assert found.groups_ == []
    assert len(found.pairs_) == 0


def test_a_group_shows_what_it_is_and_can_be_compared():
    group, same = (Deduplicator().fit([WIRE, WIRE]).groups_[0] for _ in range(2))
    assert isinstance(group, DuplicateGroup)
    assert repr(group) == "DuplicateGroup(2 articles, representative=0, min_similarity=1.000)"
    assert isinstance(group == same, bool)
    assert len({group}) == 1
