"""Page furniture: what is taken out, what must stay, and what holds for any articles."""

import random
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyclust.articles.article import Article
from storyclust.text import furniture as module
from storyclust.text.boilerplate_cues import CUES, count_words, is_cue
from storyclust.text.furniture import Furniture, find_furniture, sample_of, without_furniture, without_spans
from storyclust.text.page_spans import blank, have_links, link_spans
from storyclust.text.tokens import TextBuffer

BOX = (
    "Get the Carrow Courier every morning. Sign up with your address and agree to our terms; we write "
    "five times a week and never to anyone else."
)
SENTENCE = "He declined to comment."
SYLLABLES = "ba de fi go lu mar nes pol rit sun tak vel wen yor zim cho".split()


def prose(seed, n_words=40):
    """Invented sentences that are like no other seed's."""
    rng = random.Random(seed)  # noqa: S311 - nothing secret here
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(1, 3))) for _ in range(n_words)]
    return f"{' '.join(words).capitalize()}."


def report(seed, n_paragraphs=4):
    return [prose(f"{seed}/{k}") for k in range(n_paragraphs)]


def page(*paragraphs, source="courier"):
    return Article("\n\n".join(paragraphs), source=source)


def pages(n, *, before=(), after=(), source="courier", first=0):
    return [page(*before, *report(seed), *after, source=source) for seed in range(first, first + n)]


def furniture(articles):
    """What is left out of each article."""
    found = find_furniture(articles)
    return [
        [a.text[start:end].strip() for start, end in spans] for a, spans in zip(articles, found, strict=True)
    ]


# Paragraphs that recur


@pytest.mark.parametrize("n", [3, 4, 50])
def test_a_box_in_every_article_of_a_source_is_furniture(n):
    articles = pages(n, after=[BOX])
    assert without_furniture(articles) == [page(*report(seed)).text for seed in range(n)]


def test_a_box_may_stand_anywhere():
    articles = [page(*report(k)[:2], BOX, *report(k)[2:]) for k in range(3)]
    assert furniture(articles) == [[BOX]] * 3
    articles = pages(3, before=[BOX])
    assert without_furniture(articles) == [page(*report(k)).text for k in range(3)]


def boxed(n, source="courier", first=0):
    """Pages with a box among their paragraphs, which is no sign of furniture by its place."""
    reports = map(report, range(first, first + n))
    return [page(*each[:2], BOX, *each[2:], source=source) for each in reports]


def test_two_articles_are_enough_at_the_end_alone():
    assert furniture(boxed(2)) == [[], []]
    assert furniture(pages(2, after=[BOX])) == [[BOX]] * 2
    assert furniture(pages(2, after=[BOX], source=None)) == [[BOX]] * 2
    assert furniture([*pages(2, after=[BOX]), *pages(19, first=2)])[:2] == [[], []]


def test_sources_have_furniture_of_their_own():
    articles = [*boxed(3), *boxed(2, "herald", 3), *pages(10, source="post", first=5)]
    assert furniture(articles) == [[BOX]] * 3 + [[]] * 12


def test_articles_without_a_source_need_half_or_ten():
    assert furniture([*boxed(4, None), *pages(6, source=None, first=4)]) == [[]] * 10
    assert furniture([*boxed(5, None), *pages(5, source="", first=5)]) == [[BOX]] * 5 + [[]] * 5
    others = pages(90, source=None, first=10)
    assert furniture([*boxed(9, None), *others])[:9] == [[]] * 9
    assert furniture([*boxed(10, None), *others])[:10] == [[BOX]] * 10


def test_a_box_of_many_sources_is_furniture():
    articles = [page(*report(k)[:2], BOX, *report(k)[2:], source=f"outlet {k}") for k in range(10)]
    assert furniture(articles) == [[BOX]] * 10


def test_furniture_is_left_out_of_articles_that_are_no_witness_too():
    articles = [*pages(3, after=[BOX]), page(prose("a brief"), BOX)]
    assert furniture(articles) == [[BOX]] * 4


def test_several_boxes_make_one_span_where_they_stand_together():
    label = "The Carrow Courier on the go"
    articles = pages(5, before=[label], after=[BOX, label])
    assert furniture(articles) == [[label, f"{BOX}\n\n{label}"]] * 5


