"""Signatures out of datasketch's sketches, and into its index on a real Redis server."""

import contextlib
import doctest
import json
import os
import pickle
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from datasketch import LeanMinHash, MinHash, MinHashLSH, WeightedMinHashGenerator

import storyclust
from storyclust.dedup.estimators import MinHasher
from storyclust.dedup.lsh import candidate_pairs, choose_bands
from storyclust.errors import InputError, InputTypeError, MissingExtraError, StoryclustError
from storyclust.exchange import redis_index
from storyclust.exchange.datasketch import from_datasketch
from storyclust.exchange.redis_index import open_index, publish

SERVER = shutil.which("redis-server")
ENV = {**os.environ, "PYTHONPATH": str(Path(storyclust.__file__).parents[1])}


def texts(n, n_words=60, seed=0):
    """Texts of which every third is an edit of the one before, and every third of those an edit of that."""
    rng = np.random.default_rng(seed)
    words, out = rng.integers(0, 50_000, n_words), []
    for i in range(n):
        if i % 3 == 0 and i % 9 != 6:
            words = rng.integers(0, 50_000, n_words)
        else:
            words = words.copy()
            words[rng.integers(0, n_words, rng.integers(0, 3))] = rng.integers(0, 50_000)
        out.append(" ".join(f"w{word}" for word in words))
    return out


def sketch(hasher, text, **options):
    minhash = MinHash(num_perm=hasher.num_perm, seed=hasher.seed, hashfunc=int, **options)
    minhash.update_batch(hasher.shingle_hashes(text))
    return minhash


def keys_of(n):
    return [f"k{i}" for i in range(n)]


class TestFromDatasketch:
    def test_equal_to_our_own_signatures(self):
        hasher, some = MinHasher(num_perm=48, seed=5), texts(6)
        sketches = [sketch(hasher, text) for text in some]
        signatures = from_datasketch(sketches, hasher)
        assert signatures.dtype == np.uint32
        assert np.array_equal(signatures, hasher.transform(some))
        assert np.array_equal(signatures, from_datasketch(map(LeanMinHash, sketches), hasher))
        assert np.array_equal(
            signatures, from_datasketch([hasher.to_datasketch(row) for row in signatures], hasher)
        )

    def test_the_default_hasher_is_datasketchs_default(self):
        minhash = MinHash()
        minhash.update_batch([b"one", b"two"])
        assert np.array_equal(from_datasketch([minhash]), [minhash.hashvalues])

    def test_none_of_them(self):
        assert from_datasketch([], MinHasher(num_perm=16)).shape == (0, 16)

    def test_later_updates_do_not_reach_the_signatures(self):
        minhash = MinHash(num_perm=16)
        signatures = from_datasketch([minhash], MinHasher(num_perm=16))
        minhash.update(b"one")
        assert (signatures == 2**32 - 1).all()

    @pytest.mark.parametrize(
        ("made", "complaint"),
        [
            ({"scheme": "legacy"}, r"sketches\[3\] has scheme='legacy', but scheme='affine32' is wanted\."),
            ({"scheme": "affine64"}, r"sketches\[3\] has scheme='affine64', but scheme='affine32' is wanted"),
            ({"seed": 2}, r"sketches\[3\] has seed=2, but seed=1 is wanted\."),
            ({"num_perm": 32}, r"sketches\[3\] has num_perm=32, but num_perm=16 is wanted\."),
            ({"seed": 7, "num_perm": 32}, "has seed=7, num_perm=32, but seed=1, num_perm=16 is wanted"),
        ],
    )
    @pytest.mark.parametrize("kind", [MinHash, LeanMinHash])
    def test_of_other_make(self, made, complaint, kind):
        odd = MinHash(**{"num_perm": 16, **made})
        if kind is LeanMinHash:
            odd = LeanMinHash(odd)
        with pytest.raises(InputError, match=complaint):
            from_datasketch([MinHash(num_perm=16)] * 3 + [odd], MinHasher(num_perm=16))

    def test_of_other_permutations(self):
        odd = MinHash(permutations=MinHash(num_perm=16, seed=9).permutations, scheme="affine32", num_perm=16)
        with pytest.raises(InputError, match=r"sketches\[1\] has permutations of its own, .* seed=1 "):
            from_datasketch([MinHash(num_perm=16), odd], MinHasher(num_perm=16))

    @pytest.mark.parametrize(
        "other",
        [None, "text", WeightedMinHashGenerator(2, 16).minhash([1, 2])],
        ids=["None", "str", "weighted"],
    )
    def test_no_sketches(self, other):
        with pytest.raises(InputTypeError, match=rf"sketches\[0\] must be .*got {type(other).__name__}\."):
            from_datasketch([other])

    def test_a_single_sketch(self):
        with pytest.raises(InputTypeError, match="got one LeanMinHash; wrap it in a list"):
            from_datasketch(LeanMinHash(MinHash()))

    def test_bad_hasher(self):
        with pytest.raises(InputTypeError, match="hasher must be a MinHasher, got int"):
            from_datasketch([], 128)
        with pytest.raises(InputError, match="num_perm must be 1 to 65536, got 0"):
            from_datasketch([], MinHasher(num_perm=0))


