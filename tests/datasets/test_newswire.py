"""Synthetic news: gold labels that hold, the same articles every time, and texts that behave like news."""

import functools
import hashlib
import os
import subprocess
import sys
import tracemalloc
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
import reference
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

import storyclust as sc
from storyclust.datasets import lexicon, synthetic_text
from storyclust.datasets.newswire import NOTICE_FORMS, PAGE_FURNITURE, NewsSimulator, make_newswire, sources
from storyclust.errors import InputError
from storyclust.text.language import group_languages


@functools.cache
def news(n=2_000, seed=0, per_day=None):
    return list(make_newswire(n, seed, per_day))


def gold(articles, field):
    return [article.record[field] for article in articles]


NOTICES = ("declared a quarterly dividend", "Traffic is led by", "The pollen count is", "Net profit of")


def is_notice(article):
    return any(phrase in article.text for phrase in NOTICES)


# The same arguments, the same articles


def checksum(articles):
    return hashlib.sha256("".join(repr(article.record) for article in articles).encode()).hexdigest()


CHILD = """
import hashlib
from storyclust.datasets import make_newswire
texts = [repr(article.record) for article in make_newswire(300, 5)]
print(hashlib.sha256("".join(texts).encode()).hexdigest())
"""


def test_the_same_arguments_make_the_same_articles_in_any_process():
    paths = [str(Path(sc.__file__).parents[1]), str(Path(__file__).parents[1] / "dedup")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "77"}
    done = subprocess.run([sys.executable, "-c", CHILD], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == checksum(make_newswire(300, 5)) == checksum(make_newswire(300, 5))


def test_another_seed_makes_other_articles():
    assert not {article.text for article in news(300, 1)} & {article.text for article in news(300, 2)}


def test_a_shorter_run_is_the_beginning_of_a_longer_one():
    longer = news(1_200, 3, 100)
    for n in (1, 2, 511, 512, 513):
        assert gold(make_newswire(n, 3, 100), "text") == gold(longer[:n], "text")
        assert gold(make_newswire(n, 3, 100), "duplicate_of") == gold(longer[:n], "duplicate_of")


# Streaming, and arguments


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_so_many_articles_as_were_asked_for(n):
    articles = make_newswire(n)
    assert iter(articles) is articles
    assert len(list(articles)) == n


def test_the_first_of_a_billion_come_at_once():
    next(make_newswire(1))  # compiled and cached by now
    tracemalloc.start()
    try:
        assert len(list(islice(make_newswire(10**9), 10))) == 10
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60e6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_articles": -1}, "n_articles must be 0 or more, got -1."),
        ({"n_articles": 1.5}, "n_articles must be an int, got 1.5."),
        ({"random_state": -1}, "random_state must be 0 or more, got -1."),
        ({"random_state": None}, "random_state must be an int, got None."),
        ({"articles_per_day": 0}, r"articles_per_day must lie in \(0, 1e\+09\], got 0."),
        (
            {"articles_per_day": 0.1},
            "articles_per_day must be 1 or more, for 10000 articles to span a century",
        ),
    ],
)
def test_bad_arguments_are_named_when_it_is_called(arguments, message):
    with pytest.raises(InputError, match=message):
        make_newswire(**arguments)


def test_articles_can_be_handed_over_as_they_come():
    n = 300
    assert len(sc.as_articles(make_newswire(n))) == n
    assert len(sc.Deduplicator().fit(make_newswire(n)).labels_) == n
    assert sc.NewsVectorizer().fit_transform(make_newswire(n)).shape[0] == n
    assert len(sc.StoryClusterer().fit(make_newswire(n)).labels_) == n


def test_gold_labels_go_through_files(tmp_path):
    articles = news(300)
    sc.write_records(tmp_path / "news.jsonl", [article.to_record() for article in articles])
    read = sc.read_articles(tmp_path / "news.jsonl")
    assert read == articles
    assert [article.record for article in read] == [article.record for article in articles]


# Gold labels


