"""Run the examples of docstrings, the README and `examples/`."""

import doctest
import importlib
import pkgutil
import re
import runpy
import shutil
from pathlib import Path

import pytest

import storyclust

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MODULES = ["storyclust", *(m.name for m in pkgutil.walk_packages(storyclust.__path__, "storyclust."))]
MODULES.remove("storyclust.__main__")


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0, "see the output above"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [name for name in storyclust.__all__ if name != "__version__"])
def test_every_public_function_and_estimator_has_an_example(name):
    value = getattr(storyclust, name)
    if isinstance(value, type) and not hasattr(value, "fit"):
        return
    assert ">>>" in value.__doc__


def blocks(language):
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_the_example_scripts_run_as_they_stand(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
    assert capsys.readouterr().out
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not README.exists(), reason="there is no README.md beside the tests")
def test_the_python_blocks_of_the_readme_run_in_turn(tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}
    found = blocks("python")
    for number, block in enumerate(found):
        if block.lstrip().startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(block, names, f"README block {number}", str(README), 0)
            runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
            runner.run(test, clear_globs=False)
            names.update(test.globs)
            assert runner.failures == 0, capsys.readouterr().out
        else:
            exec(compile(block, f"README.md, Python block {number}", "exec"), names)  # noqa: S102
