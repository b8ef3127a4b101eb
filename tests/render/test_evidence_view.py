"""The comparison of two texts on a wide terminal, a narrow one, and in a pipe."""

import io
import re
import unicodedata

import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.dedup.evidence import explain
from storyclust.render.evidence_view import Words, cut, print_evidence, printable

ANSI = re.compile(r"\x1b\[([0-9;]*)m")
FERRY = "The harbour ferry struck the old pier on Monday morning and nobody was hurt, police said."
TALKS = "Ministers of both countries met in Tokyo for talks on trade, and agreed to meet again in May."
LONG = " ".join(f"word{k}" for k in range(100))
RED, GREEN = "31", "32"


def article(text, **fields):
    return Article(text, **{"id": "x", **fields})


def plain(a, b, **options):
    """Print two articles to what is no terminal."""
    file = io.StringIO()
    print_evidence(a, b, explain(a, b), Console(file=file, **options))
    return file.getvalue()


def shown(a, b, width, **options):
    """Print two articles to a terminal with colours."""
    options = {"force_terminal": True, "color_system": "standard", "legacy_windows": False, **options}
    return plain(a, b, width=width, **options)


def body(page):
    """Texts of a page, without what is said of them before."""
    return page.rstrip("\n").rpartition("\n\n")[2]


def coloured(page, colour):
    """Pieces of a page that have a colour."""
    found = []
    codes = ANSI.split(page)
    for code, text in zip(codes[1::2], codes[2::2], strict=True):
        if colour in code.split(";") and text.strip():
            found.append(text.strip())
    return found


# At the end of a pipe


def test_a_page_in_full():
    a, b = as_articles(
        [
            {
                "id": "ap-1",
                "title": "Ferry hits pier",
                "text": FERRY,
                "source": "AP",
                "date": "2024-03-04T07:05:00Z",
            },
            {
                "id": "yo-2",
                "title": "",
                "text": FERRY.replace("Monday", "Tuesday").replace(" old", ""),
                "source": "Yomiuri",
            },
        ]
    )
    assert plain(a, b) == (
        "a: ap-1 | AP | 4 Mar 2024, 07:05 UTC\n"
        "   Ferry hits pier\n"
        "b: yo-2 | Yomiuri\n"
        "overlap (a passage in common) | similarity 0.211 | containment 0.364 of b in a\n"
        "\n"
        "Shared passages: 2\n"
        "  7 words | a 48-88, b 45-85\n"
        "    morning and nobody was hurt, police said\n"
        "  5 words | a 0-28, b 0-28\n"
        "    The harbour ferry struck the\n"
        "\n"
        "The harbour ferry struck the [-old-] pier on [-Monday-] {+Tuesday+} morning and nobody was hurt, "
        "police said.\n"
    )


@pytest.mark.parametrize(
    ("a", "b", "line"),
    [
        (FERRY, FERRY.upper(), "exact (the same text) | similarity 1.000 | containment 1.000 of a in b"),
        (LONG, LONG + " end", "near (near copies) | similarity 0.990 | containment 1.000 of a in b"),
        (
            FERRY,
            f"{TALKS} {FERRY}",
            "excerpt (100% of a stands in b) | similarity 0.400 | containment 1.000 of a in b",
        ),
        (
            f"{TALKS} {FERRY}",
            FERRY,
            "excerpt (100% of b stands in a) | similarity 0.400 | containment 1.000 of b in a",
        ),
        (FERRY, TALKS, "none (no passage in common) | similarity 0.000 | containment 0.000 of a in b"),
    ],
)
def test_the_relation_is_said_in_words(a, b, line):
    assert line in plain(article(a), article(b)).splitlines()


def test_long_stretches_that_are_the_same_are_counted():
    a, b = article(f"{LONG} red {LONG}"), article(f"{LONG} blue {LONG}")
    words = LONG.split()
    head, tail = " ".join(words[:8]), " ".join(words[-8:])
    assert (
        body(plain(a, b))
        == f"[… 92 words the same …] {tail} [-red-] {{+blue+}} {head} [… 92 words the same …]"
    )
    assert body(plain(a, a)) == f"{head} [… 185 words the same …] {tail}"
    short = article(" ".join(words[:30]))
    assert body(plain(short, short)) == short.text


