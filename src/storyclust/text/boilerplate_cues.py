"""Lines that are boilerplate by their words alone: newsletter, subscription and sharing cues."""

from __future__ import annotations

import functools
import re
import unicodedata
from itertools import chain
from typing import NamedTuple

CUE_CHARACTERS, CUE_WORDS = 120, 15  # a line with a cue is shorter
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


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
# What opens a paragraph about the article; a colon or a dash follows, or in some a date.
NOTES = """editor's note; editors' note; editors note; correction; clarification; note de la rédaction; ndlr;
    anmerkung der redaktion; anm. d. red.; nota del editor; nota de la redacción; nota do editor; 編集部注;
    編者注; ghi chú của tòa soạn; सम्पादकीय नोट; ملاحظة المحرر; poznámka redakce"""
DISCLAIMERS = """the opinions expressed; the views expressed; opinions expressed; views expressed;
    die hier geäußerten ansichten; las opiniones expresadas; les opinions exprimées"""
NOTE_CHARACTERS, NOTE_OPENING = 800, 80  # a note is shorter; its opening phrase is, too
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
    if _fold(bare[:6])[:3] not in _openings() or count_words(bare) >= CUE_WORDS:
        return False
    return _pattern().match(_fold(bare)) is not None


def is_note(line: str) -> bool:
    """Whether a paragraph is a note on the article: an editor's note, a correction, a disclaimer.

    >>> is_note("Editor’s note: This story has been updated."), is_note("Correction of the course is hard.")
    (True, False)
    """
    if len(line) > NOTE_CHARACTERS:
        return False
    return _note_pattern().match(_fold(line[:NOTE_OPENING].strip(_FRAME))) is not None


@functools.cache
def _note_pattern() -> re.Pattern[str]:
    openings = "|".join(map(re.escape, _phrases(NOTES)))
    date = r" ?[,(]? ?(?:[^\W\d_]{3,9}\.? )?\d[\w ,/.]{0,14}\)?"
    disclaimers = "|".join(map(re.escape, _phrases(DISCLAIMERS)))
    return re.compile(rf"(?:{openings})(?:{date})? ?[:—–-]|(?:{disclaimers})\b")


def count_words(text: str) -> int:
    """Count words, two characters for one where words are not spaced."""
    return len(text.split()) + len(UNSPACED.findall(text)) // 2


def cue_openings() -> frozenset[str]:
    """Phrases that cues begin with, as they are written and as they are compared."""
    kinds = [kind for cues in CUES.values() for kind in cues]
    written = (" ".join(each.split()) for kind in [*kinds, NOTES, DISCLAIMERS] for each in kind.split(";"))
    return frozenset(form for phrase in written for form in (phrase, _fold(phrase)))


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
    return expression if UNSPACED.match(phrase) else rf"{expression}(?!\w)"
