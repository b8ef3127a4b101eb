"""Reading articles from files of every format, complete and damaged, and writing records."""

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import os
import signal
import stat
import subprocess
import sys
import threading
import warnings
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import storyclust
from storyclust.articles import plain_text
from storyclust.articles.field_values import is_blank
from storyclust.errors import (
    ConvertedTextWarning,
    InputError,
    InputTypeError,
    MissingExtraError,
    StoryclustWarning,
)
from storyclust.io import ReadReport, Reject, open_output, read_articles, write_records

PACK = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress, ".zst": zstandard.compress}
ENV = {**os.environ, "PYTHONPATH": str(Path(storyclust.__file__).parents[1])}
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def texts(articles):
    return [article.text for article in articles]


def read(*paths, **options):
    """Read with a report, which silences the warnings."""
    report = ReadReport()
    return read_articles(*paths, report=report, **options), report


def child(code, *arguments, **options):
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], env=ENV, check=False, **options)


@pytest.fixture
def put(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


ONE_TWO = [{"id": "1", "text": "one"}, {"id": "2", "text": "two"}]


def encoded(kind):
    rows = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ONE_TWO), rows)
    return {
        "jsonl": lines(*ONE_TWO),
        "json": json.dumps(ONE_TWO, indent=2).encode(),
        "csv": b"id,text\r\n1,one\r\n2,two\r\n",
        "tsv": b"id\ttext\n1\tone\n2\ttwo",
        "parquet": rows.getvalue(),
    }[kind]


# Formats and names


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(
            ("a.jsonl", "jsonl"),
            ("A.NDJSON", "jsonl"),
            ("a.json", "json"),
            ("a.CSV", "csv"),
            ("a.tsv", "tsv"),
        ),
        *(
            ("a.parquet", "parquet"),
            ("a.PQ", "parquet"),
            ("a.jsonl.GZ", "jsonl"),
            ("a.parquet.gz", "parquet"),
        ),
        *(("a", "jsonl"), ("a.dat", "json"), ("a.dat", "csv"), ("a.log.xz", "jsonl"), ("a.bin", "parquet")),
        *(("a.jsonl", "json"), ("a.json", "jsonl")),
    ],
)
def test_every_format_by_name_or_content(put, name, kind):
    pack = PACK.get(Path(name).suffix.lower(), bytes)
    articles = read_articles(put(name, pack(encoded(kind))))
    assert [(article.id, article.text) for article in articles] == [("1", "one"), ("2", "two")]
    assert articles[0].record == ONE_TWO[0]


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "tsv", "parquet"])
def test_the_format_can_be_given(put, kind):
    assert texts(read_articles(put("a.txt", encoded(kind)), format=kind)) == ["one", "two"]


def test_an_unknown_format_is_an_error(put):
    with pytest.raises(
        InputError, match="format must be one of jsonl, json, csv, tsv, parquet, txt, got 'xml'"
    ):
        read_articles(put("a.xml", "<a/>"), format="xml")


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet", "a", "a.jsonl.gz"])
def test_an_empty_file_has_no_articles(put, name):
    assert read_articles(put(name, b"")) == []
    assert name.endswith("parquet") or read_articles(put(name, b" \r\n\n")) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"status": "ok", "totalResults": 2, "articles": [{"text": "one"}, {"text": "two"}]}',
        '{"articles": [{"text": "one"}, {"text": "two"}]}\n',
        '{\n "articles": [{"text": "one"},\n {"text": "two"}],\n "tags": []}\n',
        '{"text": "one"}\n{"text": "two"}\n',
        '{"text": "one"}{"text": "two"}',
        '{\n"text": "one"\n}\n{\n"text": "two"\n}',
        '[{"text": "one"},\n{"text": "two"}]',
        '\n\n [ {"text": "one", "authors": [{"name": "x"}]}, {"text": "two"}, ]\n',
        "[]",
    ],
)
def test_json_comes_in_many_shapes(put, text):
    assert texts(read_articles(put("a.json", text))) == (["one", "two"] if text != "[]" else [])


def test_a_single_article_with_a_list_of_objects_is_one_article(put):
    path = put("a.json", '{"title": "t", "authors": [{"name": "x", "text": "y"}]}')
    assert [article.title for article in read_articles(path)] == ["t"]