def test_a_box_longer_than_any_paragraph_is_found():
    long_box = prose("box", 400)
    articles = [page(*report(k, 12), long_box, BOX) for k in range(3)]
    assert without_furniture(articles) == [page(*report(k, 12)).text for k in range(3)]


# Copies and updates: all their paragraphs recur, and none is furniture


@pytest.mark.parametrize("n", [3, 5, 20])
def test_copies_within_a_source_are_left_alone(n):
    assert furniture(pages(1) * n) == [[]] * n
    same_but_for_a_note = [page(*report(0), f"Printed in edition {k}.") for k in range(n)]
    assert furniture(same_but_for_a_note) == [[]] * n


@pytest.mark.parametrize("n", [3, 5, 12])
def test_copies_with_every_other_paragraph_edited_are_left_alone(n):
    articles = []
    for k in range(n):
        paragraphs = [paragraph.replace(" ", f" edit{k} ", 1) for paragraph in report(0, 8)]
        articles.append(page(report(0)[0], *paragraphs[1:]))
    assert furniture(articles) == [[]] * n


def test_five_updates_of_one_article_are_left_alone():
    whole = report(0, 8)
    updates = [page(prose(f"what is new {k}"), *whole[: 4 + k]) for k in range(5)]
    assert furniture(updates) == [[]] * 5


def test_updates_among_other_articles_lose_the_box_and_nothing_else():
    whole = report(0, 8)
    updates = [page(prose(f"what is new {k}"), *whole[: 4 + k], BOX) for k in range(5)]
    articles = [*updates, *pages(3, after=[BOX], first=1)]
    assert furniture(articles) == [[BOX]] * 8


def test_copies_do_not_make_a_paragraph_recur():
    articles = boxed(1) * 5 + boxed(1, first=1) * 5
    assert furniture(articles) == [[]] * 10


def test_reports_of_one_thing_in_nearly_the_same_words_do_not_witness():
    background = prose("background", 30)
    articles = [
        page(background, *(p.replace(p.split()[k + 3], "corrected") for p in report(0))) for k in range(6)
    ]
    assert furniture(articles) == [[]] * 6


# Stock phrases


@pytest.mark.parametrize(
    "phrase", [SENTENCE, "“It is too early to say,” she said.", "Background", "Shares: 12"]
)
def test_a_phrase_that_anyone_may_write_is_kept_where_it_is_rare(phrase):
    articles = pages(60)
    for k in range(5):
        articles[k] = page(*report(k)[:2], phrase, *report(k)[2:])
    assert furniture(articles) == [[]] * 60


@pytest.mark.parametrize("phrase", [SENTENCE, "The Courier, page 12"])
def test_a_phrase_at_the_beginning_is_kept_where_it_is_rare(phrase):
    articles = [*pages(4, before=[phrase]), *pages(56, first=4)]
    assert furniture(articles) == [[]] * 60


def test_a_phrase_in_four_articles_of_four_may_be_chance():
    articles = [page(*report(k)[:2], SENTENCE, *report(k)[2:]) for k in range(5)]
    assert furniture(articles[:4]) == [[]] * 4
    assert furniture(articles) == [[SENTENCE]] * 5


def test_copies_count_once():
    articles = [page(*report(k)[:2], SENTENCE, *report(k)[2:]) for k in range(4)]
    versions = [page(*report(k)[:2], SENTENCE, *report(k)[2:], prose(k, 5)) for k in range(4)]
    assert furniture([*articles, *versions]) == [[]] * 8


def test_a_short_paragraph_that_recurs_all_the_time_is_furniture():
    articles = [page(*report(k)[:2], "Story goes on", *report(k)[2:]) for k in range(20)]
    assert furniture(articles) == [["Story goes on"]] * 20


def test_a_label_at_the_beginning_needs_five_and_one_in_a_hundred():
    label = "The Carrow Courier on the go"
    articles = [*pages(5, before=[label]), *pages(55, first=5)]
    assert furniture(articles) == [[label]] * 5 + [[]] * 55
    assert furniture(articles[1:]) == [[]] * 59
    assert furniture([*articles, *pages(500, first=60)])[:5] == [[]] * 5


