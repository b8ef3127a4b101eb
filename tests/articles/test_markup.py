"""Plain text of bodies that are HTML, have entities, or were decoded wrongly."""

import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storyclust.articles import Article, plain_text
from storyclust.articles.html_text import KNOWN, MAX_TAGS, Signs
from storyclust.articles.markup import TextCounts, texts_converted
from storyclust.articles.mojibake import is_suspect, mend
from storyclust.articles.records import article_from_record, articles_as_given, as_articles
from storyclust.errors import ConvertedTextWarning, StoryclustWarning

PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Ferry | Aldmouth Post</title><style>p { margin: 0 }</style>
<script>document.write("<b>" + (1 < 2) + "</p>");</script></head>
<body><header><a href="/">Aldmouth Post</a></header>
<nav><ul><li><a href="/sea">Sea</a></li><li><a href="/land">Land</a></li></ul></nav>
<main><article><header><h1>Ferry strikes pier</h1></header>
<!-- lead --><p>The ferry <em>Selka</em>&nbsp;struck
   the pier.</p>
<figure><img src="ferry.jpg" alt="x"><figcaption>The pier in May.</figcaption></figure>
<aside><p>Read also: storms</p></aside>
<p>Nobody was hurt.<br>Police said so.<iframe src="x"><p>no</p></iframe><svg><text>no</text></svg></p>
<ul><li>one boat</li><li>two piers</li></ul>
<table><tr><th>Year</th><th>Boats</th></tr><tr><td>2023</td><td>4</td></tr></table>
<form><p>Your address</p><button>Subscribe</button></form>
<noscript>Turn on scripts.</noscript><template><p>no</p></template>
</article></main><footer>All rights reserved</footer></body></html>"""


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Tom &amp; Ann met.</p><p>They agreed.</p>", "Tom & Ann met.\n\nThey agreed."),
        ("<p>One.</p>", "One."),
        ("<P ALIGN=center>Groß &uuml;ber&shy;all</P>", "Groß über\xadall"),
        ("<p>Été à Nîmes : « non&nbsp;».</p>\n<p>Fin.</p>", "Été à Nîmes : « non ».\n\nFin."),
        ("<p>首相は会見。</p><p>　次の段落。<br>三行目。</p>", "首相は会見。\n\n次の段落。\n三行目。"),
        ("<div>Премьер <b>встретил</b> посла.</div><div>Встреча шла час.</div>",
         "Премьер встретил посла.\n\nВстреча шла час."),
        ("<p dir='rtl'>قال الوزير <a href='/x'>اليوم</a>.</p>", "قال الوزير اليوم."),
        ("He said <b>no</b> today.", "He said no today."),
        ("Talks on <i>Night Boat</i>", "Talks on Night Boat"),
        ("Line one<br>line two<br/><br />Next", "Line one\nline two\n\nNext"),
        ("One. <br> Two. <br> Three.", "One.\nTwo.\nThree."),
        ("First text.<p>Second text.<P>Third text.", "First text.\n\nSecond text.\n\nThird text."),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("<table><tr><td>a<td>b<tr><td>c</table>after", "a\nb\nc\n\nafter"),
        ("<p>Cut off in the mid", "Cut off in the mid"),
        ("See <a href='https://example.org/?a=1&amp;b=2'>it</a>.\n\nNext\nline", "See it.\n\nNext\nline"),
        ("<p>A.<script>if (a < b) x('<p>')</script></p><style>p{}</style>", "A."),
        ("<p>one <b>two <i>three</b> four</i> <div>five", "one two three four\n\nfive"),
        ("<pre>a\n  b</pre><p>c\nd</p>", "a\nb\n\nc d"),
        ("Text.\n<!-- more -->\nRest.", "Text.\n\nRest."),
        ("<![CDATA[<p>One.</p>]]>", "One."),
        ("<p></p>", ""),
        ("<form><p>The whole page is a form.</p><script>x</script></form>", "The whole page is a form."),
        ("<figure><figcaption>Caption</figcaption></figure><p>Text.</p>", "Text."),
        ("<p>a\ud800b</p>", "a\ufffdb"),
        (PAGE, "Ferry strikes pier\n\nThe ferry Selka struck the pier.\n\nNobody was hurt.\nPolice said "
               "so.\n\none boat\ntwo piers\n\nYear\nBoats\n2023\n4"),
        # escaped once more, as in feeds
        ("&lt;p&gt;Tom &amp;amp; Ann.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;", "Tom & Ann.\n\nTwo."),
        ("<div>&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;</div>", "One.\n\nTwo."),
        ("<p>Write &lt;b&gt;so&lt;/b&gt; for bold.</p>", "Write <b>so</b> for bold."),
        ("<p>It&amp;#8217;s new.</p>", "It’s new."),
    ],
)  # fmt: skip
def test_html_becomes_text(html, text):
    assert plain_text(html) == text


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d, 1 < 2 <= 3, <3, <<<>>>, <>, </>",
        "Write to <ann@example.org> or see <https://example.org/a>.",
        "AT&T, R&D, Q&A; ?a=1&copy=2&lt=3 & so on",
        "The <b> tag makes text bold.",
        "The <b> tag makes text bold, and </b> ends it.",
        "The <b> tag makes text bold: <b>so</b>.",
        "Use <p> for paragraphs and </p> to end them.",
        "<i> is for italics, <u> for underlines.",
        "The <br> tag breaks lines. The <div> and <span> elements are generic.",
        'He wrote "<b>bold</b>" and `<hr>` on the board.',
        "「<b>」は太字、<br>タグは改行、段落は<p>タグです。",
        "a<b>c or if a <b and c> d",
        "List<String> x = f<T>(y)",
        "Shares of <A> and of <DD Holding> rose; <A/S Nord> fell.",
        "<moderator> Welcome. <guest> Thanks.",
        'Write "&amp;" for an ampersand.',
        "  indented\n\n\n\ttext  ",
        "“BOA MANHÃ” disse a irmã em São Paulo: NÃO À VENDA…",
        "«MAMÃ», «MAMÃ…» – ROMÂNIA, CÂND, ÎN",
        "Spaß” – “café”… à “bientôt” è…»",
        "Ông Nguyễn Văn Ấn: “NGÔ” và “NGÔ ĐÌNH”, CÂ”",
        "日本語、العربية, עברית, Ελληνικά, Привет, हिन्दी, 한국어",
        "",
    ],
)
def test_plain_text_stays(text):
    assert plain_text(text) is text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Tom &amp; Jerry&#8217;s &#x201c;house&#x201D;", "Tom & Jerry’s “house”"),
        ("a&nbsp;b &#150; 2 &lt; 3", "a b – 2 < 3"),
        ("it&amp;amp;amp;amp;amp;amp;#39;s", "it's"),
        ("AT&T &amp; R&D; &unknown; &#99999999;", "AT&T & R&D; &unknown; &#99999999;"),
        ("The &lt;b&gt; tag: &lt;b&gt;so&lt;/b&gt;", "The <b> tag: <b>so</b>"),
        ("Itâ€™s a cafÃ© in SÃ£o Paulo", "It’s a café in São Paulo"),
        ("“Right” quotes, and itâ€™s wrong", "“Right” quotes, and it’s wrong"),
        ("PresidentÃ¢â‚¬â„¢s", "President’s"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚ Ð¼Ð¸Ñ€", "Привет мир"),
        ("Â£5, 20 Â°C, CNNÂ\xa0said", "£5, 20 °C, CNN\xa0said"),
        ("Ã\xa0 Paris", "à Paris"),
        ("BOA MANHÃ”, SÃO\nMas cafÃ©", "BOA MANHÃ”, SÃO\nMas café"),
        ("<p>Itâ€™s &acirc;&euro;&trade;</p><p>20Â\xa0â‚¬</p>", "It’s ’\n\n20 €"),
    ],
)
def test_entities_and_mis_decoded_characters_are_mended(text, plain):
    assert plain_text(text) == plain
    assert plain_text(plain) in (plain, plain.replace("<b>so</b>", "so"))


ASCII = st.characters(exclude_characters="<&", max_codepoint=0x7F)
WORDS = st.text(ASCII | st.sampled_from("éßÀ“”…あ"))
SMALL_LETTERS = st.characters(min_codepoint=0xA1, max_codepoint=0x24F, categories=("Ll",))


@given(WORDS)
@example("\x00\x1c\x85 ")
def test_ascii_and_common_letters_without_markup_are_unchanged(text):
    assert plain_text(text) is text


LATIN = "abcdefghijklmnopqrstuvwxyzáâãàçéêíóôõúäöüßñ"


@given(st.text(LATIN + LATIN.upper().replace("SS", "ẞ") + " .,;:!?“”‘’«»…–—\n"))
def test_correct_latin_letters_and_punctuation_are_unchanged(text):
    """Words of correct letters, the first of them or all in capitals, with punctuation after them."""
    words = [word[:1] + word[1:].lower() if word[1:].isalpha() else word.lower() for word in text.split()]
    assert mend(" ".join(words)) == " ".join(words)


@given(st.text(SMALL_LETTERS, min_size=3, max_size=30))
def test_words_decoded_as_windows_1252_come_back(word):
    try:
        wrong = f"le {word} — the".encode().decode("cp1252")
    except UnicodeDecodeError:  # some bytes have no character there
        return
    assert mend(wrong) == f"le {word} — the"


TAGS = [*(f"<{name}>" for name in sorted(KNOWN)[:40]), "</p>", "<p>", "</b>", "<br/>", "<a href='x'>", "</a>"]
OTHERS = [
    "word",
    " ",
    "\n",
    "One. ",
    "&amp;",
    "&nbsp;",
    "&#8217;",
    "<",
    ">",
    "&",
    "“",
    "é",
    "<!--",
    "-->",
    "\0",
]
PIECES = st.sampled_from(TAGS + OTHERS)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_markup_is_read_and_a_second_time_changes_nothing(html):
    once = plain_text(html)
    if "&" not in html:  # decoded entities may look like markup, and then are text
        assert plain_text(once) == once


@given(st.lists(st.text("abcdefgh .", min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_paragraphs_come_back(paragraphs):
    html = "".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs)
    assert plain_text(html).split("\n\n") == [" ".join(paragraph.split()) for paragraph in paragraphs]


@pytest.mark.parametrize(
    ("hostile", "length"),
    [
        ("<" * 5_000_000, 5_000_000),
        ("<p>" + "<div>" * 200_000 + "deep" + "</div>" * 200_000, 4),
        ("".join(f"<p><font a={n}>x" for n in range(50_000)), 150_000 - 2),
        ("<a " * 1_000_000, 3_000_000),
        ("<p>" + " " * 5_000_000 + "x</p>", 1),
        ("&" * 3_000_000, 3_000_000),
        ("&" + "amp;" * 1_000_000, 1),
        ("<!--" * 1_000_000, 4_000_000),
        ("Ã" * 3_000_000, 3_000_000),
    ],
)
def test_hostile_texts_are_read_in_linear_time(hostile, length):
    """A quadratic step would take hours."""
    assert len(plain_text(hostile)) == length


def test_tags_beyond_the_first_thousands_do_not_count():
    assert Signs("<b>x</b>" * MAX_TAGS).good == MAX_TAGS // 2


def test_only_texts_with_sequences_of_two_are_suspect():
    assert not is_suspect("ascii")
    assert not is_suspect("Âge, Ãlvaro, São")
    assert is_suspect("x" * 1000 + "cafÃ©")
    assert is_suspect("Ð¼Ð¸Ñ€")


def test_nothing_is_imported_for_plain_texts():
    code = (
        "import sys; from storyclust.articles import as_articles; as_articles(['a < b', 'é “x”']);"
        "print(sorted({'lxml', 'ftfy', 'html'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Records


def test_the_record_stays_as_it_was():
    record = {"id": "a", "title": "<b>Ferry</b>\n&amp; pier", "body": "<p>It struck.</p>"}
    with pytest.warns(ConvertedTextWarning, match="^1 of 1 articles was HTML and was read as plain text.$"):
        article = article_from_record(record)
    assert (article.title, article.text) == ("Ferry & pier", "It struck.")
    assert article.to_record() == record


def test_strings_are_converted_and_articles_are_not():
    with pytest.warns(StoryclustWarning, match="^1 of 1 articles"):
        assert as_articles(["<p>One.</p>"])[0].text == "One."
    ready = Article("<p>One.</p>")
    assert as_articles([ready])[0].text == "<p>One.</p>"
    with pytest.warns(ConvertedTextWarning, match="^1 of 1 articles"):
        texts = [article.text for article in articles_as_given([ready, "<p>Two.</p>"])]
    assert texts == ["<p>One.</p>", "Two."]


def test_each_article_counts_once():
    counts = TextCounts()
    assert counts.read("<p>It&rsquo;s.</p>", "A &amp; B") == ("It’s.", "A & B")
    assert counts.read("A &amp; B", "cafÃ©") == ("A & B", "café")
    assert counts.read("<p>cafÃ©</p>") == ("café", "")
    assert counts.read("plain", "title") == ("plain", "title")
    assert (counts.articles, counts.html, counts.entities, counts.mended) == (4, 2, 1, 2)
    assert counts.message() == (
        "2 of 4 articles were HTML and were read as plain text; 1 had entities such as &amp;, now decoded; "
        "2 had mis-decoded characters, now mended."
    )


def test_nothing_is_said_of_plain_texts():
    assert texts_converted(5, 0, 0, 0) == ""
    assert texts_converted(5000, 0, 1200, 0) == (
        "1,200 of 5,000 articles had entities such as &amp;, now decoded."
    )
