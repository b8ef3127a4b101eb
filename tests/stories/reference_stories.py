"""Slow and obviously right twins of vectors, graph, linkage and scores, in plain Python and NumPy."""

import itertools
import math
import re
from collections import Counter

import numpy as np
import stopwordsiso
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

# Terms ------------------------------------------------------------------------------------------


def plain_words(text):
    """Tokens of a text of ASCII letters and digits."""
    return re.findall("[a-z0-9]+", text.lower())


def stop_words(language):
    """Words of no content in a language; none where there is no list."""
    if language == "en":
        return ENGLISH_STOP_WORDS
    return stopwordsiso.stopwords(language) if stopwordsiso.has_lang(language) else frozenset()


def content_words(tokens, language="en"):
    stop = stop_words(language)
    return [token for token in tokens if len(token) > 1 and token not in stop]


def ngrams(words, low, high):
    """Words as they are, pairs of neighbours as tuples."""
    return [*(words if low == 1 else []), *(itertools.pairwise(words) if high == 2 else [])]


def article_terms(title, text, low=1, high=2, head_words=100, language="en"):
    """Terms of a whole article and of its head (the title and the first words)."""
    of_title = ngrams(content_words(plain_words(title), language), low, high)
    tokens = plain_words(text)
    of_text = ngrams(content_words(tokens, language), low, high)
    of_opening = ngrams(content_words(tokens[:head_words], language), low, high)
    return set(of_title + of_text), set(of_title + of_opening)


# Weights ----------------------------------------------------------------------------------------


def weighted_rows(counts, languages, *, min_df, cap, head_weight, background=("", {}, 0.0)):
    """Rows of weights as dicts, by the formula of NewsVectorizer.

    `counts` are what article_terms gives, `background` is (language, {word: share}, worth).
    """
    spoken, shares, worth = background
    articles_with = Counter(term for whole, _ in counts for term in whole)
    known = {term for term, number in articles_with.items() if number >= min_df or term in shares}
    sizes = Counter(languages)
    idf = {}
    for language, n in sizes.items():
        for term in known:
            df = sum(
                term in whole for (whole, _), name in zip(counts, languages, strict=True) if name == language
            )
            # Of other languages a background knows no word; it counts for as many articles all the same.
            expected = df + (worth * shares.get(term, 0.0) if spoken == language else 0.0)
            rarity = math.log((n + worth) / expected) if expected else math.inf
            idf[language, term] = min(max(rarity, 0.0), math.log(cap))
    rows = []
    for (whole, head), language in zip(counts, languages, strict=True):
        terms = sorted((known & whole), key=str)
        parts = []
        for part in (whole, head):
            raw = np.array([idf[language, t] if t in part else 0.0 for t in terms])
            length = np.linalg.norm(raw)
            parts.append(raw / length if length else raw)
        row = parts[0] + head_weight * parts[1]
        length = np.linalg.norm(row)
        row = row / length if length else row
        rows.append({term: weight for term, weight in zip(terms, row, strict=True) if weight > 0})
    return rows


# Graph and linkage ------------------------------------------------------------------------------


def similar_pairs(X, floor):
    """Inner products of all pairs of rows that reach the floor and are positive, as a dense matrix."""
    products = X @ X.T
    np.fill_diagonal(products, 0.0)
    return np.where((products >= floor) & (products > 0), products, 0.0)


def average_linkage(similarity, sizes=None, *, max_distance=1.0, spans=None, window=math.inf):
    """Join the two closest clusters until none are closer than `max_distance`.

    `similarity` holds sums over the members of nodes, 0 where there is no edge; `spans` are
    (first, last) times or None. Returns [(set of nodes, set of nodes, distance), ...].
    """
    n = len(similarity)
    sizes = [1] * n if sizes is None else list(sizes)
    spans = [None] * n if spans is None else list(spans)
    clusters = [{node} for node in range(n)]
    merges = []
    while True:
        best = None
        for a, b in itertools.combinations(range(len(clusters)), 2):
            times = [t for node in clusters[a] | clusters[b] if spans[node] for t in spans[node]]
            if times and max(times) - min(times) > window:
                continue
            total = sum(similarity[i][j] for i in clusters[a] for j in clusters[b])
            members = sum(sizes[i] for i in clusters[a]) * sum(sizes[j] for j in clusters[b])
            distance = 1 - total / members
            if total > 0 and distance < max_distance and (best is None or distance < best[0]):
                best = distance, a, b
        if best is None:
            return merges
        distance, a, b = best
        merges.append((clusters[a], clusters[b], distance))
        clusters[a] = clusters[a] | clusters[b]
        del clusters[b]


def labels_below(merges, n, threshold):
    """Clusters after all merges below a threshold, numbered by first appearance."""
    label = list(range(n))
    for one, other, distance in merges:
        if distance < threshold:
            for node in one | other:
                label[node] = min(one | other)
    return numbered(label)


def numbered(labels):
    numbers = {}
    return [numbers.setdefault(label, len(numbers)) for label in labels]


def partition(labels):
    """Groups as a set of frozensets of rows: equal for equal partitions, however they are named."""
    groups = {}
    for row, label in enumerate(labels):
        groups.setdefault(label, set()).add(row)
    return {frozenset(group) for group in groups.values()}


# Scores -----------------------------------------------------------------------------------------


def b_cubed(gold, pred):
    """Precision and recall of each article, averaged."""
    n = len(gold)
    precision = recall = 0.0
    for i in range(n):
        together = [j for j in range(n) if pred[j] == pred[i]]
        belonging = [j for j in range(n) if gold[j] == gold[i]]
        right = len(set(together) & set(belonging))
        precision += right / len(together) / n
        recall += right / len(belonging) / n
    return precision, recall


def pair_scores(gold, pred):
    """Precision and recall over pairs; 1 where there is no pair to judge."""
    pairs = list(itertools.combinations(range(len(gold)), 2))
    actual = {(i, j) for i, j in pairs if gold[i] == gold[j]}
    guessed = {(i, j) for i, j in pairs if pred[i] == pred[j]}
    right = len(actual & guessed)
    return (right / len(guessed) if guessed else 1.0), (right / len(actual) if actual else 1.0)
