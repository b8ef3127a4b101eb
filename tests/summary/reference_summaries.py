"""Summaries the slow and obvious way: dictionaries of words, every gain from scratch."""

import math
from collections import Counter

import numpy as np


def weights_of(rows, good):
    """Smoothed inverse sentence frequency of every word."""
    n = sum(good)
    frequency = Counter(
        word for words, is_good in zip(rows, good, strict=True) if is_good for word in set(words)
    )
    return {word: math.log((1 + n) / (1 + frequency[word])) + 1 for words in rows for word in words}


def centroid_of(rows, weights, article, position, good, decay=0.7, consensus=0.7):
    """Sum of unit article vectors, each word times a power of the share of articles that hold it."""
    vectors = {}
    for words, number, place, is_good in zip(rows, article, position, good, strict=True):
        if is_good:
            vector = vectors.setdefault(number, Counter())
            for word in set(words):
                vector[word] += weights[word] / (1 + place) ** decay
    vectors = [vector for vector in vectors.values() if vector]
    held = Counter(word for vector in vectors for word in vector)
    centroid = Counter()
    for vector in vectors:
        length = math.sqrt(sum(value**2 for value in vector.values()))
        for word, value in vector.items():
            centroid[word] += value / length * (held[word] / len(vectors)) ** consensus
    return centroid


def cosine(one, other):
    """Cosine of two vectors, 0 where one is empty."""
    lengths = [math.sqrt(sum(value**2 for value in vector.values())) for vector in (one, other)]
    if not all(lengths):
        return 0.0
    return sum(value * other.get(word, 0.0) for word, value in one.items()) / lengths[0] / lengths[1]


def vector_of(words, weights):
    """Each distinct word with its weight."""
    return {word: weights[word] for word in words}


def is_opened(picked, order, opens):
    """Whether the row that is shown first opens a summary."""
    return bool(picked) and bool(opens[min(picked, key=lambda row: order[row])])


def central_openings(opens, vectors, centroid, central=0.6):
    """Rows that open a summary and are not far from the centroid, compared with the nearest of them."""
    closeness = [cosine(vector, centroid) for vector in vectors]
    nearest = max((c for c, may in zip(closeness, opens, strict=True) if may), default=0.0)
    found = [may and c >= central * nearest - 1e-9 for c, may in zip(closeness, opens, strict=True)]
    return np.array(found, bool)


def pick(
    rows,
    weights,
    centroid,
    position,
    words,
    candidate,
    antecedents,
    max_words,
    order,
    opens,
    alike=0.5,
    central=0.3,
    early=0.02,
):
    """Rows picked greedily, each time measured against all that is picked so far."""
    vectors = [vector_of(row, weights) for row in rows]
    closeness = [cosine(vector, centroid) for vector in vectors]
    closest = max((c for c, may in zip(closeness, candidate, strict=True) if may), default=0.0)
    near = [c >= central * closest - 1e-12 for c in closeness]
    everyone = [row for row in range(len(rows)) if candidate[row]]
    if not everyone:
        return []
    shortest = min(words[row] for row in everyone)
    fitting = [row for row in everyone if words[row] <= max_words]
    best = [row for row in fitting if near[row] and antecedents[row] == -1]
    free = set(best or fitting or [row for row in everyone if words[row] == shortest])
    left = max(max_words, shortest)
    is_ruled = any(opens[row] for row in free)
    picked = []
    while True:
        gains = {}
        for row in sorted(free):
            if words[row] <= left and (not is_ruled or is_opened([*picked, row], order, opens)):
                total = Counter()
                for other in (*picked, row):
                    total.update(vectors[other])
                gains[row] = cosine(total, centroid) / (1 + position[row]) ** early
        if not gains:
            return picked
        choice = max(gains, key=lambda row: gains[row])
        picked.append(choice)
        left -= words[choice]
        free |= {row for row in everyone if antecedents[row] == choice and near[row]}
        free -= set(picked)
        free = {row for row in free if all(cosine(vectors[row], vectors[k]) < alike - 1e-12 for k in picked)}


def worth(picks, vectors, centroid, position, lengths, early=0.02):
    """Cosine of the sum to the centroid, times its length, less for late rows."""
    total = Counter()
    for row in picks:
        total.update(vectors[row])
    bonus = sum((1 + max(position[row], 0)) ** -early for row in picks) / len(picks)
    return cosine(total, centroid) * sum(lengths[row] for row in picks) * bonus


def trades(
    picked,
    vectors,
    centroid,
    lengths,
    candidate,
    antecedents,
    max_words,
    order,
    opens,
    alike=0.5,
    central=0.3,
    spare=0.04,
):
    """All that may come of trading one picked row for a longer one, or of adding one."""
    closeness = [cosine(vector, centroid) for vector in vectors]
    closest = max(c for c, may in zip(closeness, candidate, strict=True) if may)
    before = sum(lengths[row] for row in picked)
    for out in (None, *picked):
        rest = [row for row in picked if row != out]
        for row in range(len(vectors)):
            if row in picked or not candidate[row] or closeness[row] < central * closest + 1e-12:
                continue
            after = [*rest, row]
            if is_opened(picked, order, opens) and not is_opened(after, order, opens):
                continue
            length = sum(lengths[k] for k in after)
            if not before + spare * max_words <= length <= max_words:
                continue
            if any(
                antecedents[k] == -2 or (antecedents[k] >= 0 and antecedents[k] not in after) for k in after
            ):
                continue
            if all(cosine(vectors[row], vectors[k]) < alike - 1e-9 for k in rest):
                yield after


def centrality(rows, weights, centroid, position):
    """Cosine of each title with the centroid plus that with the sum of unit title vectors."""
    titles = {row: vector_of(words, weights) for row, words in enumerate(rows) if position[row] < 0}
    shared = Counter()
    for vector in titles.values():
        length = math.sqrt(sum(value**2 for value in vector.values()))
        shared.update({word: value / length for word, value in vector.items()})
    found = np.zeros(len(rows))
    for row, vector in titles.items():
        found[row] = cosine(vector, centroid) + cosine(vector, shared)
    return found