def test_long_values_are_read_across_chunks(put):
    records = [{"text": "é" * 300_000}, {"text": "\\\"'" * 200_000}, {"text": "[{" * 3}] * 2
    for name, data in {"a.json": json.dumps(records).encode(), "a.jsonl": lines(*records)}.items():
        assert texts(read_articles(put(name, data))) == [record["text"] for record in records]


# CSV


def test_csv_fields_may_be_long_and_hold_new_lines(put):
    path = put("a.csv", f'id,text\n1,"a\n""b"",\r\nc"\n2,{"x" * 300_000}\n3,bad,3\n')
    articles, report = read(path)
    assert articles[0].text == 'a\n"b",\r\nc'
    assert len(articles[1].text) == 300_000
    assert report.rejects == [Reject(str(path), 6, "it has 3 columns where the header has 2", "3,bad,3")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_of_csv_is_guessed_from_its_header(put, delimiter):
    rows = [["id", "a,;\tb", "text"], ["1", "x", "o;n,e"]]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    assert texts(read_articles(put("a.csv", buffer.getvalue()))) == ["o;n,e"]


def test_csv_edge_cases(put):
    path = put("a.csv", "\ufeff\r\nid, Text ,x,x\r\n\r\n1,a\0b,c,d\r\n,,,\r\n2,short\r\n3,long,c,d,,\r\n")
    articles = read_articles(path)
    assert [article.content for article in articles] == ["a\0b", "short", "long"]
    assert articles[0].record == {"id": "1", " Text ": "a\0b", "x": "c", "x#2": "d"}


def test_an_unclosed_quotation_mark_is_reported(put):
    articles, report = read(put("a.csv", 'id,text\n1,one\n2,"two\n3,three\n'))
    assert texts(articles) == ["one"]
    assert [(reject.line, reject.raw) for reject in report.rejects] == [(3, '2,"two\n3,three')]
    assert "never closed" in report.rejects[0].reason


# Parquet


def test_parquet_keeps_types_and_reads_in_batches(put, tmp_path):
    stamp = datetime(2024, 3, 4, 17, tzinfo=UTC)
    table = pa.table(
        {"text": ["x"] * 10_000, "published": pa.array([stamp] * 10_000, pa.timestamp("ns", "UTC"))}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    articles = read_articles(tmp_path / "a.parquet")
    assert len(articles) == 10_000
    assert articles[-1].published == stamp


def test_one_bad_value_in_parquet_costs_one_row(tmp_path):
    offsets = pa.py_buffer(np.array([0, 1, 2, 3], dtype=np.int32).tobytes())
    names = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"a\xffc"))
    pq.write_table(pa.table({"text": names}), tmp_path / "a.parquet")
    articles, report = read(tmp_path / "a.parquet")
    assert texts(articles) == ["a", "c"]
    assert [reject.line for reject in report.rejects] == [2]


@pytest.mark.parametrize("data", [b"PAR1 and then nothing", b"no parquet at all"])
def test_invalid_parquet_is_reported(put, data):
    with pytest.raises(InputError, match=r"a\.parquet:1: not a readable Parquet file \("):
        read_articles(put("a.parquet", data))


def test_parquet_without_pyarrow_names_the_extra(put, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"storyclust\[parquet\]"):
        read_articles(put("a.parquet", b"PAR1"))
    path = put("b.parquet", b"old")
    with pytest.raises(MissingExtraError):
        write_records(path, ONE_TWO)
    assert path.read_bytes() == b"old"


# Text files and folders


def test_a_text_file_is_an_article_named_after_it(put):
    path = put("Tokyo talks.TXT", "\ufeff\r\n  Talks open \r\n\r\n  They met.\r\nAgain.\r\n")
    (article,) = read_articles(path)
    assert (article.id, article.title, article.text) == ("Tokyo talks", "Talks open", "  They met.\r\nAgain.")
    assert read_articles(put("b.txt", "only a line"))[0].content == "only a line"


def test_a_folder_gives_its_text_files_in_order(put, tmp_path):
    for name in ("b.txt", "a/z.txt", "a.txt.gz", ".hidden.txt", ".git/x.txt", "data.jsonl"):
        put(name, gzip.compress(b"A\nbody") if name.endswith("gz") else "A\nbody")
    assert [article.id for article in read_articles(tmp_path)] == ["a/z", "a", "b"]


