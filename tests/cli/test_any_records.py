"""Records of any shape: each comes out with a label, or is named and counted, whatever the command."""

import json
import re
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXTS = (
    "The ferry Selka hit the pier in Aldmouth on Monday, and nobody was hurt.",
    "Parliament in Carrow adopted a budget at night.",
    "両相は会談した。成果があったと述べた。",
)
FIELDS = (
    *("id", "title", "text", "body", "published", "date", "source", "lang", "url", "headline", "content"),
    *("event", "thread", "duplicate_of", "plain_text", "publish_date", "author", "", "\ud800", "text.value"),
)
words = ("nan", "None", "2024-03-01", "03/07/2024", "<p>Snow &amp; ice</p>", "1e999", "https://a.example")
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=12),
    st.sampled_from(TEXTS), st.sampled_from(words),
)  # fmt: skip
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.dictionaries(st.sampled_from(["value", "name", "uri", "title", "x"]), scalars, max_size=3),
)
objects = st.dictionaries(st.sampled_from(FIELDS), values, max_size=6)
articles = st.builds(lambda text, rest: {**rest, "text": text}, st.sampled_from(TEXTS), objects)
written = st.one_of(objects, articles, articles, st.lists(scalars, max_size=2), scalars).map(json.dumps)
broken = st.sampled_from(["{", '{"text": "cut', "nonsense", "\ufeff{}", '{"text": "a"} {"text": "b"}'])
COMMANDS = {
    "dedup": ("-o", "{out}"),
    "threads": ("--labelled", "{out}", "-o", "{other}"),
    "links": ("-o", "{other}"),
    "furniture": ("-o", "{other}"),
    "tune": (),
    "add": ("-o", "{out}"),
}


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@given(st.lists(st.one_of(written, written, written, broken), min_size=1, max_size=6))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_record_is_labelled_or_named_and_counted(run, lines):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "feed.jsonl")
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="surrogatepass")
        for command, options in COMMANDS.items():
            out, other, rejects = (
                Path(folder, f"{command}.{name}.jsonl") for name in ("out", "other", "rejects")
            )
            given_options = [option.format(out=out, other=other) for option in options]
            files = [Path(folder, "news.db"), path] if command == "add" else [path]
            code, _, err = run(command, *files, *given_options, "--rejects", rejects)
            aside = len(lines_of(rejects))
            assert code == 0 or aside == len(lines), err
            assert not aside or "set aside " in err or "no record could be used; first: " in err
            if command in ("threads", "add"):
                labelled = [json.loads(line) for line in lines_of(out)]
                assert len(labelled) + aside == len(lines), (command, err)
                assert all(isinstance(each["thread"], int) for each in labelled)
            elif found := re.search(r"([\d,]+) records? read", err):
                assert int(found[1].replace(",", "")) == len(lines), (command, err)