@pytest.mark.parametrize("credit", ["Photo: Getty Images", "(Aldmouth Press Agency)", "写真 通信社"])
def test_a_credit_at_the_very_end_is_furniture(credit):
    articles = [Article(f"{prose(k)} {credit}") for k in range(3)]
    assert [text.rstrip() for text in without_furniture(articles)] == [prose(k) for k in range(3)]


def test_what_is_chance_grows_with_the_archive():
    articles = [*pages(3, after=[BOX]), *pages(1500, first=3)]
    assert furniture(articles)[:3] == [[]] * 3


def test_the_rest_of_a_broken_line_is_no_paragraph():
    def wrapped(k):
        return "\n".join(
            [
                f"{prose(k, 9)[:-1]} and {prose(k + 100, 9)[:-1].lower()}",
                "officials said",
                f"    {prose(k + 200, 4)}",
            ]
        )

    articles = [Article(wrapped(k), source="wire") for k in range(30)]
    assert furniture(articles) == [[]] * 30


# What is left


def test_templated_notices_do_not_vanish():
    names = [prose(f"company {k}", 3)[:-1] for k in range(40)]
    boilerplate = (
        "The board declared its regular quarterly dividend, payable to holders of record at the close of "
        "business on the last day of the month, as it has in each quarter since the company was listed."
    )
    articles = [page(f"{name} declares dividend.", boilerplate, source="wire") for name in names]
    left = without_furniture(articles)
    assert all(text.startswith(name) for text, name in zip(left, names, strict=True))
    assert len(set(left)) == 40


def test_a_text_that_would_be_all_furniture_is_kept_whole():
    articles = [
        *pages(3, after=[BOX]),
        page(BOX),
        page("Too short.", BOX),
        Article("Read more", source="courier"),
    ]
    assert furniture(articles) == [[BOX]] * 3 + [[]] * 3
    assert without_furniture(articles)[3:] == [article.text for article in articles[3:]]


def test_articles_are_not_altered_and_empty_ones_are_fine():
    articles = [
        *pages(3, after=[BOX]),
        Article(""),
        Article(" \n\n ", source="courier"),
        Article("", title="Head"),
    ]
    before = [article.to_record() for article in articles]
    assert without_furniture(articles)[3:] == ["", " \n\n ", ""]
    assert [article.to_record() for article in articles] == before
    assert find_furniture([]) == []
    assert without_furniture([]) == []


def test_paragraphs_stay_apart():
    text = "  Rain in Delhi.\n\n  Related articles\n  Floods in Assam.\r\n\r\nShare\n"
    article = Article(text)
    assert without_furniture([article]) == ["  Rain in Delhi.\n\n  Floods in Assam."]
    assert furniture([article]) == [["Related articles", "Share"]]


# Cue lines