class Server:
    """A redis-server on loopback, whose data live in memory only."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}/0"
        self.url = f"redis://{self.address}"
        self.process = subprocess.Popen(
            [
                SERVER,
                *f"--port {self.port} --bind 127.0.0.1 --appendonly no --dir {folder}".split(),
                "--save",
                "",
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            self.await_answer()
        except BaseException:
            self.stop()
            raise

    def await_answer(self):
        for _ in range(1000):
            assert self.process.poll() is None, "redis-server did not start"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as line:
                line.sendall(b"PING\r\n")
                if line.recv(7) == b"+PONG\r\n":
                    return
            time.sleep(0.02)
        pytest.fail("redis-server does not answer")

    @contextlib.contextmanager
    def client(self):
        with pytest.importorskip("redis").Redis(port=self.port) as client:
            yield client

    def content(self):
        """Everything in the database, comparable."""
        with self.client() as client:
            read = {
                b"hash": client.hgetall,
                b"list": lambda key: client.lrange(key, 0, -1),
                b"set": client.smembers,
                b"string": client.get,
            }
            return {key: read[client.type(key)](key) for key in client.scan_iter()}

    def commands(self):
        with self.client() as client:
            return {name: stats["calls"] for name, stats in client.info("commandstats").items()}

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory):
    if SERVER is None:
        pytest.skip("there is no redis-server on this machine")
    pytest.importorskip("redis", reason="the package redis is not installed")
    server = Server(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def server(redis_server):
    with redis_server.client() as client:
        client.flushall()
    return redis_server


@pytest.fixture
def mortal(redis_server, tmp_path):
    """A server that a test may stop."""
    server = Server(tmp_path)
    yield server
    server.stop()


HASHER = MinHasher(num_perm=32)


@pytest.fixture(scope="module")
def signatures():
    return HASHER.transform(texts(40))


def found(index, hasher, row):
    return {key.decode() for key in index.query(hasher.to_datasketch(row))}


def published(server, signatures, keys, **options):
    return publish(signatures, keys, hasher=HASHER, redis=server.url, **options)


def fresh_content(server, signatures, keys):
    """What a server holds to which nothing else was ever published."""
    with server.client() as client:
        client.flushall()
    published(server, signatures, keys)
    return server.content()


QUERIES = """
import json, sys
import numpy as np
from storyclust.exchange import open_index
from storyclust.dedup.estimators import MinHasher

