"""Summaries: sentences that stand where they say, no longer than asked, the same in any order."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import storyclust as sc
from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.summary.sentence_checks import (
    count_words,
    is_report,
    length_of_dateline,
    may_open,
    refers_back,
)
from storyclust.summary.summarizer import (
    MIN_READ,
    Summary,
    SummarySentence,
    good_sentences,
    leading,
    read_sentences,
)

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
EMPTY = Summary("", (), "", (), 0)


def stories_of_newsdesk():
    groups = {}
    for line in NEWSDESK.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        groups.setdefault(record["story"], []).append(record)
    return groups


STORIES = stories_of_newsdesk()


def folded(text):
    return " ".join(text.split())


def facts(summary, ids):
    return (
        summary.headline,
        summary.text,
        summary.keywords,
        [
            (sentence.string, ids[sentence.article], sentence.start, sentence.end)
            for sentence in summary.sentences
        ],
    )


def assert_true_to(summary, articles, max_words=60):
    """Every sentence stands where it says; the whole is no longer than asked."""
    articles = as_articles(articles)
    for sentence in summary.sentences:
        assert folded(articles[sentence.article].text[sentence.start : sentence.end]) == sentence.string
        assert str(sentence) == sentence.string
        assert sentence.string in summary.text
    words = sum(count_words(sentence.string) for sentence in summary.sentences)
    assert words <= max_words or len(summary.sentences) == 1
    assert len(summary.text) >= sum(len(sentence.string) for sentence in summary.sentences)
    assert summary.text == folded(summary.text)
    assert len({(s.article, s.start) for s in summary.sentences}) == len(summary.sentences)
    places = [(articles[s.article].published, s.article, s.start) for s in summary.sentences]
    never = datetime.max.replace(tzinfo=UTC)
    assert [p[0] or never for p in places] == sorted(p[0] or never for p in places)
    everything = unicodedata.normalize("NFC", folded("\n".join(f"{a.title}\n{a.text}" for a in articles)))
    for keyword in summary.keywords:
        assert keyword in everything
    assert len(set(summary.keywords)) == len(summary.keywords) <= 6
    assert str(summary) == summary.text


# The example corpus


@pytest.mark.parametrize("story", sorted(STORIES))
@pytest.mark.parametrize("max_words", [25, 60])
def test_summaries_of_the_example_stories(story, max_words):
    articles = STORIES[story]
    summary = sc.summarize(articles, max_words=max_words)
    assert_true_to(summary, articles, max_words)
    assert summary.headline in {folded(article["title"]) for article in articles}
    assert summary.sentences
    assert len(summary.keywords) >= 3


@pytest.mark.parametrize("story", sorted(name for name in STORIES if len(STORIES[name]) > 2))
def test_the_order_of_the_articles_does_not_matter(story):
    articles = STORIES[story]
    wanted = facts(sc.summarize(articles), [article["id"] for article in articles])
    shuffled = [articles[row] for row in np.random.default_rng(3).permutation(len(articles))]
    for other in (articles[::-1], shuffled):
        assert facts(sc.summarize(other), [article["id"] for article in other]) == wanted
    assert facts(sc.summarize(articles), [article["id"] for article in articles]) == wanted


def test_the_running_example_names_both_countries():
    summary = sc.summarize(STORIES["japan-india-two-plus-two"])
    assert "Japan" in summary.text
    assert "India" in summary.text
    assert "Japan" in summary.headline or "India" in summary.headline or "Delhi" in summary.headline


def test_input_of_every_make():
    articles = STORIES["mount-arrak-eruption"]
    wanted = sc.summarize(articles)
    for other in (tuple(articles), iter(articles), as_articles(articles), pd.DataFrame(articles)):
        assert sc.summarize(other) == wanted
    texts = [article["text"] for article in articles]
    assert_true_to(sc.summarize(texts), texts)


# Whatever articles


WORDS = (
    "the ferry pier Aldmouth struck mayor said storm on Monday hurt nobody harbour police rail Carrow".split()
)
sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(
    lambda words: " ".join(words).capitalize() + "."
)
texts = st.lists(
    st.one_of(sentences, st.sampled_from(["\n", "", "両相は会談した。", "SALE | MENU | LOGIN"])), max_size=8
).map(" ".join)


@st.composite
def corpora(draw):
    found = []
    for number in range(draw(st.integers(1, 6))):
        day = draw(st.one_of(st.none(), st.integers(0, 3)))
        article = {"id": f"a{number}", "title": draw(st.one_of(st.just(""), sentences)), "text": draw(texts)}
        if day is not None:
            article["published"] = (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day)).isoformat()
        found.append(article)
    return found


@given(corpora(), st.integers(1, 80))
@settings(max_examples=50)
def test_any_summary_is_true_to_its_articles(articles, max_words):
    summary = sc.summarize(articles, max_words)
    assert_true_to(summary, articles, max_words)
    if any(article["text"].strip() for article in articles):
        assert summary.sentences
    assert bool(summary.headline) or not any(article["title"] for article in articles)


@given(corpora(), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_no_summary_depends_on_the_order_of_the_articles(articles, random):
    shuffled = random.sample(articles, len(articles))
    one, other = sc.summarize(articles), sc.summarize(shuffled)
    assert one.headline == other.headline
    assert one.text == other.text
    assert one.keywords == other.keywords


def test_of_two_articles_equally_good_the_same_is_taken_in_any_order():
    articles = [
        {
            "id": "a",
            "title": "Pier hit by ferry",
            "text": "The ferry Selka struck the pier in the town of Aldmouth.",
        },
        {
            "id": "b",
            "title": "Ferry hits pier",
            "text": "A pier in the town of Aldmouth was hit by ferry Selka...",
        },
    ]
    one, other = sc.summarize(articles, 15), sc.summarize(articles[::-1], 15)
    assert len(articles[0]["text"]) == len(articles[1]["text"])
    assert one.headline == other.headline
    assert one.text == other.text


def many_reports(n=45):
    found = []
    for number in range(n):
        rng = np.random.default_rng(number)
        common = [f"The {' '.join(f's{k}w{j}' for j in range(8))} was found again." for k in range(6)]
        own = f"Only report x{number}y has x{number}z among {' '.join(f'x{number}w{j}' for j in range(6))}."
        chosen = [*(common[k] for k in rng.permutation(6)[:4]), own]
        text = " ".join(chosen[k] for k in rng.permutation(5))
        found.append({"id": f"a{number}", "title": f"Title t{number}", "text": text, "lang": "en"})
    return found


def test_the_order_does_not_matter_to_more_articles_than_are_read_for_key_terms():
    articles = many_reports()
    shuffled = [articles[row] for row in np.random.default_rng(1).permutation(len(articles))]
    ids = [[article["id"] for article in listed] for listed in (articles, shuffled)]
    assert facts(sc.summarize(articles), ids[0]) == facts(sc.summarize(shuffled), ids[1])


# Copies, lengths, headlines

FERRY = (
    "The ferry Selka struck the pier in Aldmouth on Monday morning. Nobody on board was hurt, the police "
    "said. The pier will stay closed for a week while divers look for damage. It was foggy at the time."
)
INQUIRY = (
    "An inquiry into why the ferry Selka hit the Aldmouth pier has begun. The mayor of Aldmouth said it was "
    "built for smaller ships. Two other ferries had touched it this year, fishermen said."
)


def test_copies_count_once():
    alone = sc.summarize([FERRY, INQUIRY])
    with_copies = sc.summarize([FERRY, INQUIRY, *[INQUIRY] * 20])
    assert alone.text == with_copies.text
    assert alone.keywords == with_copies.keywords
    assert {sentence.article for sentence in with_copies.sentences} <= {0, 1}


@pytest.mark.parametrize("max_words", [1, 5, 12, 20, 40, 60, 100, 1000])
def test_the_length_is_kept(max_words):
    summary = sc.summarize([FERRY, INQUIRY], max_words)
    assert_true_to(summary, [FERRY, INQUIRY], max_words)
    assert summary.sentences


def test_a_longer_summary_says_more():
    lengths = [len(sc.summarize([FERRY, INQUIRY], n).text) for n in (15, 30, 60, 120)]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]


@pytest.mark.parametrize(
    ("max_words", "message"),
    [(0, "max_words must be 1 or more, got 0"), (-5, "max_words must be"), (2.5, "max_words must be an int")],
)
def test_a_length_out_of_range_is_named(max_words, message):
    with pytest.raises(sc.InputError, match=message):
        sc.summarize([FERRY], max_words)


def test_no_articles_are_an_error():
    with pytest.raises(sc.InputError, match="at least one article"):
        sc.summarize([])


def test_the_headline_is_the_title_of_the_representative():
    articles = [{"title": " Ferry\n strikes  pier ", "text": FERRY}, {"title": "", "text": "Short."}]
    assert sc.summarize(articles).headline == "Ferry strikes pier"


def test_without_a_title_the_headline_is_the_first_sentence():
    assert sc.summarize([FERRY]).headline == "The ferry Selka struck the pier in Aldmouth on Monday morning."
    long = " ".join(["word"] * 100)
    headline = sc.summarize([long]).headline
    assert headline.endswith("word…")
    assert len(headline) <= 101
    assert sc.summarize(["x" * 300]).headline == "x" * 100 + "…"


# Texts of little or no content


@pytest.mark.parametrize("text", ["", " ", "\n\u3000"])
def test_empty_texts(text):
    assert sc.summarize([text]) == EMPTY
    assert sc.summarize([text, text]).text == ""
    titled = sc.summarize([{"title": "Only a title", "text": text}])
    assert (titled.headline, titled.text) == ("Only a title", "")


@pytest.mark.parametrize("text", ["...", "!", "12", "a", "of the", "\U0001f600", "|"])
def test_texts_of_marks_digits_and_stop_words(text):
    assert_true_to(sc.summarize([text]), [text])
    assert_true_to(sc.summarize([text, FERRY]), [text, FERRY])


def test_one_article():
    summary = sc.summarize([{"title": "Ferry strikes pier", "text": FERRY, "lang": "en"}], 25)
    assert summary.headline == "Ferry strikes pier"
    assert summary.sentences[0] == SummarySentence(FERRY[:62], 0, 0, 62)
    assert {"Selka", "Aldmouth"} & set(" ".join(summary.keywords).split())


def test_junk_lines_are_not_picked():
    junk = (
        "SUBSCRIBE NOW TO THE HARBOUR POST AND SAVE ON YOUR FERRY NEWS TODAY.\n"
        "Home | News | Ferry Selka | Aldmouth pier | Sport | Weather | Contact us.\n"
        "More on the ferry Selka and the pier in Aldmouth on Monday\n"
        "#ferry #Selka #Aldmouth #pier follow @harbourpost and @ferrynews for the latest.\n"
    )
    articles = [junk + FERRY, INQUIRY + "\n" + junk.replace("HARBOUR POST", "LANTERN DAILY")]
    for max_words in (20, 60, 200):
        summary = sc.summarize(articles, max_words)
        assert summary.sentences
        for sentence in summary.sentences:
            assert sentence.string not in junk
            assert "SUBSCRIBE" not in sentence.string
            assert "|" not in sentence.string


def test_where_all_is_junk_something_is_picked():
    summary = sc.summarize(["FERRY STRIKES PIER\nNOBODY HURT\nMENU | LOGIN"])
    assert summary.sentences


def test_white_space_inside_a_sentence_is_folded():
    text = "The ferry\tSelka  struck\u00a0the pier in Aldmouth. Nobody was hurt."
    summary = sc.summarize([text])
    assert_true_to(summary, [text])
    assert summary.sentences[0].string == "The ferry Selka struck the pier in Aldmouth."


def test_a_sentence_that_points_back_does_not_open_a_summary():
    texts = [
        "He said the ferry Selka struck the Aldmouth pier on Monday. The Aldmouth pier was shut by police.",
        "It was the ferry Selka that struck the pier in Aldmouth. The mayor of Aldmouth called the police.",
    ]
    for max_words in (12, 20, 30, 60):
        summary = sc.summarize(texts, max_words)
        assert not refers_back(summary.text)
    assert refers_back("However, nobody was hurt.")
    assert refers_back("“They left,” said Rao.")
    assert refers_back("これは汐見市の話だ。")
    assert not refers_back("Theresa Marsh was there.")
    assert not refers_back("")
    alone = sc.summarize(["He said that the ferry had struck the pier on Monday."])
    assert alone.text.startswith("He said")


def test_a_sentence_that_points_back_may_follow_the_one_it_points_to():
    text = (
        "The ferry Selka struck the Aldmouth pier on Monday. It had left Aldmouth in fog, said the police. "
        "Shops in Carrow were open all of the day."
    )
    chosen = [str(sentence) for sentence in sc.summarize([text], 22).sentences]
    assert chosen[1].startswith("It had left")


HOSTILE = {
    "a long word": "x" * 10_000,
    "long words": "Xy " + "z" * 10_000 + ". " + FERRY,
    "direction marks": "\u202eThe ferry struck the pier in Aldmouth on Monday.\u202c " + FERRY,
    "open quotations": "“" * 3_000 + FERRY,
    "stops": "." * 10_000,
    "lone surrogates": "The ferry \ud800 struck the pier in Aldmouth on Monday.",
    "zeros": "The ferry\x00 struck the pier in Aldmouth on Monday.",
    "one line of a thousand sentences": "The ferry struck the pier in Aldmouth again. " * 1_000,
    "emoji": "\U0001f600" * 500 + ".",
    "combining marks": "e\u0301" * 2_000 + ".",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts(name):
    texts = [HOSTILE[name], INQUIRY]
    assert_true_to(sc.summarize(texts), texts)
    assert_true_to(sc.summarize(texts[:1], 5), texts[:1], 5)
    assert sc.summarize(texts).text == sc.summarize(texts[::-1]).text


# Other scripts


def test_japanese():
    texts = [
        "汐見市の次世代路面電車が二十三日に開業した。初日の車両は満員となり、市長は喜びを語った。沿線の商店街も歓迎している。",
        "路面電車が汐見市で開業し、初日は満員が続いた。建設費は当初の計画を上回った。市は九年目の黒字化を見込む。",
    ]
    summary = sc.summarize(texts, 30)
    assert_true_to(summary, texts, 30)
    assert "。 " not in summary.text
    assert any("路面電車" in keyword or "汐見" in keyword for keyword in summary.keywords)


@pytest.mark.parametrize("prefix", ["fr-", "ja-", "hi-"])
def test_other_languages_of_the_example_corpus(prefix):
    found = [a for articles in STORIES.values() for a in articles if a["id"].startswith(prefix)]
    assert len(found) >= 6
    assert_true_to(sc.summarize(found), found)


@pytest.mark.parametrize(
    ("string", "words"),
    [
        ("", 0),
        ("one two", 2),
        (" one\n two ", 2),
        ("東京都", 1.5),
        ("東京 two", 2),
        ("Tokyo 東京で met", 3.5),
    ],
)
def test_words_are_counted(string, words):
    assert count_words(string) == words


# Pieces


def good(*texts, words=180):
    return good_sentences(read_sentences([Article(text) for text in texts], words))


def test_candidates_come_from_the_front_layer_by_layer():
    candidates = good(FERRY, INQUIRY)
    assert {candidate.article for candidate in candidates} == {0, 1}
    first = leading(candidates, 1)
    assert [(c.article, c.position) for c in first] == [(0, 0), (1, 0)]
    assert sorted(leading(candidates, 10_000)) == sorted(candidates)
    assert leading([], 10) == []


def test_no_more_is_read_than_is_needed():
    long = " ".join(f"Word number {k} is in this sentence." for k in range(1000))
    assert len(read_sentences([Article(long)], 10)) == MIN_READ
    assert 1000 <= sum(c.n_words for c in read_sentences([Article(long), Article(FERRY)], 1000)) < 1100
    assert len(read_sentences([Article(FERRY), Article("")], 1000)) == 4


def test_short_lists_and_long_sentences_are_no_candidates():
    strings = [
        candidate.string for candidate in good(f"Short one. {FERRY} {' '.join(['word'] * 400)}.", words=900)
    ]
    assert "Short one." not in strings
    assert max(map(len, strings)) < 200


def test_what_a_link_shows_when_touched_is_no_sentence():
    shown = (
        "Fog hid the pier from Cole Ann Mary ColeFormer mayor asks for lights MORE and the ferry struck it."
    )
    summary = sc.summarize([f"{shown} The ferry Selka struck the pier in Aldmouth on Monday. It was foggy."])
    assert "ColeFormer" not in summary.text
    assert not any("ColeFormer" in term for term in summary.keywords)


def test_words_of_scripts_without_spaces_are_counted():
    assert count_words("ferry struck pier") == 3
    assert count_words("港で船が衝突") == 3
    assert count_words("เรือข้ามฟาก ชนท่าเรือ") == 5
    assert count_words("Selka 港で船が衝突 pier") == 5


@pytest.mark.parametrize(
    "caption",
    [
        "FILE - In this March 4 file photo the ferry Selka leaves the pier of Aldmouth.",
        "Passengers of the ferry Selka wait on the pier of Aldmouth (AP Photo/Ann Rao)",
        "Passengers of the ferry Selka wait on the pier of Aldmouth (Photo: Ann Rao).",
        "Passengers of the ferry Selka wait on the pier of Aldmouth (Ann Rao/Reuters).",
        "渡轮“塞尔卡号”星期一在奥德茅斯撞上码头（图片：晨报）",
    ],
)
def test_captions_are_no_sentences(caption):
    text = "The ferry Selka struck the pier of Aldmouth on Monday."
    assert [candidate.string for candidate in good(caption, text)] == [text]


@pytest.mark.parametrize(
    "sentence",
    [
        "The ferry Selka struck the pier (Reuters reported on Monday) in thick fog.",
        "A Reuters/Ipsos poll found on Monday that few people in Aldmouth like ferries.",
        "Getty Images sued the owner of the ferry over a photo: it lost in court.",
    ],
)
def test_sentences_that_name_agencies_are_no_captions(sentence):
    caption = "Passengers of the ferry Selka wait on the pier of Aldmouth (AP Photo/Ann Rao)"
    assert [candidate.string for candidate in good(caption, sentence)] == [sentence]


def test_a_sentence_of_which_something_was_left_out_is_not_quoted():
    broken = "On Monday morning @aldmouth_desk wrote that the ferry Selka had struck the pier."
    whole = "The ferry Selka struck the pier of Aldmouth on Monday morning, and nobody was hurt."
    for text in (f"{broken} {whole}", f"{whole} {broken}"):
        assert sc.summarize([text], max_words=16).text == whole
    assert sc.summarize([f"{broken} {whole}"], max_words=16, clean=False).text == broken


@pytest.mark.parametrize("start", ["said on Monday that", "’s lawyer said on Monday that", "— and said that"])
def test_a_sentence_without_its_beginning_is_not_quoted(start):
    broken = f"{start} the ferry Selka had struck the pier of Aldmouth."
    whole = "The ferry Selka struck the pier of Aldmouth, and nobody on board was hurt."
    assert sc.summarize([f"{broken} {whole}"], max_words=16).text == whole


@pytest.mark.parametrize(
    "line",
    [
        "What do we know about the ferry Selka?",
        "フェリーはなぜ桟橋に衝突したのか？",
        "Captain Rao: “We had no sight of the pier at all that day.”",
        "MARTHA KENDAL: The harbour will stay closed for a week or two.",
        "Worst case: the harbour of Aldmouth stays closed all winter.",
        'Harbour master says the fog of Monday was "very dense"',
        "The ferry Selka leaves the harbour of Aldmouth on Monday, March 4, 2024.",
        "Passengers of the ferry are seen in the harbour hall of Aldmouth.",
        "Story highlights The ferry Selka struck the pier of Aldmouth harbour.",
        "CLOSE The ferry Selka struck the pier of Aldmouth harbour on Monday.",
        "Here are five things to know about the ferry Selka and its captain.",
        "10:45 The ferry Selka is being towed to the harbour of Aldmouth.",
        "8:15 p.m. The ferry Selka has been towed to the harbour.",
        "Martha Kendal is a senior staff writer at the Aldmouth Courier.",
        ".) claimed that the ferry Selka had been too fast for the fog.",
        "Aldmouth 12 14 17 19 23 31 Carrow 11 12 13 19 27 44.",
        "The opinions expressed here are those of the captain alone.",
        "“ Nobody saw the stone pier of Aldmouth in the fog.",
        "THE FERRY, AGAIN: The Selka struck the stone pier on Monday.",
        "Selka rescue, March 2024. AP Photo The ferry struck the pier on Monday.",
    ],
)
def test_lines_that_are_no_sentences_of_a_report(line):
    assert not is_report(line)


@pytest.mark.parametrize(
    "sentence",
    [
        "The ferry Selka struck the stone pier of Aldmouth in thick fog on Monday.",
        "“It was foggy,” the captain of the ferry said on Monday.",
        "The captain said: “We had no sight of the pier at all.”",
        "The harbour was closed on March 4, 2024.",
        "At 10:45 on Monday the ferry Selka struck the pier.",
        "12.5 percent of the passengers were hurt when the ferry struck the pier.",
        "The index fell by 1,861.82 points to 25,128.17 on Thursday, the harbour board said.",
        "Close to a hundred passengers were on board the ferry.",
        "Er sagte: „Wir haben den Pier nicht gesehen.“",
        "船長は「桟橋は見えなかった」と話した。",
    ],
)
def test_sentences_of_a_report(sentence):
    assert is_report(sentence)


@pytest.mark.parametrize(
    "sentence",
    ["“It was foggy,” Rao said.", "It struck the pier.", "However, it sank.", "As I wrote, fog is bad.", ""],
)
def test_what_needs_something_before_it_opens_no_summary(sentence):
    assert not may_open(sentence)
    assert may_open("The captain said “we did not see it” of the pier.")
    assert not may_open("The captain said “we did not see it” of the pier.", is_first=False)


def test_a_summary_opens_with_the_lead_of_an_article():
    lead = "The ferry Selka struck the stone pier of Aldmouth in thick fog on Monday."
    within = "The captain said the stone pier of Aldmouth was hidden in thick fog on Monday."
    articles = [
        {"text": f"The board of Carrow met about its budget on Sunday. {within}", "published": "2024-03-04"},
        {"text": lead, "published": "2024-03-05"},
    ]
    assert sc.summarize(articles, 20).text == lead
    assert sc.summarize(articles, 60).text.startswith(lead)


def test_the_headline_is_that_of_a_report():
    text = "The ferry Selka struck the stone pier of Aldmouth in thick fog on Monday."
    titles = ["Selka", "What happened to the ferry Selka?", "Live: ferry Selka strikes pier at Aldmouth"]
    articles = [{"title": title, "text": f"{text} Report {k}."} for k, title in enumerate(titles)]
    report = {"title": "Ferry Selka strikes Aldmouth pier", "text": f"{text} Nobody was hurt in the harbour."}
    assert sc.summarize([*articles, report]).headline == report["title"]
    assert sc.summarize(articles).headline in {title.removeprefix("Live: ") for title in titles}


DATELINES = [
    "TOKYO, Sept 3 (Reuters) - ",
    "WASHINGTON—",
    "NEW YORK, N.Y. — ",
    "Mumbai, India - ",
    "(CNN) -- ",
]


@pytest.mark.parametrize("dateline", DATELINES)
def test_a_summary_begins_behind_the_dateline(dateline):
    sentence = "The ferry Selka struck the stone pier of Aldmouth in thick fog on Monday."
    (found,) = sc.summarize([dateline + sentence]).sentences
    assert (found.string, found.start) == (sentence, len(dateline))


@pytest.mark.parametrize("opening", ["NATO-led forces ", "Al-Qaeda - the group - ", "U.S. stocks "])
def test_a_name_is_no_dateline(opening):
    assert length_of_dateline(f"{opening}Left the harbour of Aldmouth on Monday.") == 0


def test_a_scene_does_not_open_a_summary():
    news = "The ferry Selka struck the stone pier of Aldmouth in thick fog on Monday, and four people died."
    articles = [
        {
            "text": "Donal Rae had been hauling creels for an hour. Then a bang.",
            "published": "2024-03-04",
        },
        {"text": f"{news} The pier was closed.", "published": "2024-03-05"},
        {"text": f"{news[:-1]} in the ferry. The harbour of Aldmouth is closed.", "published": "2024-03-05"},
    ]
    assert sc.summarize(articles).text.startswith("The ferry Selka struck")