CUE_LINES = [
    "Subscribe to our newsletter",
    "SUBSCRIBE TO OUR NEWSLETTER!",
    "Sign up for the Courier's morning newsletter here.",
    "Read more: Ferry strikes pier",
    "(Read more)",
    "» Related articles",
    "RELATED: Ferry strikes pier",
    "SEE ALSO: Ferry strikes pier",
    "More on this... Ferry strikes pier",
    "Share this",
    "Share this article",
    "Comments (12)",
    "- Follow the Courier on Twitter: @carrow",
    "Don’t miss: Ferry strikes pier",
    "Most popular",
    "Advertisement",
    "【関連記事】",
    "■関連リンク",
    "関連記事：フェリーが桟橋に衝突",
    "あわせて読みたい",
    "コメント（3件）",
    "यह भी पढ़ें: बंदरगाह पर नाव",
    "शेयर करें",
    "हमारे न्यूज़लेटर के लिए साइन अप करें",
    "اقرأ أيضاً: العبارة تصطدم بالرصيف",
    "اشترك في نشرتنا البريدية",
    "مواضيع ذات صلة",
    "À lire aussi : Le ferry heurte la jetée",
    "Inscrivez-vous à notre newsletter",
    "PUBLICITÉ",
    "Čtěte také: Trajekt narazil do mola",
    "Přihlaste se k odběru novinek",
    "Související články",
    "Διαβάστε επίσης: Το πλοίο χτύπησε την προβλήτα",
    "ΔΙΑΒΑΣΤΕ ΕΠΙΣΗΣ",
    "Εγγραφείτε στο newsletter μας",
    "קראו גם: המעבורת פגעה במזח",
    "הירשמו לניוזלטר שלנו",
    "תגובות",
    "Đọc thêm: Phà đâm vào cầu cảng",
    "Tin liên quan",
    "Đăng ký nhận bản tin hằng ngày",
    "Lesen Sie auch: Fähre rammt Pier",
    "Abonnieren Sie unseren Newsletter",
    "Mehr zum Thema",
    "Lea también: El ferri choca contra el muelle",
    "Suscríbete a nuestro boletín",
    "Lo más leído",
]
REPORTING = [
    "Share prices fell on Monday.",
    "Shares in the ferry company fell by a tenth.",
    "Share this burden, the bishop told the island.",
    "Comments made by the harbour master angered the crew.",
    "Comments are expected by Friday.",
    "Related-party transactions rose.",
    "Related to the accident, two men were questioned.",
    "Read more than once, the letter still made no sense.",
    "Sign up for the lifeboat crew ended on Friday.",
    "Follow the money, the auditor wrote, and asked to be quoted on Twitter.",
    "Subscribe to the theory or not, the pier is broken.",
    "Popular with tourists, the ferry was full.",
    "Advertisement sales fell by a tenth.",
    "“Subscribe to our newsletter,” the captain joked.",
    "Support us or leave, the mayor told the port authority.",
    "Trending: up, said the port's only chart.",
    "See also means look elsewhere.",
    "Donate blood on Saturday at the town hall.",
    "コメントを投稿した男性は謝罪した。",
    "関連記事の取り下げを求めた。",
    "メルマガ登録者が百万人を超えた。",
    "हमें फेसबुक पर पता चला।",
    "إعلان الهدنة جاء متأخرا.",
    "Partager le pouvoir reste difficile.",
    "Diskuse o novém molu skončila.",
    "Σχόλια για το ατύχημα έκανε ο δήμαρχος.",
    "תגובות קשות נשמעו בנמל.",
    "Chia sẻ trên Facebook, thuyền trưởng nói ông ổn.",
    "Teilen will der Hafen die Kosten nicht.",
    "Comparte el muelle con los pescadores.",
]


@pytest.mark.parametrize("line", CUE_LINES)
def test_a_cue_line_is_furniture(line):
    article = page(prose(1), line, prose(2))
    assert without_furniture([article]) == [page(prose(1), prose(2)).text]


@pytest.mark.parametrize("line", REPORTING)
def test_a_sentence_of_reporting_is_kept_whatever_it_begins_with(line):
    article = page(prose(1), line, prose(2))
    assert furniture([article]) == [[]]


def test_a_long_line_is_no_cue_whatever_it_begins_with():
    assert is_cue("Read more: the ferry strikes the pier")
    assert not is_cue(
        "Read more: the ferry struck the pier on Monday morning and nobody aboard was hurt, they said"
    )
    assert not is_cue(f"関連記事：{'桟橋' * 20}")


def test_a_cue_within_a_line_is_none():
    assert furniture([page(f"{prose(1)} Read more: Ferry strikes pier", prose(2))]) == [[]]


@pytest.mark.parametrize("language", CUES)
def test_every_phrase_of_the_table_is_found_in_either_case(language):
    for kind in CUES[language]:
        for phrase in kind.split(";"):
            line = " ".join(phrase.replace("*", "of the day").split())
            assert line, "an empty phrase would match every line"
            assert is_cue(line)
            assert is_cue(f"■ {line.upper()} »")


def test_accents_may_be_apart_from_their_letters():
    for line in ("Đọc thêm: Phà", "Čtěte také: Trajekt", "À lire aussi : Le ferry", "Διαβάστε επίσης"):
        assert is_cue(unicodedata.normalize("NFD", line))


# Parts


def test_words_are_counted_where_none_are_spaced():
    assert count_words("The ferry struck") == 3
    assert count_words("フェリーが桟橋に衝突") == 6
    assert count_words("") == 0


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\u2028", "\n \t\n"])
def test_a_line_ends_at_any_break(end):
    text = f"Snow fell.{end}Read more{end}It melted."
    assert furniture([Article(text)]) == [["Read more"]]


