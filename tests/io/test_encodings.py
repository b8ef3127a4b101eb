"""Encodings other than UTF-8, and dialects of CSV."""

import csv
import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyclust.errors import InputError, StoryclustWarning
from storyclust.io import ReadReport, iter_articles, read_articles
from storyclust.io.dialects import Dialect
from storyclust.io.encodings import Recoder, detected_encoding, wide_encoding

SENTENCES = {
    "cp1252": [
        "L'été dernier, le président a été reçu à l'Élysée. Les élèves préfèrent les congés.",
        "Der Bürgermeister hat über die größten Straßen gesprochen; die Bürger müssen mehr bezahlen.",
        "El niño llegó mañana a la estación. ¿Qué pasó después? La reunión del año terminó según él.",
        "The minister said “we won’t go” – and left the café. Prices rose by £20 or €25. It’s over.",
        "A reunião não terminou: é possível aprovar a lei até amanhã, mas há dúvidas sobre as eleições.",
        "Regeringen på väg mot en överenskommelse. Många väljare är missnöjda och åker till Malmö.",
    ],
    "cp1250": ["Premier powiedział, że rząd będzie dążył do zgody. Łódź i źródło są tu; śnieg padał."],
    "iso8859-2": [
        "Předseda vlády řekl, že příští rok bude těžký. Žáci se vrátili do škol, kde je čekalo překvapení."
    ],
    "cp1251": ["Президент заявил, что переговоры продолжатся завтра. В Москве прошел снег."],
    "koi8-r": ["Президент заявил, что переговоры продолжатся завтра. В Москве прошел снег."],
    "cp1253": ["Ο πρωθυπουργός δήλωσε ότι οι συνομιλίες θα συνεχιστούν αύριο στην Αθήνα."],
    "cp1254": [
        "Cumhurbaşkanı görüşmelerin yarın İstanbul'da süreceğini söyledi; kar yağışı ulaşımı güçleştirdi."
    ],
    "cp1255": ["ראש הממשלה אמר כי השיחות יימשכו מחר בירושלים."],
    "cp1256": ["قال الرئيس إن المحادثات ستستمر غدا في القاهرة وسط تساقط الثلوج."],
    "cp932": ["東京で大雪が降り、交通機関に影響が出ています。首相は会議に出席しました。"],
    "euc_jp": ["東京で大雪が降り、交通機関に影響が出ています。首相は会議に出席しました。"],
    "gb18030": ["北京今天下大雪，交通受到影响。总理出席了会议并发表讲话。"],
    "big5": ["台北今天下大雨，交通受到影響。總理出席了會議並發表講話。"],
    "cp949": ["서울에 폭설이 내려 교통이 마비되었다. 대통령은 회의에 참석했다."],
    "mac_roman": [
        "L'été dernier, le président a été reçu à l'Élysée. Les élèves français préfèrent les congés."
    ],
}
CASES = [(codec, text) for codec, sentences in SENTENCES.items() for text in sentences]


