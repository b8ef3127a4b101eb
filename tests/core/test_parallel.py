"""Chunks, threads, errors in threads, and progress."""

import io
import os
import signal
import subprocess
import sys
import threading
import time

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import storyclust as sc
from storyclust._core import parallel, progress
from storyclust._core.parallel import AHEAD, cut_ranges, each_chunk, effective_jobs, map_chunks, map_shares
from storyclust._core.progress import ProgressBars, reporting_to, show_progress, stage


def rows(n):
    """One chunk for each of n rows."""
    return np.full(n, parallel.CHUNK_BYTES + 1, dtype=np.int64)


class Recorder:
    """A reporter that records all calls."""

    def __init__(self):
        self.calls = []

    def start(self, stage, total):
        self.calls.append(("start", stage, total))

    def advance(self, steps):
        self.calls.append(("advance", steps))

    def finish(self):
        self.calls.append(("finish",))

    @property
    def steps(self):
        return sum(entry[1] for entry in self.calls if entry[0] == "advance")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


# Ranges


@settings(max_examples=50)
@given(st.lists(st.integers(0, 300) | st.just(0), max_size=60), st.integers(1, 400))
def test_ranges_cover_all_rows_once_in_order(weights, chunk_bytes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "CHUNK_BYTES", chunk_bytes)
        ranges = list(cut_ranges(np.array(weights, dtype=np.int64)))
    assert [row for start, stop in ranges for row in range(start, stop)] == list(range(len(weights)))
    assert all(start < stop for start, stop in ranges)
    for start, stop in ranges:
        assert stop - start == 1 or sum(weights[start:stop]) <= chunk_bytes
        assert (
            stop == len(weights) or sum(weights[start : stop + 1]) > chunk_bytes
        )  # no room for one row more


def test_ranges_of_texts_larger_than_memory_are_cut_without_reading_them():
    ranges = list(cut_ranges(np.array([2**40, 1, 1, 2**40], dtype=np.int64)))
    assert ranges == [(0, 1), (1, 3), (3, 4)]


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1, 4))
def test_shares_are_no_more_than_threads(weights, n_jobs):
    shares = map_shares(lambda *each: each, np.array(weights, np.int64), n_jobs, "test")
    assert [row for start, stop in shares for row in range(start, stop)] == list(range(len(weights)))
    assert len(shares) <= n_jobs


# Jobs


def test_jobs_follow_the_rule_of_joblib():
    assert [effective_jobs(n) for n in (None, 1, 2, 7)] == [1, 1, 2, 7]
    assert 1 <= effective_jobs(-1) <= os.cpu_count()
    assert effective_jobs(-2) == max(1, effective_jobs(-1) - 1)
    assert effective_jobs(-10_000) == 1


@pytest.mark.parametrize("n_jobs", [None, 1, 2, 5, -1])
@pytest.mark.parametrize("n", [0, 1, 2, 37])
def test_results_come_in_the_order_of_rows(n, n_jobs):
    found = map_chunks(lambda start, stop: (start, stop), rows(n), n_jobs, "test")
    assert found == [(k, k + 1) for k in range(n)]


def test_results_come_in_order_though_later_chunks_are_done_first():
    second_done = threading.Event()

    def work(start, stop):
        if start == 0:
            assert second_done.wait(10)
        else:
            second_done.set()
        return start

    assert map_chunks(work, rows(2), 2, "test") == [0, 1]


# Errors


class BrokenError(Exception):
    pass


@pytest.mark.parametrize("error", [BrokenError, KeyboardInterrupt, SystemExit])
def test_an_error_ends_a_single_thread_at_once(error):
    begun = []

    def work(start, stop):
        begun.append(start)
        if start == 3:
            raise error("chunk 3")

    with pytest.raises(error, match="chunk 3"):
        map_chunks(work, rows(100), 1, "test")
    assert begun == [0, 1, 2, 3]


@pytest.mark.parametrize("error", [BrokenError, KeyboardInterrupt, SystemExit])
def test_an_error_in_a_thread_ends_the_others_before_they_begin_anew(error):
    begun = []
    others_may_go_on = threading.Event()

    def work(start, stop):
        begun.append(start)
        if start == 0:
            raise error("chunk 0")
        assert others_may_go_on.wait(10)

    try:
        with pytest.raises(error, match="chunk 0"):
            map_chunks(work, rows(100), 2, "test")
        assert set(begun) <= {0, 1, 2}  # those that were running when it happened
    finally:
        others_may_go_on.set()