hasher = MinHasher()
index = open_index(redis=sys.argv[1])
rows = np.load(sys.argv[2])
print(json.dumps([[key.decode() for key in index.query(hasher.to_datasketch(row))] for row in rows]))
"""


class TestPublish:
    def test_another_process_finds_what_candidate_pairs_finds(self, server, tmp_path):
        hasher = MinHasher()
        signatures = hasher.transform(texts(2000))
        publish(signatures, keys_of(2000), redis=server.url)
        asked = range(0, 2000, 10)
        np.save(tmp_path / "rows.npy", signatures[asked])
        child = subprocess.run(
            [sys.executable, "-c", QUERIES, server.url, tmp_path / "rows.npy"],
            env=ENV,
            check=True,
            capture_output=True,
        )
        wanted = {row: {row} for row in range(2000)}
        pairs, large_buckets = candidate_pairs(signatures, choose_bands(0.8, 128))
        assert not large_buckets
        for i, j in pairs.tolist():
            wanted[i].add(j)
            wanted[j].add(i)
        assert sum(len(wanted[row]) > 1 for row in asked) > 100
        assert [{int(key[1:]) for key in keys} for keys in json.loads(child.stdout)] == [
            wanted[row] for row in asked
        ]

    def test_it_is_datasketchs_own_layout(self, server, signatures):
        published(server, signatures, keys_of(40))
        index = MinHashLSH(
            num_perm=32,
            params=choose_bands(0.8, 32),
            prepickle=False,
            storage_config={"type": "redis", "basename": b"twin", "redis": {"port": server.port}},
        )
        for key, row in zip(keys_of(40), signatures, strict=True):
            index.insert(key.encode(), HASHER.to_datasketch(row))
        ours, twins = {}, {}
        for key, value in server.content().items():
            if key != b"storyclust_settings":
                name, _, rest = key.partition(b"_")
                (twins if name == b"twin" else ours)[rest] = (
                    {field: at.partition(b"_")[2] for field, at in value.items()}
                    if isinstance(value, dict)
                    else value
                )
        assert ours == twins
        for table in [index.keys, *index.hashtables]:
            table._redis.close()

    def test_again_changes_nothing_and_writes_nothing(self, server, signatures):
        published(server, signatures, keys_of(40))
        content, commands = server.content(), server.commands()
        published(server, signatures[::-1], keys_of(40)[::-1])
        assert server.content() == content
        since = server.commands()
        for writing in ["hset", "sadd", "rpush", "set", "hdel", "srem", "del"]:
            assert since.get(f"cmdstat_{writing}") == commands.get(f"cmdstat_{writing}")

    def test_another_signature_replaces(self, server, signatures):
        index = published(server, signatures[:2], ["a", "b"])
        index = published(server, signatures[[30]], ["a"])
        assert "a" not in found(index, HASHER, signatures[0])
        assert "a" in found(index, HASHER, signatures[30])
        assert "b" in found(index, HASHER, signatures[1])
        content = server.content()
        assert content == fresh_content(server, signatures[[30, 1]], ["a", "b"])

    def test_any_history_leaves_what_its_outcome_alone_would(self, server, signatures, monkeypatch):
        monkeypatch.setattr(redis_index, "BATCH", 7)
        rng = np.random.default_rng(3)
        last = {}
        for _ in range(8):
            keys = rng.permutation(keys_of(30))[: rng.integers(1, 25)].tolist()
            rows = rng.integers(0, 40, len(keys))
            published(server, signatures[rows], keys)
            last.update(zip(keys, rows.tolist(), strict=True))
        content = server.content()
        assert content == fresh_content(server, signatures[list(last.values())], list(last))

    @pytest.mark.parametrize("step", [0, 1, 3, "last"])
    def test_repeating_completes_an_interrupted_call(self, server, signatures, monkeypatch, step):
        """The line breaks after some of the bands, or between the buckets and the records."""
        from datasketch.storage import RedisListStorage

        index = published(server, signatures[:3], ["a", "b", "c"])
        step = index.b if step == "last" else step
        flushed, empty_buffer = [], RedisListStorage.empty_buffer

        def breaking(self):
            if len(flushed) == step:
                raise StoryclustError("broken")
            flushed.append(self)
            empty_buffer(self)

        changed = signatures[[20, 1, 2, 30]], ["a", "b", "c", "d"]
        with monkeypatch.context() as patch:
            patch.setattr(RedisListStorage, "empty_buffer", breaking)
            with pytest.raises(StoryclustError, match="broken"):
                published(server, *changed)
        assert "a" in found(index, HASHER, signatures[0])  # still found as it was
        published(server, *changed)
        assert server.content() == fresh_content(server, *changed)

    def test_a_record_written_twice_is_mended(self, server, signatures):
        """As two processes leave it that publish a key at the same time."""
        index = published(server, signatures[:2], ["a", "b"])
        index.insert(b"a", HASHER.to_datasketch(signatures[30]), check_duplication=False)
        published(server, signatures[[20]], ["a"])
        content = server.content()
        assert content == fresh_content(server, signatures[[20, 1]], ["a", "b"])

    def test_indexes_of_other_names_are_apart(self, server, signatures):
        published(server, signatures, keys_of(40))
        other = published(server, signatures[:1], ["x"], basename="other", threshold=0.5)
        assert found(other, HASHER, signatures[0]) == {"x"}
        assert found(open_index(hasher=HASHER, redis=server.url), HASHER, signatures[0]) >= {"k0"}

    def test_keys_in_any_script_and_of_any_kind(self, server, signatures):
        keys = ["日本経済新聞/1", " ", "a\nb\0c", "_keys", "é" * 1000]
        index = published(server, np.repeat(signatures[:1], 5, axis=0), keys)
        assert found(index, HASHER, signatures[0]) == set(keys)
        index.remove("日本経済新聞/1".encode())
        assert found(index, HASHER, signatures[0]) == set(keys[1:])

    def test_none(self, server):
        index = published(server, np.empty((0, 32), np.uint32), [])
        assert index.keys.size() == 0
        open_index(hasher=HASHER, redis=server.url)

    def test_nothing_is_unpickled(self, server, signatures):
        class Bomb:
            def __reduce__(self):
                return pytest.fail, ("unpickled",)

        index = published(server, signatures[:1], ["a"])
        planted = pickle.dumps(Bomb())
        with server.client() as client:
            for table in index.hashtables:
                for bucket in table.redis_keys():
                    client.sadd(bucket, planted)
        opened = open_index(hasher=HASHER, redis=server.url)
        assert set(opened.query(HASHER.to_datasketch(signatures[0]))) == {b"a", planted}

    def test_sketches_of_another_scheme_are_refused_by_an_opened_index(self, server, signatures):
        published(server, signatures[:1], ["a"])
        with pytest.raises(ValueError, match="scheme"):
            open_index(hasher=HASHER, redis=server.url).query(MinHash(num_perm=32, scheme="legacy"))

    def test_examples_of_the_docstrings(self, server, monkeypatch):
        for function in (publish, open_index):
            source = function.__doc__.replace("  # doctest: +SKIP", "").replace(
                "localhost:6379/0", server.address
            )
            example = doctest.DocTestParser().get_doctest(source, {}, function.__name__, None, 0)
            assert example.examples
            assert doctest.DocTestRunner().run(example).failed == 0

    def test_example_of_the_documentation(self, server, capsys):
        root = Path(__file__).parents[2]
        page = root / "docs" / "how-to" / "deduplicate-a-corpus.md"
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        found = [
            block for block in re.findall(r"^```py\n(.*?)^```", text, re.M | re.S) if "open_index" in block
        ]
        if not found:
            pytest.skip("there is no documentation beside the tests")
        articles = storyclust.read_articles(root / "examples" / "newsdesk.jsonl")
        (block,) = found
        exec(block.replace("localhost:6379/0", server.address), {"sc": storyclust, "articles": articles})  # noqa: S102
        assert capsys.readouterr().out.strip() == re.search(r"  # (\[.*\])$", block, re.M)[1]


class TestSettings:
    @pytest.mark.parametrize(
        ("hasher", "threshold", "complaint"),
        [
            (MinHasher(32, seed=2), 0.8, r"published with seed=1, not with seed=2; use"),
            (MinHasher(32, shingle_size=3), 0.8, r"with shingle_size=5, not with shingle_size=3;"),
            (MinHasher(64), 0.8, r"with num_perm=32, bands=\d+, rows=\d+, not with num_perm=64, bands="),
            (MinHasher(32), 0.5, r"threshold=0\.8, bands=10, rows=3, not with threshold=0\.5, bands="),
        ],
    )
    def test_others_are_refused(self, server, signatures, hasher, threshold, complaint):
        published(server, signatures, keys_of(40))
        content = server.content()
        options = {"hasher": hasher, "threshold": threshold, "redis": server.url}
        with pytest.raises(InputError, match=complaint) as caught:
            open_index(**options)
        assert f"Index 'storyclust' on Redis at {server.address} " in str(caught.value)
        with pytest.raises(InputError, match=complaint):
            publish(np.zeros((1, hasher.num_perm), np.uint32), ["k0"], **options)
        assert server.content() == content

    def test_of_another_version(self, server, signatures, monkeypatch):
        published(server, signatures, keys_of(40))
        monkeypatch.setattr(redis_index, "FORMAT", 2)
        with pytest.raises(InputError, match="published with format=1, not with format=2"):
            open_index(hasher=HASHER, redis=server.url)

    def test_no_such_index(self, server):
        with pytest.raises(InputError, match=r"no index 'news' on Redis at 127\.0\.0\.1:\d+/0; publish"):
            open_index(hasher=HASHER, redis=server.url, basename="news")
        assert server.content() == {}

    @pytest.mark.parametrize("settings", [None, b"\xff\x00", b"[]", b'{"num_perm": 32}'])
    def test_an_index_of_other_make(self, server, signatures, settings):
        published(server, signatures, keys_of(40))
        with server.client() as client:
            client.delete("storyclust_settings")
            if settings is not None:
                client.set("storyclust_settings", settings)
        for attempt in (
            lambda: open_index(hasher=HASHER, redis=server.url),
            lambda: published(server, signatures, keys_of(40)),
        ):
            with pytest.raises(InputError, match="was not published by storyclust; choose another"):
                attempt()

    def test_the_first_of_two_publishers_decides(self, server, signatures, monkeypatch):
        """Both have found no settings; the other one was quicker to write."""
        stored_settings, calls = redis_index.stored_settings, []

        def slow(spec):
            calls.append(spec)
            if len(calls) > 1:
                return stored_settings(spec)
            with server.client() as client:
                client.set("storyclust_settings", json.dumps({**spec.settings, "seed": 2}))
            return None

        monkeypatch.setattr(redis_index, "stored_settings", slow)
        with pytest.raises(InputError, match="published with seed=2, not with seed=1"):
            published(server, signatures, keys_of(40))


def refuse(complaint, kind=InputError, **changed):
    """Nothing here may reach a server: none listens at port 1."""
    options = {"signatures": np.zeros((2, 32), np.uint32), "keys": ["a", "b"], "hasher": HASHER}
    with pytest.raises(kind, match=complaint) as caught:
        publish(**{**options, "redis": "redis://127.0.0.1:1/0", **changed})
    return str(caught.value)


class TestArguments:
    @pytest.fixture(autouse=True)
    def _client(self):
        pytest.importorskip("redis", reason="the package redis is not installed")

    def test_signatures(self):
        refuse(
            r"uint32 array of shape \(n, 32\), got uint32 of shape \(2, 31\)",
            signatures=np.zeros((2, 31), np.uint32),
        )
        refuse(
            r"uint32 array of shape \(n, 32\), got uint64 of shape \(2, 32\)",
            signatures=np.zeros((2, 32), np.uint64),
        )
        refuse(r"got uint32 of shape \(32,\)", signatures=np.zeros(32, np.uint32))

    def test_keys(self):
        refuse("keys must be as many as signatures, got 1 for 2", keys=["a"])
        refuse("keys must be a sequence of str, got one str", keys="ab")
        refuse(r"keys\[1\] must be str, got bytes", kind=InputTypeError, keys=["a", b"b"])
        refuse(r"keys\[1\] must not be empty", keys=["a", ""])
        refuse(r"keys\[1\] repeats keys\[0\]: 'a'", keys=["a", "a"])
        refuse(r"keys\[1\] cannot be written in UTF-8: '\\ud800'", keys=["a", "\ud800"])

    def test_basename(self):
        for name in ["", "a_keys", "a_bucket_b"]:
            refuse(rf"basename must be a name without _keys or _bucket_, got '{name}'", basename=name)
        refuse("basename must be str, got bytes", kind=InputTypeError, basename=b"news")
        refuse("basename cannot be written in UTF-8", basename="\udc00")

    def test_threshold(self):
        refuse("threshold must lie in", threshold=0)
        refuse("threshold=1 with num_perm=32 makes a single band", threshold=1)

    def test_hasher(self):
        refuse("hasher must be a MinHasher, got str", kind=InputTypeError, hasher="affine32")

    def test_address(self):
        refuse("redis must be the address of a server as str, got dict", kind=InputTypeError, redis={})
        refuse("redis must be an address such as .*, got 'http://localhost'", redis="http://localhost")
        for url in ["http://me:secret@host", "redis://:secret/0@host", "redis://h:1?db=x&password=secret"]:
            assert "secret" not in refuse("redis must be an address such as .*, got one that", redis=url)

    def test_no_server_there(self):
        refuse(r"No Redis server answers at 127\.0\.0\.1:1/0; start one there, or give another address\.")
        with pytest.raises(InputError, match=r"No Redis server answers at /nowhere/redis\.sock/2;"):
            open_index(redis="unix:///nowhere/redis.sock?db=2")
        assert "secret" not in refuse("No Redis server answers", redis="redis://me:secret@127.0.0.1:1/0")

    def test_a_server_that_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            address = f"127.0.0.1:{mute.getsockname()[1]}/0"
            refuse(f"No Redis server answers at {address}", redis=f"redis://{address}?socket_timeout=0.1")

    @pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["hangs up", "web"])
    def test_a_server_of_another_kind_is_tried_once(self, reply):
        calls = []

        def answer(server):
            with contextlib.suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line:
                        calls.append(line.recv(4096))
                        line.sendall(reply)

        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=answer, args=[server])
            thread.start()
            address = f"127.0.0.1:{server.getsockname()[1]}/0"
            refuse(
                f"^(Redis|No Redis server answers) at {address}", StoryclustError, redis=f"redis://{address}"
            )
            server.shutdown(socket.SHUT_RDWR)
        thread.join()
        assert len(calls) == 1


def test_without_the_package_redis(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtraError, match=r'An index on Redis needs .*"storyclust\[redis\]"'):
        open_index()


class TestServerTrouble:
    def test_gone(self, mortal, signatures):
        published(mortal, signatures, keys_of(40))
        mortal.stop()
        for attempt in (
            lambda: open_index(hasher=HASHER, redis=mortal.url),
            lambda: published(mortal, signatures, keys_of(40)),
        ):
            with pytest.raises(InputError, match=f"^No Redis server answers at {mortal.address}; start one"):
                attempt()

    def test_gone_halfway(self, mortal, signatures, monkeypatch):
        monkeypatch.setattr(redis_index, "BATCH", 10)
        publish_batch, batches = redis_index.publish_batch, []

        def stopping(*batch):
            batches.append(batch)
            if len(batches) == 3:
                mortal.stop()
            publish_batch(*batch)

        monkeypatch.setattr(redis_index, "publish_batch", stopping)
        with pytest.raises(InputError, match=f"^No Redis server answers at {mortal.address}"):
            published(mortal, signatures, keys_of(40))
        assert len(batches) == 3

    def test_a_password_is_wanted(self, mortal, signatures):
        with mortal.client() as client:
            client.config_set("requirepass", "open sesame")
        for word in ["", ":wrong%20word@"]:
            mortal.url = f"redis://{word}{mortal.address}"
            with pytest.raises(InputError, match=f"^Redis at {mortal.address} wants a password, or another"):
                published(mortal, signatures, keys_of(40))
        mortal.url = f"redis://:open%20sesame@{mortal.address}"
        assert "k0" in found(published(mortal, signatures, keys_of(40)), HASHER, signatures[0])

    def test_out_of_memory(self, mortal, signatures):
        with mortal.client() as client:
            client.config_set("maxmemory", 1)
        with pytest.raises(StoryclustError, match=f"^Redis at {mortal.address} refuses: .*maxmemory"):
            published(mortal, signatures, keys_of(40))

    def test_an_address_that_asks_for_text(self, server, signatures):
        server_url = f"{server.url}?decode_responses=True"
        index = publish(signatures[:1], ["a"], hasher=HASHER, redis=server_url)
        assert index.query(HASHER.to_datasketch(signatures[0])) == [b"a"]
        publish(signatures[:1], ["a"], hasher=HASHER, redis=server_url)