def test_every_article_has_all_fields():
    for article in news():
        record = {**article.record, "published": article.published}
        for field in ("id", "title", "text", "published", "source", "lang"):
            assert record[field] == getattr(article, field)
            assert record[field]
        assert article.published.utcoffset().total_seconds() == 0
        assert article.url is None
        assert article.lang == "en"
        assert article.title == article.title.strip()
        assert article.text == article.text.strip()
        assert article.title.isascii()
        assert article.text.isascii()


def test_ids_are_unique_and_events_nest_in_stories():
    articles = news()
    assert len({article.id for article in articles}) == len(articles)
    stories_of = defaultdict(set)
    for article in articles:
        stories_of[article.record["event"]].add(article.record["story"])
    assert all(len(stories) == 1 for stories in stories_of.values())
    assert len({next(iter(stories)) for stories in stories_of.values()}) < len(stories_of)


def test_copies_name_an_earlier_original_of_their_event_in_another_source():
    seen = {}
    for article in news():
        if (original := article.record["duplicate_of"]) is not None:
            assert seen[original].record["event"] == article.record["event"]
            assert seen[original].record["duplicate_of"] is None
            assert seen[original].published <= article.published
            assert seen[original].source != article.source
        seen[article.id] = article


def test_sizes_of_stories_are_heavy_tailed():
    articles = news(16_000)
    sizes = Counter(gold(articles, "story")).values()
    assert max(sizes) > 60
    assert sum(size == 1 for size in sizes) > 0.6 * len(sizes)
    assert 0.25 < sum(size for size in sizes if size >= 5) / len(articles) < 0.42
    assert 0.12 < sum(name is not None for name in gold(articles, "duplicate_of")) / len(articles) < 0.18
    assert 2_000 < np.mean([len(article.text) for article in articles]) < 3_000


@pytest.mark.parametrize(("n", "days"), [(500, 30), (2_000, 30), (16_000, 32)])
def test_articles_appear_in_the_order_of_time_over_the_days_foreseen(n, days):
    times = [article.published for article in news(n)]
    assert all(one <= other for one, other in pairwise(times))
    assert 0.8 * days < (times[-1] - times[0]).days < 1.5 * days


def test_events_are_short_and_stories_long():
    articles = news(16_000)
    spans = {}
    for level in ("event", "story"):
        days = defaultdict(list)
        for article in articles:
            days[article.record[level]].append(article.published.timestamp() / 86_400)
        spans[level] = np.array([np.ptp(when) for when in days.values() if len(when) >= 5])
    assert np.quantile(spans["event"], 0.95) < 7
    assert np.median(spans["event"]) < 2
    assert np.quantile(spans["story"], 0.9) > 10


# Texts


def shingles(article):
    words = article.text.split()
    return set(zip(*(words[k:] for k in range(5)), strict=False))


def test_copies_share_most_of_their_words():
    articles = news()
    by_id = {article.id: article for article in articles}
    similarities, shares = [], []
    for article in articles:
        if article.record["duplicate_of"] is not None:
            one, other = shingles(article), shingles(by_id[article.record["duplicate_of"]])
            similarities.append(reference.jaccard(one, other))
            shares.append(len(one & other) / len(one))
    assert len(shares) > 100
    assert np.mean(np.array(shares) > 0.5) > 0.95
    assert 0.5 < np.mean(np.array(similarities) >= 0.8) < 0.9
    assert max(similarities) == 1


def test_reports_written_apart_are_no_copies():
    articles = news()
    dedup = sc.Deduplicator().fit(articles)
    for group in dedup.groups_:
        originals = {articles[row].record["duplicate_of"] or articles[row].id for row in group.members}
        assert len(originals) == 1


def test_notices_look_alike_but_are_stories_of_their_own():
    assert all(sum(phrase in text for phrase in NOTICES) == 1 for _, text in NOTICE_FORMS)
    notices = [article for article in news(10_000) if is_notice(article)]
    assert len(notices) > 200
    assert len(set(gold(notices, "story"))) == len(notices)
    assert not any(gold(notices, "duplicate_of"))
    form = [shingles(article) for article in notices if "pollen" in article.text]
    similarities = [reference.jaccard(one, other) for one, other in pairwise(form)]
    assert np.mean(similarities) > 0.05
    assert max(similarities) < 0.8