def test_an_error_later_on_is_raised_though_nobody_fetches_later_results():
    def work(start, stop):
        if start == 30:
            raise BrokenError("chunk 30")

    with pytest.raises(BrokenError, match="chunk 30"):
        map_chunks(work, rows(31), 2, "test")


# Progress


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_steps_add_up_to_the_total(n_jobs, monkeypatch):
    monkeypatch.setattr(parallel, "CHUNK_BYTES", 10)
    recorder = Recorder()
    weights = np.array([3, 9, 0, 40, 2, 2, 2, 8, 1], dtype=np.int64)
    with reporting_to(recorder):
        map_chunks(lambda start, stop: None, weights, n_jobs, "reading")
    assert recorder.calls[0] == ("start", "reading", 9)
    assert recorder.calls[-1] == ("finish",)
    assert recorder.steps == 9


def test_every_stage_of_a_job_is_reported_and_ended():
    recorder = Recorder()
    with reporting_to(recorder):
        sc.Deduplicator().fit(
            ["the same text of seven words here", "the same text of seven words here now", "c"]
        )
    starts = [entry for entry in recorder.calls if entry[0] == "start"]
    assert len(starts) == recorder.calls.count(("finish",)) >= 2
    assert recorder.steps == sum(total for _, _, total in starts)
    recorder = Recorder()
    with reporting_to(recorder):
        sc.Deduplicator().fit(iter(["one text", "two texts", "one text"]))
    assert recorder.calls[0] == ("start", "signatures", None), "nobody knows how many will come"
    assert recorder.calls[1:3] == [("advance", 2), ("advance", 1)]
    assert all(isinstance(name, str) and name for _, name, _ in starts)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_stage_is_ended_after_an_error(n_jobs):
    def work(start, stop):
        raise BrokenError

    recorder = Recorder()
    with reporting_to(recorder), pytest.raises(BrokenError):
        map_chunks(work, rows(3), n_jobs, "test")
    assert recorder.calls[-1] == ("finish",)
    assert recorder.steps == 0


def test_reporters_nest_and_end():
    outer, inner = Recorder(), Recorder()
    with reporting_to(outer):
        with reporting_to(inner), stage("inside", 1) as advance:
            advance(1)
        with reporting_to(None), stage("unheard", 1) as advance:
            advance(1)
        with stage("outside", 2) as advance:
            advance(2)
    with stage("after", 1) as advance:
        advance(1)
    assert [entry for entry in inner.calls if entry[0] == "start"] == [("start", "inside", 1)]
    assert [entry for entry in outer.calls if entry[0] == "start"] == [("start", "outside", 2)]


def test_a_stage_inside_one_of_the_same_name_is_a_part_of_it():
    recorder = Recorder()
    with reporting_to(recorder), stage("terms", 6) as advance:
        advance(1)
        map_chunks(lambda start, stop: None, rows(3), 1, "terms")
        map_chunks(lambda start, stop: None, rows(2), 2, "terms")
        map_chunks(lambda start, stop: None, rows(2), 1, "other")
    starts = [entry[1:] for entry in recorder.calls if entry[0] == "start"]
    assert starts == [("terms", 6), ("other", 2)]
    assert recorder.steps == 8


def test_results_are_computed_lazily():
    made = []
    results = each_chunk(lambda start, stop: made.append(start), rows(100), 2, "test")
    next(results)
    deadline = time.monotonic() + 10
    while len(made) < 2 * AHEAD and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) <= 2 * AHEAD + 1
    results.close()


# Bars


