"""Few articles: those that have nothing in common but a word stay apart, those of one story together."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import storyclust as sc
from storyclust.stories.grouping import (
    ENOUGH,
    FEW,
    LEAST_SIMILARITY,
    drop_weak_edges,
    least_similarities,
    prepare,
)
from storyclust.text.background import Background

ENGLISH = [
    "The council of Belling approved a second tram line after a debate of nine hours. Work on the rails "
    "along the river is to begin in spring and to last three years, an engineer told residents.",
    "Biologists found a beetle that glows in the caves below Carrow. The insect feeds on fungus and has lost "
    "its wings, they write; how it came there nobody can explain.",
    "Shares of a graphite producer fell sharply once the central bank raised its rate. Traders expect weaker "
    "demand for batteries, and two rivals cut their forecasts as well.",
    "A goalkeeper of nineteen saved three penalties and sent Voormann into the final. Her coach called it "
    "the calmest performance of the tournament; the opponents protested in vain.",
    "Doctors at a clinic in Strandhaven replaced a heart valve without opening the chest. The patient, a "
    "retired pilot, walked the corridor the next morning.",
    "Farmers lost half of their cherries to frost in a single night. Candles and sprinklers did little, and "
    "insurers refuse to pay for blossom, growers complain.",
    "The opera will play in a former gasworks until its roof is mended. Acoustic panels arrived on barges, "
    "and the soprano rehearsed between scaffolding.",
    "Thieves emptied a museum of clocks while the guards watched football. Police released drawings of two "
    "men and asked dealers to look for a silver pendulum.",
]
FRENCH = [
    "Le conseil municipal a voté la construction d'une piscine couverte près du stade, malgré les critiques.",
    "Des archéologues ont mis au jour une mosaïque romaine sous un parking souterrain abandonné.",
    "Une panne d'électricité a immobilisé les ascenseurs d'une tour pendant quatre heures.",
    "Les vignerons espèrent une récolte tardive, car la grêle a détruit beaucoup de bourgeons.",
    "La bibliothèque prêtera désormais des outils de jardinage et des instruments de musique.",
]
STORY = [
    {"title": "Ferry hits pier in Aldmouth", "text": "The ferry Selka hit the pier on Monday."},
    {"title": "Aldmouth pier struck by ferry", "text": "On Monday the Selka struck a pier."},
]


def threads(pile):
    return sc.StoryClusterer().fit(pile).labels_.tolist()


@pytest.mark.parametrize("words", ["", " Zorvexia."])
@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_unrelated_leads_stay_apart_though_they_share_a_rare_word(n, words):
    texts = [text + words for text in ENGLISH[:n]]
    assert threads(texts) == list(range(n))
    assert threads([{"text": text, "lang": "en"} for text in texts]) == list(range(n))


@pytest.mark.parametrize("n", [3, 5])
def test_unrelated_leads_in_a_language_without_a_background_stay_apart(n):
    assert sorted(threads([{"text": text, "lang": "fr"} for text in FRENCH[:n]])) == list(range(n))


@pytest.mark.parametrize("others", range(0, 9, 4))
def test_two_short_reports_of_one_event_are_a_thread_among_few(others):
    found = threads([*STORY, *({"text": text} for text in ENGLISH[:others])])
    assert found[0] == found[1]
    assert found.count(found[0]) == 2
    headlines = threads([*(report["title"] for report in STORY), *ENGLISH[:others]])
    assert headlines[0] == headlines[1]
    assert headlines.count(headlines[0]) == 2


def test_two_articles_need_less_in_common_among_many():
    """The same pair, among strangers of its language: joined only when there are enough of them."""
    made = sc.as_articles(sc.datasets.make_newswire(200, random_state=1))
    few = prepare(made[: FEW // 2]).graph.data
    many = prepare(made).graph.data
    assert few.min() >= least_similarities(Background.load("english"), ["en"], np.array([FEW // 2]))[0]
    assert LEAST_SIMILARITY <= many.min() < 0.05


@given(st.lists(st.integers(0, 300), min_size=2, max_size=20))
def test_the_least_similarity_falls_with_the_articles_of_a_language(sizes):
    sizes = np.sort(np.array(sizes))
    english = Background.load("english")
    known = least_similarities(english, ["en"] * len(sizes), sizes)
    unknown = least_similarities(english, ["fr"] * len(sizes), sizes)
    assert (np.diff(known) <= 0).all()
    assert (np.diff(unknown) <= 0).all()
    assert (unknown >= known).all()
    assert ((known == LEAST_SIMILARITY) == (sizes >= ENOUGH)).all()
    none = Background.load(None)
    assert (least_similarities(none, ["en"] * len(sizes), sizes) == unknown).all()


@given(st.integers(0, 12), st.randoms(use_true_random=False))
def test_edges_are_dropped_that_either_row_finds_too_weak(n, random):
    dense = np.zeros((n, n))
    for a, b in itertools.combinations(range(n), 2):
        dense[a, b] = dense[b, a] = random.choice([0.0, 0.03, 0.05, 0.1, 0.4])
    least = np.array([random.choice([LEAST_SIMILARITY, 0.05, 0.2]) for _ in range(n)])
    wanted = np.where(dense >= np.maximum.outer(least, least), dense, 0.0)
    found = drop_weak_edges(sparse.csr_array(dense), least)
    assert np.array_equal(found.toarray(), wanted)
    assert found.nnz == np.count_nonzero(wanted)