@pytest.fixture
def put(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def read(path, **options):
    report = ReadReport()
    return [article.text for article in read_articles(path, report=report, **options)], report


@pytest.mark.parametrize(("codec", "text"), CASES)
@pytest.mark.parametrize("count", [1, 20])
def test_the_encoding_is_detected_and_named(put, codec, text, count):
    rows = "".join(f"{number}\t{text}\r\n" for number in range(count))
    path = put("week.tsv", f"id\ttext\r\n{rows}".encode(codec))
    found, report = read(path)
    assert found == [text] * count
    assert report.rejects == []
    assert list(report.encodings) == [str(path)]
    assert f"{path} was read as {report.encodings[str(path)]}; " in report.messages()[0]


def test_a_file_of_windows_loses_no_row(put):
    rows = [
        f"{n};Stra\u00dfe {n};Bürger Nr. {n} müssen zahlen" if n % 8 else f"{n};Haus;klein"
        for n in range(100)
    ]
    path = put("week.csv", "\r\n".join(["id;title;text", *rows]).encode("cp1252"))
    with pytest.warns(StoryclustWarning, match=r"week\.csv was read as cp1252"):
        articles = read_articles(path)
    assert [f"{one.id};{one.title};{one.text}" for one in articles] == rows


def test_the_first_odd_byte_may_come_late(put):
    text = "\n".join(["id,text", *(f"{n},plain and long enough {n}" for n in range(9000)), "z,café"])
    assert len(text) > 1 << 17
    found, report = read(put("a.csv", text.encode("cp1252")))
    assert (len(found), found[-1]) == (9001, "café")
    assert list(report.encodings.values()) == ["cp1252"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.txt", "a.jsonl.gz"])
def test_every_format_may_be_in_another_encoding(put, name):
    data = "Café\nnaïve" if name == "a.txt" else json.dumps({"text": "naïve"}, ensure_ascii=False) + "\n"
    data = data.encode("cp1252")
    assert read(put(name, gzip.compress(data) if name.endswith("gz") else data))[0] == ["naïve"]


def test_utf8_with_a_few_damaged_bytes_stays_utf8(put):
    found, report = read(put("a.csv", "text\nnaïve\nöffentlich\n".encode() + b"na\xefve\nplain\n"))
    assert found == ["naïve", "öffentlich", "plain"]
    assert ([one.line for one in report.rejects], report.encodings) == ([4], {})


def test_replacement_characters_in_utf8_are_characters(put):
    assert read(put("a.csv", "text\na\ufffdb\n".encode()))[0] == ["a\ufffdb"]


def test_a_character_cut_in_two_by_chunks_is_one(put):
    for shift in range(4):
        text = "x" * ((1 << 16) - 8 - shift) + "東京"
        found, report = read(put("a.csv", f"text\n{text}\n".encode()))
        assert (found, report.encodings) == ([text], {})


def test_the_encoding_can_be_given(put):
    path = put("a.csv", "text\nПривет\n".encode("cp866"))
    assert read(path, encoding="cp866")[0] == ["Привет"]
    assert read(path, encoding="cp866")[1].messages() == []
    assert [article.text for article in iter_articles(path, encoding="IBM866")] == ["Привет"]
    for name in ("nonsense", "base64", "rot13", ""):
        with pytest.raises(InputError, match="encoding must be one that Python knows"):
            read_articles(path, encoding=name)


def test_what_cannot_be_decoded_is_replaced_and_counted(put):
    path = put("a.csv", b"text\nna\x81\x8dve\n")
    found, report = read(path, encoding="cp1252")
    assert found == ["na\ufffd\ufffdve"]
    assert report.messages() == ["2 characters were not valid in the encoding and became U+FFFD."]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("text", ["naïve", "東京で大雪が降り、交通機関に影響が出ています。"])
def test_wide_encodings_with_and_without_a_mark(put, codec, mark, text):
    for name, data in {
        "a.csv": f"{mark}id,text\r\n1,{text}\r\n",
        "a.jsonl": f'{mark}{{"id": "1", "text": "{text}"}}\n',
    }.items():
        assert read(put(name, data.encode(codec)))[0] == [text]


def test_zeros_alone_are_not_utf16():
    assert wide_encoding(b'\0\0{"text": "a"}\n') is None
    assert wide_encoding(b"id,text\n1,a\0b\n" * 50) is None


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_give_utf8_or_themselves(data, size):
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    recoder = Recoder(None)
    out = b"".join(recoder.utf8(iter(chunks)))
    if recoder.taken:
        out.decode()
    elif not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        assert out == data.removeprefix(b"\xef\xbb\xbf")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\ufeff\0"), max_size=200), st.integers(1, 50))
def test_utf8_stays_as_it_is(text, size):
    data = text.encode()
    recoder = Recoder(None)
    assert b"".join(recoder.utf8(iter([data[at : at + size] for at in range(0, len(data), size)]))) == data


def test_little_text_is_read_as_windows_1252():
    assert detected_encoding(b"na\xefve") == "cp1252"


# Dialects


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_csv_of_every_kind(put, delimiter, end, declared, quoting, name):
    rows = [["id", "title", "text"], ["1", 'Said "no"', "a, b; c| d\te"], ["2", "x", ""]]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
    text = (f"sep={delimiter}{end}" if declared else "") + buffer.getvalue()
    articles = read_articles(put(name, text.encode()))
    assert [[one.id, one.title, one.text] for one in articles] == rows[1:]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('id,text\n1,"He said \\"no\\", and left"\n', ['He said "no", and left']),
        ("'id';'text'\n'1';'one; two'\n", ["one; two"]),
        ('id, "text"\n1, "one, two"\n', ["one, two"]),
        ('id,text\n1,"a ""quoted"" word"\n2,C:\\new\n', ['a "quoted" word', "C:\\new"]),
        ('id,text\n1,"ends with \\"\n2,"two"\n', ["ends with \\", "two"]),
    ],
)
def test_quotation_marks_and_escapes(put, text, rows):
    report = ReadReport()
    found = [one.text for one in iter_articles(put("a.csv", text.encode()), report=report)]
    assert found == rows
    assert report.rejects == []


def test_the_delimiter_of_the_header_decides():
    assert Dialect(b"title, long;text;date\n1;2;3\n", None).options["delimiter"] == ";"
    assert Dialect(b"text\n", "\t").options["delimiter"] == "\t"
    assert Dialect(b"id,text\n", "\t").options["delimiter"] == ","