def test_a_broken_line_that_begins_like_a_cue_is_kept():
    text = "Readers of the Gazette were asked on Monday to write in and to\nshare this article with friends."
    assert furniture([Article(text)]) == [[]]


# Copies are found that furniture hid


def similarity(text, other, n=5):
    """Jaccard similarity of the sets of n words in a row."""
    first, second = (
        {tuple(w[k : k + n]) for k in range(len(w) - n + 1)} for w in (text.split(), other.split())
    )
    return len(first & second) / len(first | second)


def test_copies_on_unlike_pages_are_alike_and_unlike_texts_on_alike_pages_are_not():
    wire = [page(prose(f"wire {k}", 60), source="wire") for k in range(4)]
    printed = [page(article.text, BOX, source="courier") for article in wire]
    briefs = [page(prose(f"brief {k}", 15), prose("terms", 14), source="club") for k in range(6)]
    articles = [*wire, *printed, *briefs]
    raw, clean = [article.text for article in articles], without_furniture(articles)
    for k in range(4):
        assert similarity(raw[k], raw[k + 4]) < 0.8
        assert similarity(clean[k], clean[k + 4]) == 1
    assert similarity(raw[8], raw[9]) > 0
    assert similarity(clean[8], clean[9]) == 0


# Any articles

PARAGRAPHS = st.sampled_from(
    [
        *(prose(k, 12) for k in range(12)),
        BOX,
        SENTENCE,
        "Read more",
        "関連記事",
        "Story goes on",
        "x",
        " ",
        "",
    ]
)
ENDS = st.sampled_from(["\n", "\n\n", "\r\n", "\n    ", "\u2028", "\n\u3000"])
TEXTS = st.lists(st.tuples(PARAGRAPHS, ENDS), max_size=8).map(
    lambda parts: "".join(p + end for p, end in parts)
)
ARTICLES = st.lists(
    st.builds(Article, TEXTS | st.text(max_size=40), source=st.sampled_from([None, "", "courier", "herald"])),
    max_size=24,
)


@settings(max_examples=40)
@given(ARTICLES)
def test_spans_are_in_order_apart_and_inside_and_never_everything(articles):
    found = find_furniture(articles)
    left = without_furniture(articles)
    assert len(found) == len(left) == len(articles)
    for article, spans, text in zip(articles, found, left, strict=True):
        bounds = [0, *(bound for span in spans for bound in span), len(article.text)]
        assert all(start < end for start, end in spans)
        assert all(end < start for (_, end), (start, _) in pairwise(spans))
        assert bounds == sorted(bounds)
        kept = [article.text[start:end] for start, end in zip(bounds[::2], bounds[1::2], strict=True)]
        assert text == "".join(kept)
        assert len("".join(text.split())) >= 0.2 * len("".join(article.text.split()))


@settings(max_examples=50)
@given(ARTICLES, st.randoms(use_true_random=False))
def test_the_order_of_articles_does_not_matter(articles, rng):
    order = list(range(len(articles)))
    rng.shuffle(order)
    found = find_furniture(articles)
    assert find_furniture([articles[row] for row in order]) == [found[row] for row in order]


def test_the_order_does_not_matter_where_only_some_witnesses_are_looked_at():
    edits = [[p.replace(p.split()[k + 3], "corrected") for p in report(0)] for k in range(15)]
    articles = [*(page(*edit, BOX) for edit in edits), *pages(4, after=[BOX], first=1)]
    expected = find_furniture(articles)
    assert find_furniture(articles[::-1]) == expected[::-1]
    for k in range(19):
        assert find_furniture(articles[k:] + articles[:k]) == expected[k:] + expected[:k]


def test_the_order_does_not_matter_where_two_texts_share_their_longest_paragraph():
    longest = prose("longest", 60)
    echo = [paragraph.replace(" ", " again ", 1) for paragraph in report("y")]
    articles = [page(longest, *report("x"), BOX), page(longest, *echo, BOX), page(*report("y"), BOX)]
    articles += pages(1, after=[BOX])
    assert find_furniture(articles[::-1]) == find_furniture(articles)[::-1]
    swapped = [articles[1], articles[0], *articles[2:]]
    first, second, *rest = find_furniture(articles)
    assert find_furniture(swapped) == [second, first, *rest]


