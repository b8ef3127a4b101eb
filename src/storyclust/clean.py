"""Page furniture: subscription boxes, links to other articles and the like, which are no part of an article.

Furniture makes unlike texts alike and copies unlike, so it can be left out before texts are compared. It
is known by two signs. A paragraph that recurs in otherwise different articles of one source belongs to the
page and not to the article; no list of words is needed for that. And a short line that opens with a cue, such
as "Subscribe to our newsletter", is furniture wherever it stands.

Copies and updates of one article share all their paragraphs, too. So an article bears witness to a
recurring paragraph only if most of its text is its own, and witnesses must be unlike one another.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise, takewhile
from typing import NamedTuple

import numpy as np

from storyclust.article import Article

Span = tuple[int, int]

WITNESSES = 3  # unlike articles of a source that a paragraph must recur in
WITNESSES_UNNAMED = 10  # of articles without a source, which have no page in common
RECURS = 0.003  # share of a source's articles: stock phrases recur in a large archive by chance
SHORT, SHORT_AT_EDGE = 15, 12  # words; a shorter paragraph may be one that anyone would write ...
SHORT_RECURS, SHORT_WITNESSES = 0.1, 5  # ... so it must recur oftener ...
LABEL_RECURS = 0.01  # ... unless it is no sentence, holds no figure, and begins or ends articles
OWN = 0.5  # part of a witness that is its own, in characters
LIKE = 0.2  # part of its word pairs that a text shares with another from which the two are alike
SAMPLE = 3000  # characters of it that are compared
KEPT = 0.2  # part of a text that must remain, else it is left whole
CUE_CHARACTERS = 120  # a line with a cue is shorter

STOPS = tuple(".!?…。！？｡।॥؟۔\"'”’»)）」』]")
WRAP = 80  # columns
_TOKEN = re.compile(r"[^\s!-/:-@\[-`{-~\u2010-\u205e\u3000-\u303f！-／：-＠［-｀｛-･،؛؟।॥«»]+")
_INDENTED = re.compile(r"\n(?=\s)")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def find_furniture(articles: Sequence[Article]) -> list[tuple[Span, ...]]:
    r"""Find the page furniture of each article.

    Parameters
    ----------
    articles : sequence of Article
        Best all there are: a paragraph is known for furniture by the company it keeps.

    Returns
    -------
    spans : list of tuple of (int, int)
        For every article the stretches `text[start:end]` that are furniture, in order and apart from one
        another. Each takes the line breaks behind it along, or those before it at the end of a text.

    Notes
    -----
    A paragraph recurs if it stands in three articles of a source that are unlike one another, and in 0.3%
    of all its articles. One of fewer than 15 words, or 12 where it mostly begins or ends articles, may be
    there by chance: it must stand in five, and in 10%; in 1% if it begins or ends articles, is no sentence
    and holds no figure. All articles without a source count as one source, and need ten instead of three.

    Two articles are unlike if, in paragraphs that do not recur, they share less than a fifth of the word
    pairs of the shorter; these paragraphs must be half of an article for it to count at all.

    An article of which less than a fifth would remain is left whole. The result depends neither on the order
    of the articles nor on equal texts within a source.

    Examples
    --------
    >>> from storyclust.article import Article
    >>> text = "Rain fell on Delhi.\n\nSubscribe to our newsletter\n\nMore is expected."
    >>> find_furniture([Article(text)])
    [((21, 50),)]
    >>> text[21:50]
    'Subscribe to our newsletter\n\n'
    """
    found: list[tuple[Span, ...]] = [()] * len(articles)
    for source, rows in _rows_by_text(articles).items():
        recurring = recurring_paragraphs(rows, WITNESSES if source else WITNESSES_UNNAMED)
        for text, same in rows.items():
            if spans := _furniture_spans(text, recurring):
                for row in same:
                    found[row] = spans
    return found


def without_furniture(articles: Sequence[Article]) -> list[str]:
    r"""Return the texts of articles without their page furniture.

    Parameters
    ----------
    articles : sequence of Article
        They stay as they are.

    Returns
    -------
    texts : list of str
        Each article's text less the spans of `find_furniture`; paragraphs stay apart.

    Examples
    --------
    >>> from storyclust.article import Article
    >>> without_furniture([Article("Rain fell on Delhi.\n\nRead more: Floods in Assam\n\nMore is expected.")])
    ['Rain fell on Delhi.\n\nMore is expected.']
    """
    found = find_furniture(articles)
    return [_cut(article.text, spans) for article, spans in zip(articles, found, strict=True)]


def _rows_by_text(articles: Sequence[Article]) -> dict[str, dict[str, list[int]]]:
    """Rows of each text of each source: equal texts are looked at once."""
    sources: dict[str, dict[str, list[int]]] = {}
    for row, article in enumerate(articles):
        sources.setdefault(article.source or "", {}).setdefault(article.text, []).append(row)
    return sources


def _cut(text: str, spans: Sequence[Span]) -> str:
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(text)]
    return "".join(text[end:start] for end, start in zip(ends, starts, strict=True))


def _furniture_spans(text: str, recurring: frozenset[str]) -> tuple[Span, ...]:
    paragraphs = split_paragraphs(text)
    furniture = [paragraph in recurring or is_cue(paragraph) for paragraph in paragraphs]
    if not any(furniture):
        return ()
    sizes = [len(paragraph) for paragraph in paragraphs]
    kept = sum(size for size, gone in zip(sizes, furniture, strict=True) if not gone)
    if kept < KEPT * sum(sizes):
        return ()
    return tuple(_blocks(text, paragraphs, furniture))


def _blocks(text: str, paragraphs: Sequence[str], furniture: Sequence[bool]) -> Iterator[Span]:
    """Yield a span for each run of paragraphs that are furniture."""
    opened = -1  # where the run at hand begins
    kept_end = at = 0
    for paragraph, gone in zip(paragraphs, furniture, strict=True):
        start = text.index(paragraph, at)
        at = start + len(paragraph)
        if gone:
            opened = start if opened < 0 else opened
            continue
        if opened >= 0:
            yield opened, start
            opened = -1
        kept_end = at
    if opened >= 0:
        yield kept_end, len(text)


# Paragraphs


def split_paragraphs(text: str) -> list[str]:
    r"""Split a text into paragraphs, less the white space around them.

    A line is a paragraph, except where lines are broken to fit a width: there a paragraph ends before an
    empty line or an indented one.

    >>> split_paragraphs("Rain in Delhi.\n\n  Floods in Assam. ")
    ['Rain in Delhi.', 'Floods in Assam.']
    """
    lines = text.splitlines()
    if _is_wrapped(lines):
        lines = _INDENTED.split(text)
    return [line for line in map(str.strip, lines) if line]


def _is_wrapped(lines: Sequence[str]) -> bool:
    """Whether a sentence runs on from a long line to the next, and no line is longer than a page is wide."""
    return max(map(len, lines), default=0) <= WRAP and any(
        len(line) >= WRAP / 2 and line[-1:].isalnum() and follower[:1].islower()
        for line, follower in pairwise(lines)
    )


def count_words(text: str) -> int:
    """Count words, two characters for one where words are not spaced."""
    return len(text.split()) + len(_UNSPACED.findall(text)) // 2


# Paragraphs that recur in otherwise different articles


@dataclass(slots=True)
class Recurrence:
    """Where a paragraph recurs."""

    articles: int = 0
    at_edge: int = 0  # of these: with nothing but recurring paragraphs before it, or behind it
    witnesses: dict[str, str] = field(default_factory=dict)  # longest paragraph of its own: text

    def is_wide(self, paragraph: str, n_texts: int, least: int) -> bool:
        """Whether it has witnesses enough for what it is."""
        at_edge = 2 * self.at_edge >= self.articles
        is_label = not paragraph.endswith(STOPS) and not any(map(str.isdecimal, paragraph))
        is_long = count_words(paragraph) >= (SHORT_AT_EDGE if at_edge else SHORT)
        if is_long:
            return len(self.witnesses) >= max(least, RECURS * n_texts)
        share = LABEL_RECURS if at_edge and is_label else SHORT_RECURS
        return len(self.witnesses) >= max(least, SHORT_WITNESSES, share * n_texts)


def recurring_paragraphs(texts: Iterable[str], least: int) -> frozenset[str]:
    """Find the paragraphs that recur in at least `least` otherwise different texts of one source.

    Parameters
    ----------
    texts : iterable of str
        All different; gone through more than once.
    least : int

    Returns
    -------
    paragraphs : frozenset of str
    """
    texts = list(texts)
    if len(texts) < least:
        return frozenset()
    common = _common_hashes(texts, least)
    recurrences = _recurrences(texts, common)

    @functools.cache
    def own_pairs(text: str) -> frozenset[int]:
        own = (paragraph for paragraph in split_paragraphs(text) if hash(paragraph) not in common)
        return frozenset(map(hash, pairwise(_TOKEN.findall("\n".join(own)[:SAMPLE]))))

    def unlike(recurrence: Recurrence) -> bool:
        """Whether enough of the witnesses are unlike, as far as the first few of them can tell."""
        chosen: list[frozenset[int]] = []
        for _, text in sorted(recurrence.witnesses.items())[: 4 * least]:
            pairs = own_pairs(text)
            if all(len(pairs & other) < LIKE * min(len(pairs), len(other)) for other in chosen):
                chosen.append(pairs)
        return len(chosen) >= least

    return frozenset(
        paragraph
        for paragraph, recurrence in recurrences.items()
        if recurrence.is_wide(paragraph, len(texts), least) and unlike(recurrence)
    )


def _common_hashes(texts: Sequence[str], least: int) -> frozenset[int]:
    """Hashes of the paragraphs that stand in at least `least` texts: eight bytes for each are all we keep."""
    hashes = chain.from_iterable(set(map(hash, split_paragraphs(text))) for text in texts)
    values, counts = np.unique(np.fromiter(hashes, dtype=np.int64), return_counts=True)
    return frozenset(values[counts >= least].tolist())


def _recurrences(texts: Iterable[str], common: frozenset[int]) -> dict[str, Recurrence]:
    recurrences: dict[str, Recurrence] = {}
    for text in texts:
        paragraphs = split_paragraphs(text)
        shared = [hash(paragraph) in common for paragraph in paragraphs]
        if not any(shared):
            continue
        own = [paragraph for paragraph, is_shared in zip(paragraphs, shared, strict=True) if not is_shared]
        is_witness = sum(map(len, own)) >= OWN * sum(map(len, paragraphs))
        longest = max(own, key=lambda paragraph: (len(paragraph), paragraph), default="")
        first, last = _edges(shared)
        inside = frozenset(paragraphs[first:last])
        for paragraph in {p for p, is_shared in zip(paragraphs, shared, strict=True) if is_shared}:
            recurrence = recurrences.setdefault(paragraph, Recurrence())
            recurrence.articles += 1
            recurrence.at_edge += paragraph not in inside
            if is_witness:
                witness = recurrence.witnesses.get(longest, text)
                recurrence.witnesses[longest] = min(witness, text)
    return recurrences


def _edges(shared: Sequence[bool]) -> Span:
    """Bounds of the paragraphs from the first to the last that is not shared."""
    first = sum(1 for _ in takewhile(bool, shared))
    last = len(shared) - sum(1 for _ in takewhile(bool, reversed(shared)))
    return first, last


# Lines that open with a cue


class Cues(NamedTuple):
    """What opens a line of furniture, in one language; phrases are parted by semicolons.

    `alone` is furniture if the line holds nothing else but a number; `label` also if a colon or the like and
    a title follow; `call` whatever follows. An asterisk stands for words within a phrase.
    """

    alone: str
    label: str
    call: str


CUES = {
    "en": Cues(
        alone="""advertisement; advertisements; sponsored; sponsored content; comments; view comments;
        show comments; share; tweet; follow us; most popular; most read; most viewed; popular;
        popular stories; popular articles; popular posts; trending; trending now; top stories;
        recommended; recommended for you; subscribe; sign up; newsletter; newsletters; newsletter sign-up;
        manage newsletters; support us; donate; continue reading""",
        label="""read more; read next; read also; also read; see also; also see; see more; related;
        related article; related articles; related story; related stories; related news; related posts;
        related coverage; related content; related links; related topics; related video; related videos;
        more on this; more on this story; more on this topic; more stories; more coverage;
        further reading; recommended reading; you may also like; you might also like;
        you may also be interested in; you might also be interested in; you might be interested in;
        don't miss; share this""",
        call="""subscribe to our; subscribe to the * newsletter; subscribe now; subscribe today;
        subscribe here; subscribe on youtube; subscribe on apple podcasts; sign up for * newsletter;
        sign up for * newsletters; sign up for * briefing; sign up for our; sign up to our;
        sign up to receive; sign up here; sign up now; click here to; click here for; get * in your inbox;
        get * to your inbox; follow us on; follow * on twitter; follow * on facebook; like us on facebook;
        join us on facebook; join us on twitter; join the conversation; share this article;
        share this story; share this post; share on facebook; read or share this; read more about;
        read more from; read more here; read the full story; read the full article; leave a comment;
        post a comment; add a comment; have something to add; support our journalism;
        support independent journalism; support local journalism; donate now; donate today;
        become a member; story continues below; article continues below; continue reading below;
        continue reading the main story; advertisement continue reading; scroll down for video;
        thank you for subscribing; thanks for subscribing; already a subscriber""",
    ),
    "ja": Cues(
        alone="""コメント; コメント一覧; シェア; シェアする; ツイート; ツイートする; フォローする; 広告;
        スポンサーリンク; 人気記事; 人気の記事; 人気記事ランキング; アクセスランキング; 記事ランキング;
        注目記事; 新着記事; 最新記事; もっと見る; 続きを読む; 次のページへ; ピックアップ; コメントを書く;
        コメントを見る; コメントを投稿する; この記事をシェア; この記事をシェアする; この記事をツイートする;
        ニュースレターに登録する; メールマガジン登録; メルマガ登録""",
        label="""関連記事; 関連リンク; 関連ニュース; 関連情報; 関連サイト; 関連トピックス;
        あわせて読みたい; 合わせて読みたい; こちらもおすすめ; おすすめ記事; オススメ記事""",
        call="""この記事が気に入ったら; ニュースレターの登録はこちら; メールマガジンの登録はこちら;
        メルマガ登録はこちら; チャンネル登録はこちら; 会員登録はこちら; 続きはこちら; 関連記事をもっと見る""",
    ),
    "hi": Cues(
        alone="""टिप्पणियाँ; टिप्पणियां; टिप्पणी; विज्ञापन; शेयर; शेयर करें; साझा करें; सब्सक्राइब करें;
        लोकप्रिय; लोकप्रिय खबरें; सबसे ज्यादा पढ़ी गई; ट्रेंडिंग; फॉलो करें; और पढ़ें""",
        label="""यह भी पढ़ें; ये भी पढ़ें; इसे भी पढ़ें; संबंधित खबरें; संबंधित समाचार; संबंधित लेख""",
        call="""हमारे न्यूज़लेटर; न्यूज़लेटर की सदस्यता; इस लेख को साझा करें; इस खबर को शेयर करें;
        खबर शेयर करें; हमें फॉलो करें; हमें फेसबुक पर फॉलो करें; यहां क्लिक करें;
        यहाँ क्लिक करें""",
    ),
    "ar": Cues(
        alone="""إعلان; إعلانات; التعليقات; تعليقات; شارك; مشاركة; اشترك; اشترك الآن; تابعنا;
        الأكثر قراءة; الأكثر مشاهدة; الأكثر شعبية; النشرة البريدية; أضف تعليقا; المزيد""",
        label="""اقرأ أيضا; إقرأ أيضا; اقرأ المزيد; اقرأ كذلك; مواضيع ذات صلة; أخبار ذات صلة;
        مقالات ذات صلة; مواضيع متعلقة; أخبار متعلقة; قد يهمك; قد يهمك أيضا; شاهد أيضا""",
        call="""اشترك في نشرتنا; اشترك في النشرة; اشتركوا في نشرتنا; شارك هذا المقال; شارك هذا الخبر;
        شارك المقال; شارك الخبر; تابعنا على; تابعونا على; انقر هنا; اضغط هنا""",
    ),
    "fr": Cues(
        alone="""publicité; commentaires; commenter; voir les commentaires; partager; partagez; s'abonner;
        abonnez-vous; je m'abonne; newsletter; newsletters; les plus lus; les plus lues;
        articles les plus lus; suivez-nous; recommandé pour vous; partager sur facebook""",
        label="""lire aussi; à lire aussi; lire également; à lire également; à lire; lire la suite;
        voir aussi; à voir aussi; lire plus; en savoir plus; sur le même sujet; sur le même thème;
        articles liés; articles similaires; articles connexes; vous aimerez aussi""",
        call="""abonnez-vous à; abonnez-vous pour; inscrivez-vous à notre; inscrivez-vous à la newsletter;
        recevez * newsletter; recevez * par e-mail; partager cet article; partagez cet article;
        suivez-nous sur; cliquez ici; laisser un commentaire;
        soutenez notre journalisme; la suite après la publicité; la suite après cette publicité;
        déjà abonné""",
    ),
    "cs": Cues(
        alone="""reklama; inzerce; diskuse; komentáře; vstoupit do diskuse; sdílet; sdílejte; nejčtenější;
        nejčtenější články; newsletter; předplatit; předplaťte si; sledujte nás; pokračovat ve čtení;
        přihlásit se k odběru; sdílet článek; sdílejte článek; sdílet na facebooku; podpořte nás""",
        label="""čtěte také; čtěte dále; čtěte více; čtěte i; přečtěte si také; přečtěte si více;
        více k tématu; související; související články; související témata; mohlo by vás zajímat""",
        call="""odebírejte náš newsletter; odebírejte newsletter; přihlaste se k odběru;
        sledujte nás na; klikněte zde; článek pokračuje""",
    ),
    "el": Cues(
        alone="""διαφήμιση; σχόλια; κοινοποίηση; δημοφιλή; δημοφιλέστερα; δημοφιλή άρθρα; τα πιο δημοφιλή;
        πιο διαβασμένα; τα πιο διαβασμένα; newsletter; εγγραφή; ακολουθήστε μας; συνέχεια ανάγνωσης""",
        label="""διαβάστε επίσης; διαβάστε ακόμη; διαβάστε ακόμα; διαβάστε περισσότερα; διαβάστε σχετικά;
        δείτε επίσης; δείτε ακόμη; σχετικά άρθρα; σχετικές ειδήσεις; σχετικά θέματα;
        μπορεί να σας ενδιαφέρει""",
        call="""εγγραφείτε στο newsletter; εγγραφείτε στο ενημερωτικό; μοιραστείτε αυτό το άρθρο;
        μοιραστείτε το άρθρο; ακολουθήστε μας στο; ακολουθήστε το * στο google news; πατήστε εδώ;
        κάντε κλικ εδώ; αφήστε ένα σχόλιο""",
    ),
    "he": Cues(
        alone="""פרסומת; תגובות; הוסף תגובה; הוסיפו תגובה; שתף; שתפו; שיתוף; הנקראות ביותר; הנצפות ביותר;
        הפופולריות ביותר; כתבות פופולריות; ניוזלטר; הירשמו; עקבו אחרינו; שתפו את הכתבה""",
        label="""קראו גם; קרא גם; קראו עוד; קרא עוד; כתבות נוספות; כתבות קשורות; כתבות נוספות בנושא;
        עוד בנושא; ראו גם; אולי יעניין אתכם; אולי יעניין אותך""",
        call="""הירשמו לניוזלטר; הרשמו לניוזלטר; הצטרפו לניוזלטר; שתפו כתבה זו;
        עקבו אחרינו בפייסבוק; עקבו אחרינו בטוויטר; לחצו כאן""",
    ),
    "vi": Cues(
        alone="""quảng cáo; bình luận; ý kiến bạn đọc; gửi bình luận; chia sẻ; đọc nhiều; đọc nhiều nhất;
        xem nhiều; xem nhiều nhất; tin nổi bật; tin nóng; tin mới; tin cùng chuyên mục; theo dõi; đăng ký;
        đọc tiếp; chia sẻ bài viết; chia sẻ trên facebook; đăng ký kênh""",
        label="""đọc thêm; xem thêm; tin liên quan; bài liên quan; bài viết liên quan; tin bài liên quan;
        tin tức liên quan; có thể bạn quan tâm; có thể bạn thích; mời bạn đọc thêm""",
        call="""đăng ký nhận bản tin; đăng ký nhận tin; chia sẻ bài viết này; theo dõi chúng tôi trên;
        theo dõi * trên google news; bấm vào đây; nhấn vào đây""",
    ),
    "de": Cues(
        alone="""anzeige; werbung; kommentare; kommentieren; kommentar schreiben; teilen; artikel teilen;
        meistgelesen; meistgelesene artikel; beliebteste artikel; newsletter; abonnieren;
        jetzt abonnieren; folgen sie uns; diesen artikel teilen; auf facebook teilen;
        newsletter abonnieren""",
        label="""lesen sie auch; lesen sie mehr; lesen sie hierzu; lesen sie dazu; lesen sie dazu auch;
        weiterlesen; mehr lesen; mehr zum thema; mehr dazu; zum thema; siehe auch; auch interessant;
        verwandte artikel; verwandte themen; ähnliche artikel; das könnte sie auch interessieren""",
        call="""abonnieren sie unseren; abonnieren sie den newsletter;
        melden sie sich für unseren newsletter; zum newsletter anmelden; klicken sie hier;
        teilen sie diesen artikel; folgen sie uns auf;
        unterstützen sie unsere arbeit; unterstützen sie unabhängigen journalismus""",
    ),
    "es": Cues(
        alone="""publicidad; comentarios; comentar; ver comentarios; compartir; comparte; compártelo;
        suscríbete; suscríbase; newsletter; lo más leído; lo más visto; más leídas; las más leídas;
        síguenos; síganos; seguir leyendo; compartir en facebook; deja un comentario""",
        label="""lea también; lee también; leer también; leer más; lea más; lee más; te puede interesar;
        le puede interesar; también te puede interesar; noticias relacionadas; artículos relacionados;
        contenido relacionado; temas relacionados; ver también; vea también; no te pierdas""",
        call="""suscríbete a nuestro; suscríbete a nuestra; suscríbete al boletín;
        suscríbete a la newsletter; suscríbase a nuestro; suscríbase a nuestra; regístrate para recibir;
        recibe * en tu correo; comparte este artículo; comparte esta noticia; síguenos en; síganos en;
        haz clic aquí; haga clic aquí; apoya nuestro periodismo""",
    ),
}

