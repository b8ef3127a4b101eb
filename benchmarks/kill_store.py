"""Kill a process that adds to a store, again and again, at instants left to chance; look at what is left.

    python benchmarks/kill_store.py [kills]

A batch that was acknowledged must be there, one that was not wholly or not at all, and the store sound. Then
the process begins again where it does not know how far it came, as one that is restarted would.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import tempfile
import time
from pathlib import Path

from common import write_results
from storyclust.articles.article import Article
from storyclust.datasets.newswire import make_newswire
from storyclust.store import NewsStore

LONGEST = 0.8  # seconds that a process may live


def add_until_killed(path: Path, batches: list[list[Article]], start: int, told: int) -> None:
    """Add batch after batch, and tell of each that it is stored."""
    with NewsStore.open(path) as store:
        store.add(batches[max(start - 1, 0)])  # reads the store into memory, and does again what may be done
        os.write(told, b"!")
        for batch in batches[start:]:
            store.add(batch)
            os.write(told, b".")
    os._exit(0)


def run_and_kill(path: Path, batches: list[list[Article]], start: int, seconds: float) -> int:
    """Let a process add for some seconds; how many batches it told of before it was killed."""
    hear, told = os.pipe()
    child = os.fork()
    if not child:
        os.close(hear)
        try:
            add_until_killed(path, batches, start, told)
        finally:
            os._exit(1)
    os.close(told)
    try:
        select.select([hear], [], [], 120.0)  # it has begun
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise SystemExit("the process that adds has failed by itself.")
        heard = b""
        while part := os.read(hear, 4096):
            heard += part
        return heard.count(b".")
    finally:
        os.close(hear)


def look(path: Path, batches: list[list[Article]], acknowledged: int) -> int:
    """How many batches are there; exits if the store is not as it should be."""
    with NewsStore.open(path, read_only=True) as store:
        if problems := store.check():
            raise SystemExit(f"after {acknowledged} batches: {problems}")
        stored, ids = len(store), {article.id for batch in batches for article in batch}
        there = next((k for k, batch in enumerate(batches) if sum(map(len, batches[:k])) == stored), None)
        if stored == len(ids):
            there = len(batches)
        if there is None or not acknowledged <= there <= acknowledged + 1:
            raise SystemExit(f"{acknowledged} batches were acknowledged, and {stored} articles are there.")
        for batch in batches[:there]:
            for article in batch:
                if store.article(article.id).text != article.text:
                    raise SystemExit(f"article {article.id} is not what was added.")
    return there


def kill_loop(folder: Path, kills: int, size: int = 20, seed: int = 1) -> dict[str, object]:
    """Kill so many times; what happened."""
    chance = random.Random(seed)  # noqa: S311
    articles = list(make_newswire(n_articles=size * 400, random_state=seed))
    batches = [articles[k : k + size] for k in range(0, len(articles), size)]
    for k in range(3):  # compiles the kernels
        with NewsStore.open(folder / "warm.db") as store:
            for batch in batches[3 * k : 3 * k + 3]:
                store.add(batch)
    path, there, surplus, rounds, stored = folder / "news.db", 0, 0, 0, 0
    for number in range(kills):
        if there > len(batches) - 60:  # begin another store
            stored += there
            path, there, rounds = folder / f"news{number}.db", 0, rounds + 1
        acknowledged = there + run_and_kill(path, batches, there, chance.uniform(0.0, LONGEST))
        there = look(path, batches, acknowledged)
        surplus += there - acknowledged
    with NewsStore.open(path) as store:
        for batch in batches[max(there - 1, 0) : there + 2]:
            store.add(batch)
        if store.check() or len(store) < min(there + 1, len(batches)) * size:
            raise SystemExit("what was interrupted cannot be completed.")
    return {
        "kills": kills, "articles in a batch": size, "stores": rounds + 1,
        "batches stored": stored + there, "stored but not acknowledged": surplus, "lost or torn": 0,
    }  # fmt: skip


if __name__ == "__main__":
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as folder:
        result = kill_loop(Path(folder), kills)
    print(result)
    write_results("store_kills", f"python benchmarks/kill_store.py {kills}", [result])
