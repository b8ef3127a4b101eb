"""The text that counts: furniture, links and handles become spaces, everything else stays where it is."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storyclust.text.counted_text import blank, counted_articles

import storyclust as sc
from storyclust.articles import Article
from storyclust.datasets import make_newswire
from storyclust.text import recurring_spans as module
from storyclust.text.recurring_spans import Needed, recurring_spans

FOOTER = "Sign here for the morning letter of the Aldmouth Gazette and read the news before it happens today."
INSERTED = "Harbour board balks at lengthy dredging dispute Mayor goes local to save the old fish market"


def unlike_texts(n, seed=0):
    """Texts of which no two share a word."""
    numbers = random.Random(seed).sample(range(10**6), 60 * n)  # noqa: S311
    return [" ".join(f"word{k}" for k in numbers[start : start + 60]) for start in range(0, 60 * n, 60)]


def texts_of(articles):
    return [article.text for article in counted_articles(articles)]


@pytest.mark.parametrize("source", ["Gazette", None])
def test_a_span_inside_sentences_of_unlike_articles_does_not_count(source):
    bodies = unlike_texts(12)
    parts = [(body.split()[:20], body.split()[20:]) for body in bodies]
    texts = [" ".join([*before, INSERTED, "MORE", *after]) for before, after in parts]
    counted = texts_of([Article(text, source=source) for text in texts])
    for text, new, body in zip(texts, counted, bodies, strict=True):
        assert len(new) == len(text)
        assert new.split() == body.split()


def test_two_articles_of_a_source_and_nine_without_one_prove_nothing():
    named = [f"{body} {FOOTER}" for body in unlike_texts(2)]
    assert texts_of([Article(text, source="Gazette") for text in named]) == named
    unnamed = [f"{body} {FOOTER}" for body in unlike_texts(9)]
    assert texts_of([Article(text) for text in unnamed]) == unnamed


def test_what_versions_of_one_report_share_counts():
    body = unlike_texts(1)[0].split()
    versions = [" ".join([*body[:30], f"new{k}", *body[31:]]) for k in range(12)]
    assert texts_of([Article(text, source="Gazette") for text in versions]) == versions


def test_links_and_handles_do_not_count_and_other_signs_do():
    text = "Snow at 5<6 & up. https://t.co/Ab1 pic.twitter.com/x1 desk@news.example @gazette #snow a@ 3@4"
    new = texts_of([Article(text)])[0]
    assert new.split() == "Snow at 5<6 & up. #snow a@ 3@4".split()
    assert len(new) == len(text)


def test_line_breaks_stay_and_lines_with_a_cue_do_not_count():
    text = "Snow fell on Carrow, and it stayed.\nRead more: Ferry hits pier\n\nThe road is closed."
    new = texts_of([Article(text)])[0]
    assert new.split("\n")[0] == text.split("\n", maxsplit=1)[0]
    assert [i for i, c in enumerate(new) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]
    assert "Read" not in new


def test_a_text_of_furniture_alone_is_left_whole():
    texts = ["https://t.co/Ab1", "", "@desk"]
    assert texts_of([Article(text) for text in texts]) == texts


def test_leads_that_share_a_link_are_no_thread():
    leads = [f"{body} https://t.co/AbCdEf1234" for body in unlike_texts(8)]
    assert len(sc.StoryClusterer(clean=True).fit(leads).threads_) == 8


def test_threads_of_clean_articles_are_those_of_the_articles_without_the_box():
    news = [replace(article, source="Wire") for article in make_newswire(300, random_state=2)]
    boxed = [replace(article, text=f"{article.text}\n\n{FOOTER}") for article in news]
    plain = sc.StoryClusterer(clean=True).fit(news)
    stories = sc.StoryClusterer(clean=True).fit(boxed)
    np.testing.assert_array_equal(stories.labels_, plain.labels_)
    np.testing.assert_array_equal(stories.event_labels_, plain.event_labels_)
    assert not any("Aldmouth Gazette" in thread.summary.text for thread in stories.threads_[:50])


words = st.lists(st.sampled_from("ab cd ef gh ij kl mn op qr st é 日本".split()), max_size=30).map(" ".join)


@settings(max_examples=80)
@given(st.lists(st.tuples(words, st.sampled_from(["A", None])), max_size=14), st.randoms())
def test_lengths_stay_and_the_order_does_not_matter(rows, rng):
    articles = [Article(text, source=source) for text, source in rows]
    counted = counted_articles(articles)
    for article, new in zip(articles, counted, strict=True):
        assert len(article.text) == len(new.text)
        assert all(c in (d, " ") for c, d in zip(new.text, article.text, strict=True))
    order = list(range(len(articles)))
    rng.shuffle(order)
    again = counted_articles([articles[k] for k in order], n_jobs=2)
    assert [counted[k].text for k in order] == [new.text for new in again]


@given(st.text(max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5))
def test_any_spans_can_be_blanked(text, spans):
    spans = [(min(a, b, len(text)), min(max(a, b), len(text))) for a, b in spans]
    inside = {k for a, b in spans for k in range(a, b)}
    want = "".join(" " if k in inside and c != "\n" else c for k, c in enumerate(text))
    assert blank(text, spans) in (want, text)


def slow_spans(rows, needed):
    """What `recurring_spans` finds, by sets and loops."""
    size = module.SHINGLE
    shingles = [[tuple(row[p : p + size]) for p in range(len(row) - size + 1)] for row in rows]
    holders = {}
    for number, row in enumerate(shingles):
        for each in row:
            holders.setdefault(each, set()).add(number)

    def covered(row, marked):
        return {p + j for p, each in enumerate(shingles[row]) if marked(each) for j in range(size)}

    pairs, own = [], []
    for number, row in enumerate(rows):
        shared = covered(number, lambda each: len(holders[each]) >= 2)
        free = [p for p in range(len(row) - 1) if p not in shared and p + 1 not in shared]
        pairs.append({tuple(row[p : p + 2]) for p in free[: module.PAIRS]})
        own.append((len(row) - len(shared)) / max(len(row), 1))

    def alike(a, b):
        return len(pairs[a] & pairs[b]) >= module.LIKE * max(min(len(pairs[a]), len(pairs[b])), 1)

    def witnesses(each):
        if len(holders[each]) < min(needed):
            return 0
        chosen, most = [], max(needed)
        tried = [number for number in sorted(holders[each]) if own[number] >= module.OWN]
        for number in tried[: module.TRIED * most]:
            if len(chosen) < most and not any(alike(number, other) for other in chosen):
                chosen.append(number)
        return len(chosen)

    counts, found = {each: witnesses(each) for each in holders}, []
    begin = 0
    for number, row in enumerate(rows):
        inside = covered(number, lambda each: counts[each] >= min(needed))
        p = 0
        while p < len(row):
            if p not in inside:
                p += 1
                continue
            end = p
            while end in inside:
                end += 1
            most = max(counts[each] for each in shingles[number][p:end])
            at_edge = p <= module.EDGE or len(row) - end <= module.EDGE
            limit = needed.at_edge if at_edge else needed.short
            if most >= (needed.long if end - p >= module.LONG_SPAN else limit):
                found.append([number, begin + p, begin + end])
            p = end
        begin += len(row)
    return found


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(2, 4))
def test_spans_are_those_of_the_slow_twin(seed, n, least):
    rng = random.Random(seed)  # noqa: S311
    boxes = [[rng.randrange(1, 90) for _ in range(rng.randrange(3, 18))] for _ in range(3)]
    rows = []
    for _ in range(n):
        row = [rng.randrange(1, 5000 if rng.random() < 0.8 else 6) for _ in range(rng.randrange(0, 40))]
        for box in boxes:
            if rng.random() < 0.6:
                at = rng.choice([0, len(row), rng.randrange(len(row) + 1)])
                row[at:at] = box
        rows.append(row)
    needed = Needed(least, least + 1, least + 2)
    tokens = np.array([token * 0x9E3779B97F4A7C15 % 2**64 for row in rows for token in row], np.uint64)
    indptr = np.append(0, np.cumsum([len(row) for row in rows])).astype(np.int64)
    assert recurring_spans(tokens, indptr, needed).tolist() == slow_spans(rows, needed)