# What may stand around a cue: bullets, brackets and arrows, but no quotation marks.
_FRAME = " \t\u00a0\u3000\ufeff\u200b*#|_~=–—-….:!()[]<>›»→⇒■□▲▼▶►▸◀●○◆◇★☆※•·・：！（）［］＜＞【】《》〈〉"
# Accents that Greek capitals go without, the apostrophe; and signs that most writers of Arabic leave out.
_ALIKE = str.maketrans("άέήίόύώϊϋΐΰ’", "αεηιουωιυιυ'", "\u0640\u064b\u064c\u064d\u064e\u064f\u0650\u0651")


def is_cue(line: str) -> bool:
    """Whether a line is short and opens with a cue of furniture, whatever frames it.

    >>> is_cue("【関連記事】"), is_cue("Read more: Floods in Assam"), is_cue("Share prices fell on Monday.")
    (True, True, False)
    """
    if len(line) >= CUE_CHARACTERS:
        return False
    bare = line.strip(_FRAME)
    if _fold(bare[:6])[:3] not in _openings() or count_words(bare) >= SHORT:
        return False
    return _pattern().match(_fold(bare)) is not None


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().translate(_ALIKE)


@functools.cache
def _openings() -> frozenset[str]:
    """First characters of the cues: few lines begin with them, so few are looked at closely."""
    return frozenset(phrase[:3] for cues in CUES.values() for kind in cues for phrase in _phrases(kind))


def _phrases(kind: str) -> list[str]:
    return [_fold(" ".join(phrase.split())) for phrase in kind.split(";")]


@functools.cache
def _pattern() -> re.Pattern[str]:
    kinds = zip(*CUES.values(), strict=True)
    alone, label, call = ("|".join(map(_expression, chain(*map(_phrases, kind)))) for kind in kinds)
    return re.compile(
        rf"(?:{alone}|{label})(?: ?\(?\d+\S?\)?)?$"
        rf"|(?:{label})(?: ?(?:[:|»>\])】〉》]|\.\.\.)| [–—-] )"
        rf"|(?:{call})"
    )


def _expression(phrase: str) -> str:
    """Turn a phrase into a regular expression that matches whole words, where words are spaced."""
    expression = re.escape(phrase).replace(r"\ \*\ ", " (?:[^.,:;!?]* )?")
    return expression if _UNSPACED.match(phrase) else rf"{expression}(?!\w)"