def test_at_most_three_passages_are_shown_and_shortened():
    pieces = [f"{name}{' '.join(f'{name}{k}' for k in range(70))}" for name in "pqrst"]
    page = plain(article(" ".join(pieces)), article(" - x - ".join(reversed(pieces))))
    assert "Shared passages: 5, the longest of them:\n" in page
    assert page.count(" | a ") == 3
    assert "p18 p19 [… 30 words …] p50 p51" in page


def test_a_text_that_is_the_same_needs_no_passages():
    assert "Shared passages" not in plain(article(FERRY), article(FERRY))


def test_text_in_scripts_without_spaces_is_cut_by_characters():
    text = "両外相は東京都内で会談し、安全保障協力を深めることで一致した。" * 4
    page = plain(article(text), article(text + "会見も開いた。"))
    assert body(page) == f"[… {len(text) - 24} characters the same …] {text[-24:]}{{+会見も開いた。+}}"


def test_paragraphs_are_kept_and_blank_lines_are_not():
    a, b = article("One two.\r\n\r\nThree four."), article("One two.\n\n\nThree five.")
    assert body(plain(a, b)) == "One two.\nThree [-four.-]{+five.+}"


@pytest.mark.parametrize("width", [None, 60, 120])
def test_an_article_of_no_text(width):
    options = {} if width is None else {"width": width, "force_terminal": True, "color_system": "standard"}
    page = plain(article("", id=""), article(FERRY), **options)
    assert "none (no passage in common)" in page
    assert "harbour ferry" in page
    assert "exact" in plain(article(""), article(""), **options)


def test_lines_are_not_folded_in_a_pipe():
    page = plain(article(f"{LONG} a"), article(TALKS * 5), width=40)
    assert TALKS * 5 in page
    assert max(map(len, page.splitlines())) > 400


def test_stdout_is_where_it_goes_by_default(capsys):
    a, b = article(FERRY), article(TALKS)
    assert print_evidence(a, b, explain(a, b)) is None
    out = capsys.readouterr().out
    assert out == plain(a, b)
    assert "\x1b" not in out


@pytest.mark.parametrize("options", [{"color_system": None}, {"no_color": True}])
def test_a_terminal_without_colours_gets_marks(options):
    page = shown(article("the red ferry sank"), article("the blue ferry sank"), 100, **options)
    assert body(page).strip() == "the [-red-] {+blue+} ferry sank"


# At a terminal


def test_texts_stand_side_by_side_with_changes_in_colour():
    page = shown(article("the red ferry sank today"), article("the blue ferry sank"), 100)
    (line,) = body(page).splitlines()
    assert ANSI.sub("", line).split() == "the red ferry sank today the blue ferry sank".split()
    assert coloured(line, RED) == ["red", "today"]
    assert coloured(line, GREEN) == ["blue"]
    assert coloured(line, "2") == ["the", "ferry sank", "the", "ferry sank"]
    assert "[-" not in page
    assert "{+" not in page


def test_texts_stand_one_above_the_other_where_there_is_little_room():
    page = shown(article("the red ferry sank"), article("the blue ferry sank"), 79)
    assert [line.strip() for line in ANSI.sub("", body(page)).splitlines()] == [
        "a  the red ferry sank",
        "b  the blue ferry sank",
    ]


@pytest.mark.parametrize("width", [40, 79, 80, 140])
def test_a_page_is_never_wider_than_the_terminal(width):
    japanese = "両外相は東京都内で会談し、安全保障協力を深めることで一致した。" * 6
    for a, b in [
        (f"{FERRY} {LONG} {TALKS}", f"{TALKS} {LONG} {FERRY}"),
        (japanese, japanese[:90] + "しかし" + japanese[40:]),
        ("x" * 300, "y" * 300),
    ]:
        page = shown(article(a, title=a, source="s" * 200), article(b), width)
        assert max(cell_len(ANSI.sub("", line)) for line in page.splitlines()) <= width


def test_rows_begin_anew_behind_what_is_left_out_and_with_paragraphs():
    a, b = f"one red two\n{LONG}\nthree four", f"one blue two\n{LONG}\nthree five"
    lines = ANSI.sub("", body(shown(article(a), article(b), 160))).splitlines()
    assert [line.split() for line in lines] == [
        "one red two one blue two".split(),
        [*LONG.split()[:7]] * 2,
        "[… 86 words the same …]".split(),
        [*LONG.split()[-7:]] * 2,
        "three four three five".split(),
    ]
    a, b = "one red two\nthree old four", "one blue two\nthree new four"
    lines = ANSI.sub("", body(shown(article(a), article(b), 80))).splitlines()
    assert [line.split() for line in lines] == [
        "one red two one blue two".split(),
        "three old four three new four".split(),
    ]