def test_similarities_are_those_of_news():
    articles = news(2_000)
    X = sc.NewsVectorizer().fit_transform(articles)
    S = (X @ X.T).toarray()
    story, event, text = (
        np.unique(labels, return_inverse=True)[1]
        for labels in (
            gold(articles, "story"),
            gold(articles, "event"),
            [article.record["duplicate_of"] or article.id for article in articles],
        )
    )
    i, j = np.triu_indices(len(articles), 1)
    same_event, same_story = event[i] == event[j], story[i] == story[j]
    of_event = S[i, j][same_event & (text[i] != text[j])]
    of_story = S[i, j][same_story & ~same_event]
    null_similarity = S[i, j][~same_story]
    assert 0.15 < np.median(of_event) < 0.45
    assert 0.05 < np.median(of_story) < 0.25
    assert np.median(of_story) < 0.6 * np.median(of_event)
    assert np.median(null_similarity) < 0.02
    assert np.quantile(null_similarity, 0.99) < 0.1


def test_the_defaults_find_stories_neither_perfectly_nor_badly():
    articles = news()
    stories = sc.StoryClusterer().fit(articles)
    for level, labels in (("event", stories.event_labels_), ("story", stories.labels_)):
        assert 0.85 < sc.evaluate(gold(articles, level), labels.tolist()).f1 < 0.99


def test_the_language_is_english():
    articles = [replace(article, lang=None) for article in news()]
    assert set(group_languages(articles)) == {"en"}


def test_pages_have_furniture_that_can_be_found():
    articles = news()
    with_furniture = [a for a in articles if any(text.split("{")[0] in a.text for text in PAGE_FURNITURE)]
    assert 0.1 < len(with_furniture) / len(articles) < 0.6
    busiest = Counter(article.source for article in with_furniture).most_common(1)[0][0]
    rows = [article for article in articles if article.source == busiest]
    found = sc.find_furniture(rows)
    assert sum(map(bool, found)) > 0.8 * len(rows)


def test_sources_have_names_of_their_own():
    outlets = [source.name for source in sources()]
    assert len(set(outlets)) == len(outlets)


# Words


def test_function_words_are_stop_words_and_no_others():
    function = {word for phrase, _ in lexicon.FUNCTION_PHRASES for word in phrase.split()}
    ordinary, shares = lexicon.ordinary_words()
    assert function <= ENGLISH_STOP_WORDS
    assert not set(ordinary) & ENGLISH_STOP_WORDS
    assert sum(often for _, often in lexicon.FUNCTION_PHRASES) == 64
    assert list(shares) == sorted(shares, reverse=True)
    assert not {"obama", "trump", "kavanaugh", "merkel", "putin"} & set(ordinary)


def test_ordinary_words_come_at_the_rates_of_news():
    words = lexicon.lexicon()
    ordinary, shares = lexicon.ordinary_words()
    often = np.bincount(words.general, minlength=len(ordinary) + 1)
    assert often[0] == 0
    assert often[1:].min() >= 1
    rates = -np.log1p(-shares) * np.where(shares < lexicon.DISTINCTIVE_SHARES[1], lexicon.OUTSIDE_STORIES, 1)
    expected = 1 + rates / rates.sum() * (len(words.general) - len(ordinary))
    assert often[1:] == pytest.approx(expected, abs=1)


def test_names_are_distinct_and_begin_with_a_capital():
    names = lexicon.make_names(5_000, 7)
    assert len(set(names)) == 5_000
    assert all(name.isalpha() and name == name.capitalize() for name in names)


def test_no_sentence_exceeds_its_buffer():
    words = lexicon.lexicon()
    longest = int(np.diff(words.starts).max()) + 1
    most_of_code = 3
    content = 16  # and the glue before each, a comma behind
    assert (
        content * (2 * most_of_code * longest + 1) + most_of_code * longest + 10
        < synthetic_text.MAX_SENTENCE_BYTES
    )


# The kernel and its twin

ALL = 2**64 - 1