def test_a_folder_without_text_files_gives_the_others(put, tmp_path):
    put("b.jsonl", lines({"text": "b"}))
    put("sub/a.csv.gz", gzip.compress(b"text\nc\n"))
    put("notes.md", "no")
    assert texts(read_articles(tmp_path)) == ["b", "c"]
    assert texts(read_articles(tmp_path, format="csv")) == ["c"]


def test_a_folder_without_readable_files_is_an_error(tmp_path):
    with pytest.raises(InputError, match="holds no file of a known format"):
        read_articles(tmp_path)


def test_empty_and_undecodable_text_files_are_rejects(put, tmp_path):
    put("a.txt", "fine")
    put("b.txt", " \n")
    put("c.txt", "fíne\nü".encode() + b"na\xefve")
    articles, report = read(tmp_path)
    assert len(articles) == 1
    assert [(Path(one.path).name, one.line, one.reason) for one in report.rejects] == [
        ("b.txt", 1, "the file is empty"),
        ("c.txt", 2, "not valid UTF-8 (byte 11)"),
    ]


def test_named_fields_do_not_concern_text_files(put):
    put("a.txt", "title\nbody")
    path = put("b.jsonl", lines({"lede": "x", "text": "y"}))
    articles = read_articles(path.parent / "a.txt", path, fields={"text": "lede"})
    assert texts(articles) == ["body", "x"]


# Paths


def test_paths_come_in_the_order_given_and_patterns_sorted(put, tmp_path):
    for name in ("n10.jsonl", "n2.jsonl", "x.jsonl"):
        put(name, lines({"text": name}))
    articles = read_articles([str(tmp_path / "x.jsonl"), tmp_path / "n*.jsonl"])
    assert texts(articles) == ["x.jsonl", "n10.jsonl", "n2.jsonl"]
    assert [article.id for article in articles] == ["0", "1", "2"]
    put("odd[1].jsonl", lines({"text": "odd"}))
    assert texts(read_articles(tmp_path / "odd[1].jsonl")) == ["odd"]
    assert len(read_articles(str(tmp_path.parent / "*" / "x.jsonl"))) >= 1


def test_a_missing_file_is_named_with_the_nearest(put, tmp_path):
    put("week.jsonl", b"")
    with pytest.raises(InputError, match=r"there is no file .*weak\.jsonl; did you mean .*week\.jsonl\?"):
        read_articles(tmp_path / "weak.jsonl")
    with pytest.raises(InputError, match=r"there is no file .*zzz\.$"):
        read_articles(tmp_path / "no" / "zzz")
    with pytest.raises(InputError, match=r"no file matches '.*\*\.jsonl'"):
        read_articles(tmp_path / "no*.jsonl")


def test_paths_of_other_types_are_an_error():
    with pytest.raises(InputTypeError, match="a path must be str or path-like, got int"):
        read_articles(3)
    for paths in ((), ([],)):
        with pytest.raises(InputError, match="needs a path"):
            read_articles(*paths)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_an_error(put):
    path = put("a.jsonl", b"{}")
    path.chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        read_articles(path)


@posix_only
def test_a_fifo_is_read_as_it_comes(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(encoded("parquet"),))
    writer.start()
    assert texts(read_articles(path)) == ["one", "two"]
    writer.join()


# Standard input

SHOW = "import sys, storyclust.io as io; print([a.text for a in io.read_articles('-', format=%r)])"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        *((encoded(kind), None) for kind in ("jsonl", "json", "csv", "parquet")),
        *((encoded(kind), kind) for kind in ("jsonl", "json", "csv", "tsv", "parquet")),
    ],
)
def test_standard_input_is_read_by_its_content(monkeypatch, data, kind):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert texts(read_articles("-", format=kind)) == ["one", "two"]


@pytest.mark.parametrize("suffix", PACK)
def test_standard_input_of_a_real_pipe_may_be_compressed(suffix):
    done = child(SHOW % None, input=PACK[suffix](encoded("jsonl")), capture_output=True)
    assert (done.stdout.strip(), done.stderr) == (b"['one', 'two']", b"")


def test_rejects_of_standard_input_are_named(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"text": "x"}\n{"text": }\n')))
    _, report = read("-")
    assert str(report.rejects[0]) == "<stdin>:2: not valid JSON (Expecting value, column 10)"