@pytest.mark.parametrize("width", [60, 100])
def test_nothing_of_either_text_is_lost_at_a_terminal(width):
    a, b = FERRY.replace("old ", ""), FERRY.replace("Monday", "Tuesday") + " " + TALKS
    page = ANSI.sub("", body(shown(article(a), article(b), width)))
    shown_words = re.findall(r"\w+", page)
    for word in {*re.findall(r"\w+", a), *re.findall(r"\w+", b)}:
        expected = (a.split() + b.split()).count(word)
        assert shown_words.count(word) >= expected


# Hostile articles

HOSTILE = "\x1b[31mred\x1b]0;owned\x07 \x9b2J\u202egnp.exe\u2066 a\x00b\x7fc\r\rd\u2028e \ud800f"


@pytest.mark.parametrize("width", [None, 60, 120])
def test_control_characters_do_not_reach_the_terminal(width):
    a = Article(f"{FERRY} {HOSTILE}", title=HOSTILE, id=HOSTILE, source=HOSTILE)
    b = Article(f"{HOSTILE} {FERRY}", title=HOSTILE, id=HOSTILE, source=HOSTILE)
    page = plain(a, b) if width is None else shown(a, b, width)
    assert_harmless(ANSI.sub("", page) if width else page)
    assert set(re.findall(r"\x1b\[[0-9;]*[A-Za-z]", page)) == set(re.findall(r"\x1b\[[0-9;]*m", page))


def assert_harmless(text):
    for char in text:
        assert char in "\n\u200c\u200d" or unicodedata.category(char) not in ("Cc", "Cf", "Cs"), ascii(char)


def test_markup_and_emoji_codes_are_text():
    text = "[red]not red[/red] :smile: [/] [link=x]y[/link] https://example.org 2024"
    a, b = Article(text, title=text, id=text, source=text), article(text + " end")
    assert plain(a, b).count(text) == 4
    page = shown(a, b, 200)
    assert text in ANSI.sub("", page)
    assert coloured(page, RED) == []


@settings(max_examples=40)
@given(reference.texts(8), reference.texts(8), st.sampled_from([None, 40, 100]))
def test_any_two_texts_can_be_shown(a, b, width):
    a, b = Article(a, title=b, id=a), Article(b, title=a, id=b)
    page = plain(a, b) if width is None else shown(a, b, width)
    assert_harmless(ANSI.sub("", page) if width else page)


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from("so it goes on".split()), max_size=12),
    st.lists(st.sampled_from("so it goes off".split()), max_size=12),
)
def test_either_text_can_be_read_off_the_marks(a, b):
    page = plain(article(" ".join(a)), article(" ".join(b)))
    text = body(page) if a or b else ""
    assert re.sub(r"\{\+.*?\+\}", " ", text).replace("[-", " ").replace("-]", " ").split() == a
    assert re.sub(r"\[-.*?-\]", " ", text).replace("{+", " ").replace("+}", " ").split() == b


# Pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" ", " "),
        ("a\t b ", "a b "),
        ("\n a\x0bb\u2029", "\na\nb\n"),
        ("می\u200cروم", "می\u200cروم"),
        ("a\u200bb\ufeff", "ab"),
    ],
)
def test_printable(text, expected):
    assert printable(text) == expected


def test_what_is_cut_and_what_is_left():
    words = [f"w{k} " for k in range(40)]
    text = "".join(words)
    assert cut(text, 8, 8) == ("".join(words[:8]), "[… 24 words …]", "".join(words[-8:]))
    assert cut(text, 0, 8) == ("", "[… 32 words …]", "".join(words[-8:]))
    assert cut(text, 8, 0) == ("".join(words[:8]), "[… 32 words …]", "")
    assert cut("".join(words[:32]), 8, 8) is None
    assert cut("", 0, 0) is None


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", "0 words"),
        ("one", "1 word"),
        ("東", "1 character"),
        ("東京都", "3 characters"),
        ("नई दिल्ली", "2 words"),
        ("x" * 2000, "1 word"),
    ],
)
def test_counts(text, count):
    assert Words.of(text).amount() == count
