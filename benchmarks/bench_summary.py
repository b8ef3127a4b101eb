"""Summaries: how much of what people write of the same articles, against LexRank, TextRank, leads and chance.

    python benchmarks/bench_summary.py

Sets: multiling2011 (ten stories in each language, ten articles a story, about three human summaries of some
250 words) and vietnamese_dev (102 stories, about three articles and two summaries each). Articles are grouped
by the labels given, so no mistake of clustering counts. Lengths: that of the references (250 words, and for
Vietnamese the mean of the story's references) and 60 words, the default, against the same long references.

ROUGE is that of the library rouge-score, with a tokenizer of our own, the same for every language: NFC, small
letters, words are runs of letters, marks and digits (so the vowel signs of Hindi stand inside words), no
stemming, no stop words left out. Of several references the mean counts, not the best; F1 and recall. For
English there are columns "stemmed" as well: F1 with rouge-score's own tokenizer (runs of a-z and 0-9) and its
Porter stems, as many papers give it.

Every way gets the same sentences (those of storyclust) and is cut at the same number of words (split at white
space), in the middle of a sentence if need be. "storyclust" is what `summarize` gives as it stands: whole
sentences, never more than the length; "storyclust, cut" is a summary a fifth longer, cut as the others are.
LexRank and TextRank are those of sumy, with its stemmers and stop words where it has the language, else
without stems and with the stop words of Stopwords ISO. They and chance rank sentences; the best are taken
until the length is reached and put in the order of the articles. Two leads: the longest article from its
start, and the first sentences of all articles, then the second ones. Chance is the mean of five seeds.

Last, the threads of allsides_12k: how many of their summaries open with a word that points back. Writes
results/summary.json.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import stopwordsiso
from rouge_score.rouge_scorer import RougeScorer
from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.nlp.stemmers import Stemmer, null_stemmer
from sumy.summarizers.lex_rank import LexRankSummarizer
from sumy.summarizers.text_rank import TextRankSummarizer
from sumy.utils import get_stop_words

import storyclust as sc
from common import data_folder, data_set, table, write_results
from storyclust.summary.sentence_checks import refers_back
from storyclust.text.sentences import split_sentences

SHORT = 60
LONG = 250
SEEDS = 5
KINDS = ("rouge1", "rouge2", "rougeL")
STEMMED = ("ROUGE-1 stemmed", "ROUGE-2 stemmed")
SUMY = {"en": "english", "fr": "french", "ar": "arabic"}  # languages of which it has stems and stop words
LEAN = "allsides_12k"


class Story(NamedTuple):
    """Articles on one story, and what people wrote of them."""

    name: str
    articles: list[sc.Article]
    references: list[str]


class Words:
    """Cuts a text into words, for rouge-score and for sumy."""

    def tokenize(self, text: str) -> list[str]:
        """Runs of letters, marks and digits, in small letters."""
        text = unicodedata.normalize("NFC", text).lower()
        return "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in text).split()

    to_words = tokenize


WORDS = Words()


def stories_of(name: str, lang: str) -> list[Story]:
    """Stories of one language of a set, by the labels given."""
    folder = data_folder()
    articles = [a for a in data_set(name) if a.lang == lang]
    with gzip.open(f"{folder}/{name}.summaries.jsonl.gz", "rt", encoding="utf-8") as file:
        records = [record for line in file if (record := json.loads(line))["lang"] == lang]
    return [
        Story(
            story,
            [a for a in articles if a.record["story"] == story],
            [record["summary"] for record in records if record["story"] == story],
        )
        for story in sorted({record["story"] for record in records})
    ]


def cut(text: str, words: int) -> str:
    """First words of a text."""
    return " ".join(text.split()[:words])


def enough(sentences: Sequence[str], words: int) -> int:
    """How many leading sentences it takes to reach a length."""
    total = 0
    for number, sentence in enumerate(sentences):
        if total >= words:
            return number
        total += len(sentence.split())
    return len(sentences)


# Ways to summarise: from articles and a number of words to a text


def storyclust_whole(articles: list[sc.Article], words: int) -> str:
    """What users get."""
    return sc.summarize(articles, words).text


def storyclust_cut(articles: list[sc.Article], words: int) -> str:
    """A summary somewhat longer, cut as the others are."""
    return sc.summarize(articles, words + words // 5).text


def sentences_of(articles: Sequence[sc.Article]) -> list[str]:
    """Sentences of all articles in turn."""
    return [sentence.string for article in articles for sentence in split_sentences(article.text)]


def by_sumy(method: Any) -> Callable[[list[sc.Article], int], str]:
    """One of the methods of sumy."""

    def summarise(articles: list[sc.Article], words: int) -> str:
        lang = articles[0].lang or ""
        known = SUMY.get(lang)
        method_of_lang = method(Stemmer(known) if known else null_stemmer)
        method_of_lang.stop_words = get_stop_words(known) if known else stopwordsiso.stopwords(lang)
        paragraph = Paragraph([Sentence(string, WORDS) for string in sentences_of(articles)])

        def best(infos: list[Any]) -> list[Any]:
            return infos[: enough([str(info.sentence) for info in infos], words)]

        return " ".join(map(str, method_of_lang(ObjectDocumentModel([paragraph]), best)))

    return summarise


def lead_of_longest(articles: list[sc.Article], words: int) -> str:
    """The longest article from its start, then the next."""
    del words
    return " ".join(sentences_of(sorted(articles, key=lambda a: -len(a.text))))


def lead_of_all(articles: list[sc.Article], words: int) -> str:
    """First sentences of all articles, then second ones."""
    del words
    layers = itertools.zip_longest(*(sentences_of([article]) for article in articles))
    return " ".join(sentence for layer in layers for sentence in layer if sentence)


def chance(seed: int) -> Callable[[list[sc.Article], int], str]:
    """Sentences drawn by lot."""

    def summarise(articles: list[sc.Article], words: int) -> str:
        sentences = sentences_of(articles)
        order = random.Random(seed).sample(range(len(sentences)), len(sentences))  # noqa: S311
        drawn = order[: enough([sentences[k] for k in order], words)]
        return " ".join(sentences[k] for k in sorted(drawn))

    return summarise


WAYS: dict[str, list[Callable[[list[sc.Article], int], str]]] = {
    "storyclust": [storyclust_whole],
    "storyclust, cut": [storyclust_cut],
    "LexRank": [by_sumy(LexRankSummarizer)],
    "TextRank": [by_sumy(TextRankSummarizer)],
    "lead of the longest": [lead_of_longest],
    "lead of all": [lead_of_all],
    "chance": [chance(seed) for seed in range(SEEDS)],
}


def scores(text: str, references: list[str]) -> list[float]:
    """F1 and recall of each kind of ROUGE, means over the references."""
    scorer = RougeScorer(list(KINDS), tokenizer=WORDS)
    of_references = [scorer.score(reference, text) for reference in references]
    values = [
        [getattr(s[kind], what) for s in of_references] for what in ("fmeasure", "recall") for kind in KINDS
    ]
    return [100 * float(np.mean(column)) for column in values]


def stemmed_scores(text: str, references: list[str]) -> list[float]:
    """F1 of ROUGE-1 and ROUGE-2 with the tokenizer and stemmer of rouge-score, which know English only."""
    scorer = RougeScorer(list(KINDS[:2]), use_stemmer=True)
    of_references = [scorer.score(reference, text) for reference in references]
    return [100 * float(np.mean([s[kind].fmeasure for s in of_references])) for kind in KINDS[:2]]


def measure(name: str, stories: list[Story], length: int | None) -> Iterator[dict[str, Any]]:
    """Score all ways on one set at one length, or at that of the references."""
    english = stories[0].articles[0].lang == "en"
    for way, variants in WAYS.items():
        found, stemmed, begin = [], [], time.process_time()
        for story in stories:
            words = length or round(float(np.mean([len(text.split()) for text in story.references])))
            texts = [cut(variant(story.articles, words), words) for variant in variants]
            found.append(np.mean([scores(text, story.references) for text in texts], axis=0))
            if english:
                stemmed.append(np.mean([stemmed_scores(text, story.references) for text in texts], axis=0))
        seconds = round(time.process_time() - begin, 1)
        values = np.round(np.mean(found, axis=0), 1).tolist()
        heads = [*("ROUGE-1", "ROUGE-2", "ROUGE-L"), *("recall 1", "recall 2", "recall L")]
        if english:
            heads, values = [*heads, *STEMMED], [*values, *np.round(np.mean(stemmed, axis=0), 1).tolist()]
        yield {
            "set": name, "words": length or "as references", "way": way,
            **dict(zip(heads, values, strict=True)),
            "CPU s": seconds,
        }  # fmt: skip


def openings() -> dict[str, Any]:
    """How many summaries of threads open with a word that points back."""
    stories = sc.StoryClusterer(n_jobs=-1).fit(data_set(LEAN))
    begin = time.process_time()
    texts = [text for thread in stories.threads_ if (text := thread.summary.text)]
    seconds = time.process_time() - begin
    leaning = sum(map(refers_back, texts))
    return {
        "set": LEAN, "threads": len(stories.threads_), "summaries": len(texts),
        "open with a word that points back": leaning, "share": round(leaning / len(texts), 4),
        "CPU s of all summaries": round(seconds, 1),
    }  # fmt: skip


def main() -> None:
    """Measure and write."""
    rows: list[dict[str, Any]] = []
    sets = [("multiling2011", lang) for lang in ("en", "fr", "hi", "ar", "cs", "el", "he")]
    for name, lang in [*sets, ("vietnamese_dev", "vi")]:
        stories = stories_of(name, lang)
        for length in (None if lang == "vi" else LONG, SHORT):
            rows += measure(f"{name} {lang}", stories, length)
            print(table(rows[-len(WAYS) :]), flush=True)
    facts = openings()
    print(table(rows), facts, sep="\n\n")
    print("written to", write_results("summary", "python benchmarks/bench_summary.py", rows, openings=facts))


if __name__ == "__main__":
    main()