@settings(max_examples=40)
@given(ARTICLES)
def test_printing_everything_twice_changes_nothing(articles):
    assert find_furniture(articles * 2) == find_furniture(articles) * 2


@settings(max_examples=40)
@given(st.text())
def test_any_line_can_be_asked(line):
    assert is_cue(line) in (True, False)


# Inside paragraphs


INSERTED = "Harbour board balks at lengthy dredging dispute Mayor goes local to save the old fish market"


def unlike_texts(n, seed=0):
    """Texts of which no two share a word."""
    numbers = random.Random(seed).sample(range(10**6), 60 * n)  # noqa: S311
    return [" ".join(f"word{k}" for k in numbers[start : start + 60]) for start in range(0, 60 * n, 60)]


def counted(articles):
    return [article.text for article in without_spans(articles, find_furniture(articles))]


@pytest.mark.parametrize("source", ["Gazette", None])
def test_a_span_inside_sentences_of_unlike_articles_does_not_count(source):
    bodies = unlike_texts(12)
    parts = [(body.split()[:20], body.split()[20:]) for body in bodies]
    texts = [" ".join([*before, INSERTED, "MORE", *after]) for before, after in parts]
    left = counted([Article(text, source=source) for text in texts])
    for text, new, body in zip(texts, left, bodies, strict=True):
        assert len(new) == len(text)
        assert new.split() == body.split()


def test_a_word_that_a_few_share_beside_a_box_stays():
    bodies = [f"{body} {'behind' if k < 2 else ''}".strip() for k, body in enumerate(unlike_texts(12))]
    texts = counted([Article(f"{body} {BOX}", source="Gazette") for body in bodies])
    assert [text.rstrip() for text in texts] == bodies


def test_what_versions_of_one_report_share_counts():
    body = unlike_texts(1)[0].split()
    versions = [" ".join([*body[:30], f"new{k}", *body[31:]]) for k in range(12)]
    assert counted([Article(text, source="Gazette") for text in versions]) == versions


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Snow at 5<6 & up. https://t.co/Ab1 pic.twitter.com/x1 #snow", "Snow at 5<6 & up. #snow"),
        ("Write to desk@news.example or @gazette, a@ 3@4", "Write to or , a@ 3@4"),
        ("Snow is on the road. WWW.Carrow.example, www.a.example/b?c=d.", "Snow is on the road."),
        ("雪が降った。https://t.co/Ab1。道路は閉鎖された。", "雪が降った。 。道路は閉鎖された。"),
        ("@@x e@mail @", "@@x e@mail @"),
    ],
)
def test_links_and_handles_do_not_count_and_other_signs_do(text, left):
    new = counted([Article(text)])[0]
    assert new.split() == left.split()
    assert len(new) == len(text)


SIGNS = st.sampled_from(
    ["://", "www.", "Www.", "WWW.", "@", "pic.twitter.com/", "http", "x.y", "a", " ", ".", "/", "é"]
)


@settings(max_examples=60)
@given(st.lists(st.lists(SIGNS, max_size=8).map("".join), max_size=5))
def test_links_are_looked_for_in_every_text_that_has_one(texts):
    searched = have_links(*TextBuffer.from_texts(texts)).tolist()
    for text, is_searched in zip(texts, searched, strict=True):
        assert is_searched or not list(link_spans(text))


def test_a_text_of_links_alone_is_left_whole():
    texts = ["https://t.co/Ab1", "", "@desk"]
    assert counted([Article(text) for text in texts]) == texts


def test_letters_that_are_composed_or_not_have_the_same_places():
    bodies = [body.replace("word", "o\u0302\u0323") for body in unlike_texts(4)]
    texts = counted([Article(f"{body} Nhận bản tin của chúng tôi mỗi sáng") for body in bodies])
    assert [text.rstrip() for text in texts] == bodies