def mix(h):
    h ^= h >> 33
    h = h * 0xFF51AFD7ED558CCD & ALL
    h ^= h >> 33
    h = h * 0xC4CEB9FE1A85EC53 & ALL
    return h ^ (h >> 33)


def bits_of(seed, number):
    return mix((seed + number * int(synthetic_text.SALT)) & ALL)


def below(r, n):
    return (r >> 32) * n >> 32


def mostly_low(r, n):
    return below((r >> 32) * (r & 0xFFFFFFFF), n)


class Twin:
    """The kernel once more: a code is a list of words, a text a string."""

    def __init__(self):
        self.words = lexicon.lexicon()

    def name(self, group, r):
        low, high = self.words.bounds[group : group + 2].tolist()
        return self.words.word(low + below(r, high - low))

    def pick(self, listed, r):
        return self.words.word(int(listed[below(r, len(listed))]))

    def special(self, r):
        return self.pick(self.words.distinctive, r)

    def person(self, story, event, topic, number):
        seed = bits_of(story if number < 4 else event, 10 + number)
        if number < 4 and seed & 1:
            seed = bits_of(
                topic,
                synthetic_text.TOPIC_VOCABULARY + mostly_low(mix(seed), synthetic_text.PROMINENT_PERSONS),
            )
        return [
            self.name(synthetic_text.FIRST, bits_of(seed, 1)),
            self.name(synthetic_text.LAST, bits_of(seed, 2)),
        ]

    def fact(self, r):
        return [self.name(synthetic_text.FIGURE, r) if r & 1 else self.special(r), self.special(mix(r))]

    def story_word(self, story, event, r, distinct):
        number = below(r, distinct)
        drifts = bits_of(r, 1) & 127 < below(bits_of(story, 4), synthetic_text.MAX_DRIFT)
        seed = bits_of(event if drifts else story, 300 + number)
        return [self.special(seed), self.special(mix(seed))] if number % 2 == 0 else [self.special(seed)]

    def theme_word(self, topic, kind, r):
        if r & 1:
            return [self.special(bits_of(kind, below(r, synthetic_text.KIND_VOCABULARY)))]
        return [
            self.pick(self.words.common, bits_of(topic, mostly_low(mix(r), synthetic_text.TOPIC_VOCABULARY)))
        ]

    def pool(self, story, event):
        topic = mostly_low(bits_of(story, 1), synthetic_text.TOPICS)
        kind = (
            synthetic_text.TOPICS
            + topic * synthetic_text.KINDS
            + mostly_low(bits_of(story, 2), synthetic_text.KINDS)
        )
        lead = self.person(story, event, topic, bits_of(event, 3) & 1)
        second, third, fourth = (self.person(story, event, topic, number) for number in (4, 3, 2))
        parts = []
        for part, cast in enumerate([(lead, lead, second), (second, third, fourth)]):
            r = [bits_of(story, base + part) for base in (30, 40, 50)]
            codes = [cast[0], cast[0][1:], cast[1][1:], cast[2][1:], [self.name(synthetic_text.PLACE, r[0])]]
            codes += [[self.name(synthetic_text.FIRM, r[1]), self.name(synthetic_text.FIRM_END, r[2])]]
            first = [base + 50 * part for base in (100, 200, 400, 500)]
            codes += [
                [self.special(bits_of(event, first[0] + k))] for k in range(synthetic_text.EVENT_WORDS[part])
            ]
            codes += [self.fact(bits_of(event, first[1] + k)) for k in range(synthetic_text.FACTS[part])]
            for k in range(synthetic_text.STORY_WORDS[part]):
                r = bits_of(event, first[2] + k)
                codes.append(self.story_word(story, event, r, synthetic_text.STORY_VOCABULARY[part]))
            codes += [
                self.theme_word(topic, kind, bits_of(event, first[3] + k))
                for k in range(synthetic_text.THEME_WORDS[part])
            ]
            parts.append(codes)
        return parts[0], parts[0] + parts[1]

    def ordinary(self, where):
        return int(self.words.general[where % len(self.words.general)])

    def sentence(self, seed, kind, pool, text, event, story, edits, edit_seed):
        known = synthetic_text.MIN_KNOWN + below(bits_of(event, 6), synthetic_text.KNOWN_RANGE)
        focus = synthetic_text.MIN_FOCUS + below(text << 32 & ALL, 64) + below(bits_of(event, 7), 64)
        pool_share = synthetic_text.POOL_SHARE[kind] * focus >> 6
        n = 5 + below(mix(seed), 5 if kind == synthetic_text.HEADLINE else 12)
        glue = [phrase.split() for phrase, often in lexicon.FUNCTION_PHRASES for _ in range(often)]
        out, before = [], 0
        for k in range(n):
            state = (seed + (k + 1) * int(synthetic_text.STEP)) & ALL
            r = mix(state)
            share = r & 1023
            if kind != synthetic_text.HEADLINE or r >> 60 == 0:
                out += glue[r >> 54 & 63]
            if share < pool_share:
                i = below(r << 16 & ALL, len(pool))
                for _ in range(4):
                    if bits_of(text, i) & 255 < known:
                        break
                    i = (i + 1) % len(pool)
                code, before = pool[i], 0
            else:
                where = r >> 20
                if share < pool_share + synthetic_text.REPEATED_SHARE[kind]:
                    number = where % synthetic_text.N_REPEATED
                    whose = (
                        text
                        if number >= synthetic_text.REPEATED_BY_STORY + synthetic_text.REPEATED_BY_EVENT
                        else event
                    )
                    where = bits_of(
                        story if number < synthetic_text.REPEATED_BY_STORY else whose, 1000 + number
                    )
                elif before and mix(where) & 1023 < synthetic_text.COMPANION_SHARE:
                    where = bits_of(before, where & int(synthetic_text.COMPANION_MASK))
                before = self.ordinary(where)
                code = [self.words.word(before)]
            edit = mix((state + edit_seed) & ALL)
            if kind != synthetic_text.HEADLINE and edit & 1023 < edits:
                code = [self.words.word(self.ordinary(edit >> 32))] if edit >> 63 else []
            out += code
            if r >> 40 & 15 == 0 and k + 1 < n and out:
                out[-1] += ","
        return out[0][0].upper() + " ".join(out)[1:]

    def write(self, seed, headline, sentences, event, story, edits, edit_seed):
        core, pool = self.pool(story, event)
        text = mix((seed + int(synthetic_text.SALT)) & ALL)
        rest = (text, event, story, edits, edit_seed)
        title = self.sentence(mix(headline), synthetic_text.HEADLINE, core, *rest)
        body = ""
        for k in range(sentences):
            follows = bits_of(text, 2000 + k)
            if k == synthetic_text.QUOTED_SENTENCE and text >> 61 < 3:
                said = self.sentence(mix(event), synthetic_text.QUOTATION, pool, *rest)
                body += f'"{said}," {core[1][0]} said.'
            elif k < synthetic_text.LEAD_SENTENCES:
                body += self.sentence(follows, synthetic_text.LEAD, core, *rest).removesuffix(",") + "."
            else:
                body += self.sentence(follows, synthetic_text.BODY, pool, *rest).removesuffix(",") + "."
            body += " " if follows & 3 else "\n\n"
        return title, body.rstrip()


def test_the_kernel_writes_what_its_twin_writes():
    drafts = [draft for _, draft in islice(NewsSimulator(4, 50.0), 1_000)]
    chosen = [draft for draft in drafts if draft.edits and draft.sentences < 20][:20]
    chosen += [draft for draft in drafts if not draft.edits and 0 < draft.sentences < 20][:20]
    rows = [
        (d.seed, d.headline, d.sentences, d.event.seed, d.event.story_seed, d.edits, d.edit_seed)
        for d in chosen
    ]
    rows.insert(3, (0,) * 7)
    data, bounds = synthetic_text.write_texts(np.array(rows, np.uint64), lexicon.lexicon())
    parts = [data[a:b].tobytes().decode() for a, b in pairwise(bounds)]
    twin = Twin()
    for row, title, text in zip(rows, parts[::2], parts[1::2], strict=True):
        assert (title, text) == (twin.write(*row) if row[2] else ("", ""))
