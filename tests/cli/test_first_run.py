"""Compilation by two processes on the first run."""

import numba
import psutil

import storyclust._core.parallel  # noqa: F401 - reports compilations
from storyclust.cli.first_run import COMMAND, compile_last, compiled_beside


def compilers():
    """Processes that compile beside this one."""
    return [process for process in psutil.Process().children() if COMMAND in process.cmdline()]


def test_another_process_starts_with_the_first_compilation_and_ends_with_the_command(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    loaded, compiled = numba.njit(lambda x: x + 1), numba.njit(lambda x: x - 1)
    loaded(1)
    with compiled_beside():
        loaded(2)
        assert compilers() == []
        compiled(1)
        compiled(1.0)
        assert len(compilers()) == 1
    assert compilers() == []


def test_one_processor_compiles_by_itself(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with compiled_beside():
        numba.njit(lambda x: x * 2)(1)
        assert compilers() == []


def test_what_the_other_process_calls_ends_without_an_error():
    compile_last()