def open_terminal(monkeypatch):
    """Put a terminal in the place of stderr (in the test itself: pytest replaces stderr after set-up)."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def is_wiped(shown):
    """Tell whether the last thing written wiped the line and gave the cursor back."""
    return shown.replace("\r", "").endswith("\x1b[2K\x1b[?25h")


def run_two_stages():
    for name in ("signatures", "verification"):
        map_chunks(lambda start, stop: None, rows(3), 1, name)


def test_bars_show_nothing_for_short_stages(monkeypatch):
    terminal = open_terminal(monkeypatch)
    with show_progress():
        run_two_stages()
    assert terminal.getvalue() == ""


def test_bars_show_long_stages_and_are_removed(monkeypatch):
    terminal = open_terminal(monkeypatch)
    monkeypatch.setattr(progress, "SHOW_AFTER", 0.0)
    with show_progress():
        run_two_stages()
    shown = terminal.getvalue()
    assert shown.index("signatures") < shown.index("verification")
    assert "/3" in shown
    assert is_wiped(shown)


def test_a_bar_appears_once_its_stage_has_lasted(monkeypatch):
    terminal = open_terminal(monkeypatch)
    now = 1000.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    bars = ProgressBars()
    with bars, reporting_to(bars), stage("terms", 9) as advance:
        advance(1)
        now += progress.SHOW_AFTER - 0.1
        advance(1)
        assert terminal.getvalue() == ""
        now += 0.2
        advance(1)
        assert "terms" in terminal.getvalue()
        assert "/9" in terminal.getvalue()
        assert "1/s" in terminal.getvalue()


def test_a_bar_goes_away_after_an_error(monkeypatch):
    terminal = open_terminal(monkeypatch)
    monkeypatch.setattr(progress, "SHOW_AFTER", 0.0)

    def work(start, stop):
        if start:
            raise BrokenError

    with pytest.raises(BrokenError), show_progress():
        map_chunks(work, rows(2), 1, "terms")
    assert "terms" in terminal.getvalue()
    assert is_wiped(terminal.getvalue())


def test_nothing_is_written_if_stderr_is_not_a_terminal(monkeypatch):
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "SHOW_AFTER", 0.0)
    with show_progress():
        run_two_stages()
    assert stream.getvalue() == ""


# Compiling


def test_compilation_is_announced_once(capsys):
    first, second = numba.njit(lambda x: x + 1), numba.njit(lambda x: x - 1)
    with progress.on_compilation(progress.announce_compilation):
        assert first(1) == 2
        assert second(1) == 0
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert "compiling" in told.err
    assert told.out == ""
    with progress.on_compilation(progress.announce_compilation):
        first(2)
    assert capsys.readouterr().err == ""


def test_a_kernel_without_a_writable_cache_is_compiled():
    names = {}
    exec(compile("def add(x, y):\n    return x + y", "<nowhere>", "exec"), names)  # noqa: S102
    assert parallel.kernel(names["add"])(2, 3) == 5


SIGNALS = """
import random, signal
from storyclust._core.parallel import beside

def interrupt(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, interrupt)
random.seed(0)
interrupted = 0
for _ in range(3_000):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-6, 3e-4))
        for _ in range(20):
            beside(sum, (1, 2))
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        interrupted += 1
signal.signal(signal.SIGALRM, signal.SIG_IGN)
print(interrupted > 1_000, beside(sum, (1, 2)))
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer of signals")
def test_after_signals_at_any_instant_the_next_call_is_answered():
    """A lock that a signal leaves locked would make a call wait forever."""
    command = [sys.executable, "-c", SIGNALS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "True 3\n", done.stderr


COMPILES = """
import sys
import numpy as np
from numba.core import event
from storyclust.text.sorted_hashes import sort_hashes

class Count(event.Listener):
    n = 0
    def on_start(self, event):
        Count.n += 1
    def on_end(self, event):
        pass

values = np.arange(9, dtype=np.uint64)[::-1].copy()
print("ready", flush=True)
sys.stdin.readline()
with event.install_listener("numba:compile", Count()):
    sort_hashes(values.copy(), len(values), values, np.zeros(70_000, np.int64))
print(Count.n, values.tolist() == sorted(values.tolist()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no lock on Windows")
def test_of_processes_that_need_a_function_at_once_one_compiles_it(tmp_path):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    found = [subprocess.Popen([sys.executable, "-c", COMPILES], env=env, **pipes) for _ in range(2)]
    for process in found:
        assert process.stdout.readline() == "ready\n"
    for process in found:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate()[0].split() for process in found]
    assert sorted(n == "0" for n, _ in told) == [False, True]
    assert {right for _, right in told} == {"True"}