# Compression


@pytest.mark.parametrize("suffix", PACK)
def test_compressed_streams_may_follow_one_another(put, suffix):
    records = [{"text": f"{number}" * 50} for number in range(3000)]
    parts = [PACK[suffix](lines(*records[start : start + 1000])) for start in (0, 1000, 2000)]
    assert texts(read_articles(put(f"a.jsonl{suffix}", b"".join(parts)))) == [r["text"] for r in records]


def test_padding_and_skippable_frames_are_skipped(put):
    assert len(read_articles(put("a.jsonl.gz", gzip.compress(lines(*ONE_TWO)) + bytes(512)))) == 2
    assert len(read_articles(put("a.jsonl.xz", lzma.compress(lines(*ONE_TWO)) + bytes(8)))) == 2
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    assert len(read_articles(put("a.jsonl.zst", skippable + zstandard.compress(lines(*ONE_TWO))))) == 2


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("kind", ["jsonl", "json", "csv"])
def test_a_truncated_stream_gives_what_it_held(put, suffix, kind):
    rng = np.random.default_rng(0)
    records = [{"id": str(n), "text": rng.bytes(300).hex()} for n in range(4000)]
    path = put(f"a.{kind}", b"")
    write_records(path, records)
    whole = PACK[suffix](path.read_bytes())
    articles, report = read(put(f"a.{kind}{suffix}", whole[: len(whole) * 3 // 4]))
    assert 500 < len(articles) < 4000
    assert texts(articles) == [record["text"] for record in records[: len(articles)]]
    (reject,) = report.rejects
    assert reject.reason == "the compressed stream ends early"
    first_line = {"jsonl": 1, "json": 2, "csv": 2}[kind]
    assert abs(reject.line - (len(articles) + first_line)) <= 1
    assert kind != "jsonl" or reject.line == len(articles) + 1


@pytest.mark.parametrize("suffix", PACK)
def test_a_damaged_stream_is_reported(put, suffix):
    whole = bytearray(PACK[suffix](lines(*({"text": str(n) * 9} for n in range(2000)))))
    middle = len(whole) // 2
    whole[middle : middle + 40] = b"\xff" * 40
    report = ReadReport()
    with suppress(InputError):  # where the damage leaves nothing
        read_articles(put(f"a.jsonl{suffix}", bytes(whole)), report=report)
    assert "the compressed stream is damaged" in report.rejects[-1].reason


def test_compression_is_recognised_despite_a_wrong_extension(put):
    assert texts(read_articles(put("a.jsonl.gz", lines(*ONE_TWO)))) == ["one", "two"]
    assert texts(read_articles(put("a.jsonl", gzip.compress(lines(*ONE_TWO))))) == ["one", "two"]


# Bad records and odd bytes

BAD_LINES = [
    (b"{", "not valid JSON (Expecting property name enclosed in double quotes, column 2)"),
    (b"[1, 2]", "it is not an object but a list"),
    (b'"text"', "it is not an object but text"),
    (b"17", "it is not an object but a number"),
    (b"null", "it is not an object but null"),
    ('{"id": "é", "text": "na'.encode() + b'\xefve"}', "not valid UTF-8 (byte 25)"),
    (b'{"text": 5}', "text must be str, got int"),
    (b'{"text": null}', "text must be str, got NoneType"),
    (b'{"id": "x"}', "it has neither a text nor a title; its fields are: id"),
    (b"[" * 100_000, None),
    (b'{"text": ' + b"9" * 5000 + b"}", None),
    (b'{"text": "x"} {"text": "y"}', "not valid JSON (Extra data, column 15)"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_LINES)
def test_a_bad_line_is_set_aside(put, line, reason):
    path = put("a.jsonl", lines({"text": "x"}) + b"\n" + line + b"\r\n" + lines({"text": "y"}))
    articles, report = read(path)
    assert texts(articles) == ["x", "y"]
    (reject,) = report.rejects
    assert (reject.path, reject.line) == (str(path), 3)
    assert reason is None or reject.reason == reason
    assert reject.raw.startswith(line[:20].decode("utf-8", "backslashreplace"))
    assert len(reject.raw) <= 10_000
    assert (report.read, report.kept) == (3, 2)


def test_rejects_are_written_as_jsonl(put, tmp_path):
    path = put("a.jsonl", '{"text": "é"}\n'.encode() + b'{"text": "na\xefve"}\n{oops\n')
    target = tmp_path / "rejects.jsonl.gz"
    with pytest.warns(StoryclustWarning) as caught:
        read_articles(path, rejects=target)
    rows = [json.loads(line) for line in gzip.decompress(target.read_bytes()).splitlines()]
    assert [list(row) for row in rows] == [["path", "line", "reason", "raw"]] * 2
    assert [(row["line"], row["raw"]) for row in rows] == [(2, '{"text": "na\\xefve"}'), (3, "{oops")]
    assert [str(warning.message) for warning in caught] == [
        f"2 of 3 records were set aside, first: {path}:2: not valid UTF-8 (byte 13)."
    ]
    assert caught[0].filename == __file__
    read_articles(put("a.jsonl", lines(*ONE_TWO)), rejects=target)
    assert gzip.decompress(target.read_bytes()) == b""


def test_no_usable_record_is_an_error(put, tmp_path):
    path = put("a.jsonl", b"oops\n[]\n")
    with pytest.raises(InputError, match=r"no record could be used; first: .*a\.jsonl:1: not valid JSON"):
        read_articles(path, rejects=tmp_path / "r.jsonl")
    assert len((tmp_path / "r.jsonl").read_bytes().splitlines()) == 2


def test_a_named_field_that_no_file_has_is_an_error(put):
    path = put("a.jsonl", lines({"id": 1, "text": "x"}))
    with pytest.raises(
        InputError, match="no record has the field 'lede' named for text; the first has: id, text"
    ):
        read_articles(path, fields={"text": "lede"})


def test_the_report_counts_everything(put):
    records = [{"id": "a", "text": "x", "date": "2024-03-04"}, {"id": "a", "text": "y", "date": "soon"}]
    path = put("a.jsonl", lines(*records, {"text": "z"}) + b"oops\n")
    articles, report = read(path)
    assert (report.read, report.kept, len(report.rejects)) == (4, 3, 1)
    assert (report.undated, report.dates, report.bad_dates) == (2, 2, 1)
    assert report.first_bad_date == f"{path}:2 'soon'"
    assert report.renamed == [("a", "a#2")]
    assert len(report.messages()) == 3
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert read_articles(path) == articles
    assert [str(warning.message) for warning in caught] == report.messages()


def test_broken_json_arrays_give_what_stands_before_the_break(put):
    _, report = read(put("a.json", '[{"text": "x"},\n{"text": oops},\n{"text": "y"}]'))
    assert (report.kept, str(report.rejects[0]).rpartition("json:")[2]) == (
        1,
        "2: not valid JSON (Expecting value); the rest was not read",
    )
    _, report = read(put("a.json", '[{"text": "x"},\n{"te'))
    assert (report.kept, report.rejects[0].line) == (1, 2)
    _, report = read(put("a.json", '[{"text": "x"},\n'))
    assert report.rejects[0].reason == "the array is not closed: the file seems to be cut off"
    articles, report = read(put("a.json", b'[{"text": "\xff"},\n"a", {"text": "\xc3\xbc"}]'))
    assert texts(articles) == ["ü"]
    assert [(one.line, one.raw) for one in report.rejects] == [(1, '{"text": "\\xff"}'), (2, '"a"')]


def test_undecodable_csv_rows_are_set_aside(put):
    articles, report = read(put("a.csv", b"id,text\n1,na\xefve\n2,two\n3,a\rb\n4,f\xc3\xb6ur\n"))
    assert texts(articles) == ["two", "föur"]
    assert [(one.line, one.raw) for one in report.rejects] == [(2, "1,na\\xefve"), (4, "3,a\rb")]


@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        *((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
        *((codecs.BOM_UTF32_LE, "utf-32-le"), (b"", "utf-8")),
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.txt", "a", "a.jsonl.gz"])
def test_byte_order_marks_are_understood(put, mark, codec, name):
    text = {".csv": "text\r\nnaïve 東京\r\n", ".txt": "t\r\nnaïve 東京\r\n"}
    line = text.get(Path(name).suffix, '{"text": "naïve 東京"}\r\n')
    data = mark + line.encode(codec)
    assert texts(read_articles(put(name, PACK.get(Path(name).suffix, bytes)(data)))) == ["naïve 東京"]


def test_unusual_bytes_in_json_lines(put):
    data = b'\xef\xbb\xbf{"text": "a"}\r\n\r\n  \n\0\0{"text": "a\tb\x01"}\n\xef\xbb\xbf{"text": "\\ud800"}\n'
    data += b'{"text": "x", "score": NaN, "id": 123456789012345678901234567890}\n{"text": "e\xcc\x81\\u0000"}'
    articles = read_articles(put("a.jsonl", data))
    assert texts(articles) == ["a", "a\tb\x01", "\ud800", "x", "e\u0301\0"]
    assert articles[3].id == "123456789012345678901234567890"


# Writing

RECORD = {
    "id": "1",
    "text": 'a "b",\r\nc\rd\0',
    "n": 5,
    "f": 0.5,
    "flag": True,
    "none": None,
    "when": datetime(2024, 3, 4, 17, tzinfo=UTC),
    "tags": ["x", {"y": None}],
}
WRITTEN = {**RECORD, "when": "2024-03-04T17:00:00+00:00"}


@pytest.mark.parametrize("packing", ["", *PACK])
@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "tsv", "parquet"])
def test_records_written_are_read_again(tmp_path, kind, packing):
    path = tmp_path / f"out.{kind}{packing}"
    assert write_records(path, iter([RECORD, {"id": "2", "text": "two", "more": "m"}])) == 2
    one, two = read_articles(path)
    assert [one.text, two.text] == [RECORD["text"], "two"]
    assert two.record["more"] == "m"
    if kind in ("jsonl", "json"):
        assert one.record == WRITTEN
    elif kind == "parquet":
        assert {key: one.record[key] for key in ("n", "f", "flag", "when")} == {
            key: RECORD[key] for key in ("n", "f", "flag", "when")
        }
    else:
        assert list(one.record) == [*RECORD, "more"]
        assert [one.record[key] for key in ("n", "flag", "none", "when")] == [
            "5",
            "true",
            "",
            WRITTEN["when"],
        ]
        assert json.loads(one.record["tags"]) == RECORD["tags"]
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "tsv", "parquet"])
def test_no_records_make_an_empty_file(tmp_path, kind):
    path = tmp_path / f"out.{kind}"
    assert write_records(path, []) == 0
    assert read_articles(path) == []


def test_values_of_every_kind_become_json(tmp_path):
    record = {
        "np": [np.int64(5), np.float32(0.5), np.bool_(True), np.array([1, 2])],
        "nan": [float("nan"), np.float64("inf"), pd.NaT, pd.NA],
        "when": [pd.Timestamp("2024-03-04"), date(2024, 3, 4), time(5), np.datetime64("2024-03-04")],
        "other": [Decimal("1.50"), UUID(int=5), {"b", "a"}, (1, 2), b"x\xff", MappingProxyType({"k": 1})],
        "big": 10**30,
        5: timedelta(days=1),
        "lone": "\udc80",
    }
    for extra in ({}, {"surrogate": "\ud800"}):  # the second takes the way around orjson
        write_records(tmp_path / "a.jsonl", [MappingProxyType({**record, **extra})])
        written = json.loads((tmp_path / "a.jsonl").read_bytes())
        assert written["np"] == [5, 0.5, True, [1, 2]]
        assert written["nan"] == [None] * 4
        assert written["when"][:3] == ["2024-03-04T00:00:00", "2024-03-04", "05:00:00"]
        assert written["other"] == ["1.50", str(UUID(int=5)), ["a", "b"], [1, 2], "x\\xff", {"k": 1}]
        assert (written["big"], written["5"], written["lone"]) == (10**30, "1 day, 0:00:00", "\udc80")


def test_what_cannot_be_written_is_an_error_and_leaves_no_trace(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"old")
    with pytest.raises(InputTypeError, match="a value of type object cannot be written"):
        write_records(path, [{"a": object()}])
    with pytest.raises(InputTypeError, match=r"records\[1\] must be a mapping, got int"):
        write_records(path, [{}, 5])
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_lone_surrogates_become_replacement_characters_where_they_must(tmp_path):
    for kind in ("csv", "parquet"):
        write_records(
            tmp_path / f"a.{kind}",
            [{"text": "a\ud800b\udc00", "n": 1}, {"text": None, "n": "x"}, {"text": "c"}],
        )
        assert read(tmp_path / f"a.{kind}")[0][0].text == "a\ufffdb\ufffd"


def test_parquet_columns_of_mixed_types_become_text(tmp_path):
    rows = [
        {"text": "x", "mixed": 1, "empty": {}, "big": 10**30},
        {"text": "y", "mixed": ["a"], "nan": float("nan")},
    ]
    write_records(tmp_path / "a.parquet", rows)
    first, second = read_articles(tmp_path / "a.parquet")
    assert first.record == {"text": "x", "mixed": "1", "empty": "{}", "big": str(10**30), "nan": None}
    assert second.record["mixed"] == '["a"]'


def test_equal_records_make_equal_files(tmp_path):
    for packing in ("", *PACK):
        write_records(tmp_path / f"a.jsonl{packing}", ONE_TWO)
        write_records(tmp_path / f"b.jsonl{packing}", ONE_TWO)
        assert (tmp_path / f"a.jsonl{packing}").read_bytes() == (tmp_path / f"b.jsonl{packing}").read_bytes()


TEXT = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("\ud800\udc00\udcff\0\r\n\ufeff\u2028\"'"),
    max_size=20,
)


def paired(value):
    """Join surrogates that make a pair, as every reader of JSON does."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if isinstance(value, dict):
        return {paired(key): paired(item) for key, item in value.items()}
    return [paired(item) for item in value] if isinstance(value, list) else value


# A pair that came of two halves could be a key twice, and "x" keeps keys from being names of fields.
KEYS = TEXT.map(lambda text: "x" + paired(text))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.filterwarnings("ignore::storyclust.ConvertedTextWarning")  # records keep what was mended
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=4), TEXT, st.sampled_from(["jsonl", "json"])
)
def test_any_json_comes_back_as_it_was(tmp_path, records, text, kind):
    path = tmp_path / f"a.{kind}"
    records = [{**record, "title": "t", "text": text} for record in records]
    write_records(path, records)
    articles = read_articles(path)
    assert [article.record for article in articles] == [paired(record) for record in records]
    read = "" if is_blank(text) else plain_text(paired(text).removeprefix("\ufeff"))
    assert texts(articles) == [read] * len(records)


@pytest.mark.filterwarnings("ignore::storyclust.ConvertedTextWarning")  # as above
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXT, TEXT), max_size=4), st.sampled_from(["csv", "tsv", "parquet"]))
def test_any_text_comes_back_from_tables(tmp_path, rows, kind):
    path = tmp_path / f"a.{kind}"
    rows = [(text, f"t{title}") for text, title in rows]
    records = [{"id": str(row), "text": text, "title": title} for row, (text, title) in enumerate(rows)]
    write_records(path, records)
    expected = [
        ["".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text) for text in row] for row in rows
    ]
    assert [[article.record["text"], article.record["title"]] for article in read_articles(path)] == expected


# Texts that are not plain


def test_converted_texts_are_counted_once_over_files_of_all_kinds(tmp_path):
    bodies = ["<p>One.</p>", "Two &amp; 2.", "Three."]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"body": body}) + "\n" for body in bodies))
    (tmp_path / "b.txt").write_text("Headline\n\n<p>Four.</p>")
    paths = [tmp_path / "a.jsonl", tmp_path / "b.txt"]
    report = ReadReport()
    articles = read_articles(paths, report=report)
    assert texts(articles) == ["One.", "Two & 2.", "Three.", "Four."]
    assert articles[0].record == {"body": "<p>One.</p>"}
    assert (report.html, report.entities, report.mended) == (2, 1, 0)
    with pytest.warns(ConvertedTextWarning) as caught:
        read_articles(paths)
    assert [str(warning.message) for warning in caught] == report.messages()


# Where it is written


def test_the_format_of_the_output_must_be_known(tmp_path):
    for name in ("a.xml", "a", "a.txt", "a.gz"):
        with pytest.raises(InputError, match="has none of the endings"):
            write_records(tmp_path / name, [])
    assert write_records(tmp_path / "a.xml", ONE_TWO, format="ndjson") == 2
    assert texts(read_articles(tmp_path / "a.xml")) == ["one", "two"]


def test_standard_output_gets_json_lines_by_default(capfdbinary):
    write_records("-", ONE_TWO)
    write_records("-", ONE_TWO, format="tsv")
    assert capfdbinary.readouterr().out == lines(*ONE_TWO).replace(b": ", b":").replace(b", ", b",") + (
        b"id\ttext\r\n1\tone\r\n2\ttwo\r\n"
    )


def test_folders_and_missing_folders_are_errors(tmp_path):
    (tmp_path / "a.jsonl").mkdir()
    with pytest.raises(InputError, match="it is a folder"):
        write_records(tmp_path / "a.jsonl", [])
    with pytest.raises(InputError, match=r"cannot write .*b\.jsonl: No such file"):
        write_records(tmp_path / "no" / "b.jsonl", [])


@pytest.mark.parametrize("packing", ["", *PACK])
@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file(tmp_path, packing, failure):
    path = tmp_path / f"a.jsonl{packing}"
    path.write_bytes(b"old")

    def records():
        yield from [{"text": "x" * 1000}] * 1000
        raise failure

    with pytest.raises(failure):
        write_records(path, records())
    assert path.read_bytes() == b"old"
    assert [other.name for other in tmp_path.iterdir()] == [path.name]


def test_open_output_replaces_only_at_the_end(tmp_path):
    path = tmp_path / "report.html.gz"
    path.write_bytes(b"old")
    with open_output(path) as file:
        file.write(b"<p>")
        assert path.read_bytes() == b"old"
    assert gzip.decompress(path.read_bytes()) == b"<p>"


@posix_only
def test_links_are_followed_and_modes_kept(tmp_path):
    (tmp_path / "sub").mkdir()
    target, link = tmp_path / "sub" / "real.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(target)
    write_records(link, ONE_TWO)  # through a link to nothing yet
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~umask
    target.chmod(0o640)
    write_records(link, ONE_TWO[:1])
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert len(target.read_bytes().splitlines()) == 1


@posix_only
def test_devices_and_pipes_are_written_to_directly(tmp_path):
    assert write_records("/dev/null", ONE_TWO) == 2
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    path, got = tmp_path / "pipe", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    write_records(path, ONE_TWO)
    reader.join()
    assert len(got[0].splitlines()) == 2


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="has no /dev/stdout")
def test_dev_stdout_adds_to_what_the_shell_redirected(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"text": "zero"}\n')
    with path.open("ab") as file:
        code = "import storyclust.io as io; io.write_records('/dev/stdout', [{'text': 'one'}])"
        assert child(code, stdout=file).returncode == 0
    assert texts(read_articles(path)) == ["zero", "one"]


WRITE_MANY = """
import itertools, sys
from storyclust.io import write_records
{setup}
write_records(sys.argv[1], ({{"text": "x" * 100, "n": n}} for n in itertools.count()))
"""


@pytest.mark.faults
@posix_only
def test_a_disk_that_is_full_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"old")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))"
    done = child(WRITE_MANY.format(setup=limit), path, capture_output=True)
    assert b"OSError: [Errno 27]" in done.stderr or b"File too large" in done.stderr
    assert path.read_bytes() == b"old"
    assert [other.name for other in tmp_path.iterdir()] == ["a.jsonl"]


@pytest.mark.faults
def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"old")
    process = subprocess.Popen([sys.executable, "-c", WRITE_MANY.format(setup=""), path], env=ENV)
    while not any(other.stat().st_size for other in tmp_path.glob(".storyclust-*")):
        assert process.poll() is None
    process.kill()
    process.wait()
    assert path.read_bytes() == b"old"


@posix_only
def test_a_closed_pipe_raises_broken_pipe_error():
    with subprocess.Popen(
        [sys.executable, "-c", WRITE_MANY.format(setup=""), "-"],
        env=ENV,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert b"BrokenPipeError" in process.stderr.read()


@pytest.mark.faults
@posix_only
def test_an_interrupt_from_the_keyboard_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(b"old")
    interrupt = (
        "import os, signal, threading; threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()"
    )
    done = child(
        WRITE_MANY.format(setup=interrupt).replace("itertools.count()", "range(10**9)"),
        path,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGINT
    assert path.read_bytes() == b"old"
    assert [other.name for other in tmp_path.iterdir()] == ["a.csv.gz"]