@given(st.text(max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5))
def test_any_spans_can_be_blanked(text, spans):
    bounds = sorted({min(k, len(text)) for span in spans for k in span})
    spans = list(zip(bounds[::2], bounds[1::2], strict=False))
    inside = {k for a, b in spans for k in range(a, b)}
    assert blank(text, spans) == "".join(" " if k in inside and c != "\n" else c for k, c in enumerate(text))


@pytest.mark.parametrize(
    "dateline",
    [
        *("ALDMOUTH (Press) - ", "(Press) -- ", "Carrow (CPA) -- ", "NEW CARROW — ", "JERUSALEM, Israel – "),
        *(
            "Damascus, Syria (CPA) -- ",
            "DES MOINES, Iowa (AP) — ",
            "WASHINGTON, D.C. — ",
            "March 16 (CPA) — ",
        ),
        *("FILE - ", "(CNN) ", "Carrow (CPA) ", "CLOSE ", "Advertisement\nALDMOUTH — "),
    ],
)
def test_a_dateline_does_not_count(dateline):
    assert counted([Article(f"{dateline}Snow fell on the pass in the night.")])[0].strip()[:4] == "Snow"


def test_a_label_glued_to_a_line_does_not_count():
    text = "Pass closed for days\n\nCLOSE Snow fell. The owner said he would CLOSE The Inn."
    assert counted([Article(text)]) == [text.replace("CLOSE Snow", "      Snow")]


@pytest.mark.parametrize(
    "text",
    [
        "Snow fell - or so they say.",
        "The bank (BCA) - which failed - reopens.",
        "Miners (M) - a",
        "IT — was",
        "The Carrow Port Authority (CPA) Snow",
        "Mr. Anders (R-Carrow) Snow",
    ],
)
def test_an_opening_that_is_no_dateline_counts(text):
    assert counted([Article(text)]) == [text]


@pytest.mark.parametrize(
    "note",
    [
        "Editor’s note: This report is new.",
        "CORRECTION: x",
        "The opinions expressed by columnists are their own.",
        "Correction, March 19, 2020: This",
        "編集部注：注",
        "[Editors’ note — A look]",
        "Clarification (May 3): x",
        "Anmerkung der Redaktion: x",
    ],
)
def test_a_note_on_the_article_does_not_count(note):
    text = "Snow fell on the pass in the night, and the road to Carrow is closed until Monday."
    assert counted([Article(f"{note} {'It was. ' * 20}\n{text}")])[0].strip() == text
    assert counted([Article(f"{text} {note}")]) == [f"{text} {note}"]


def test_a_sentence_on_corrections_is_no_note():
    text = "Snow fell.\nCorrection officers said: no.\nCorrection of the course: a day."
    assert counted([Article(text)]) == [text]


# Samples


@settings(max_examples=40)
@given(ARTICLES, st.integers(1, 6), st.integers(1, 9), st.integers(1, 3))
def test_parts_that_learn_from_samples_find_what_the_whole_does(articles, sample, whole, n_parts):
    sizes = module.SAMPLE, module.WHOLE_SAMPLE
    module.SAMPLE, module.WHOLE_SAMPLE = sample, whole
    try:
        expected = find_furniture(articles, n_jobs=2)
        parts = [articles[k::n_parts] for k in range(n_parts)]
        texts, every = {}, []
        for part in parts:
            sources = {article.source for article in part if article.source}
            for source in sources:
                own = sample_of((a.text for a in part if a.source == source), sample)
                texts.setdefault(source, []).extend(own)
            every += sample_of((a.text for a in part), whole)
        samples = {source: sample_of(own, sample) for source, own in texts.items()}
        learnt = Furniture.learn(samples, sample_of(every, whole))
        assert [learnt.spans(part) for part in parts] == [expected[k::n_parts] for k in range(n_parts)]
    finally:
        module.SAMPLE, module.WHOLE_SAMPLE = sizes


def test_anything_that_is_an_article_can_be_asked():
    texts = ["Snow fell on the pass.\nRead more: Ferry late", "The ferry is late again. @desk"]
    expected = find_furniture([Article(text) for text in texts])
    assert all(expected)
    assert find_furniture(texts) == find_furniture(iter(texts)) == expected
    assert find_furniture([{"body": text, "headline": "Late"} for text in texts]) == expected
