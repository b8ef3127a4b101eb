"""Run the examples of docstrings, the README, the documentation and `examples/`; check pages and links.

In a page, `python` and `sh` blocks are run in order, in one namespace and one folder with a copy of
`examples`. The output of `console` blocks is compared. Blocks of `py`, `text` and `yaml` are not run.
"""

import doctest
import importlib
import json
import pkgutil
import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import pytest

import storyclust
from storyclust.cli import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
BENCHMARKS = ROOT / "benchmarks"
PAGES = [path for path in (README, ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("**/*.md"))) if path.exists()]
NOTEBOOKS = sorted(DOCS.glob("notebooks/*.ipynb"))
RUN = re.compile(r"^```(python|sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
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


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_the_example_scripts_run_as_they_stand(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
    assert capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def named(path):
    return path.relative_to(ROOT).as_posix()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder with a copy of the examples; close the figures drawn there."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield tmp_path
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def run_python(block, names, place):
    if block.lstrip().startswith(">>>"):
        test = doctest.DocTestParser().get_doctest(block, names, place, None, 0)
        runner = doctest.DocTestRunner(optionflags=OPTIONS)
        runner.run(test, clear_globs=False)
        names.update(test.globs)
        assert runner.failures == 0, "see the output above"
    else:
        exec(compile(block, place, "exec"), names)  # noqa: S102


def run_command(line):
    words = shlex.split(line, comments=True)
    assert words[0] == "storyclust", f"{line}: a block of sh has commands of storyclust only"
    assert main(words[1:]) == 0, line


def check_console(block, capsys):
    for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, wanted = command.partition("\n")
        capsys.readouterr()
        run_command(line)
        found = "".join(capsys.readouterr())
        assert doctest.OutputChecker().check_output(wanted, found, OPTIONS), found


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.parent != ROOT and RUN.search(page.read_text("utf-8"))], ids=named
)
def test_the_code_of_a_page_runs_in_order(page, folder, capsys):
    run_page(page, capsys)


@pytest.mark.skipif(not README.exists(), reason="there is no README.md beside the tests")
def test_the_code_of_the_readme_runs_in_order(folder, capsys):
    run_page(README, capsys)


def run_page(page, capsys):
    names = {"__name__": "page"}
    for number, (language, block) in enumerate(RUN.findall(page.read_text(encoding="utf-8"))):
        place = f"{page.name}, block {number}"
        if language == "python":
            run_python(block, names, place)
        elif language == "console":
            check_console(block, capsys)
        elif not block.startswith("python -m pip "):
            for line in filter(None, map(str.strip, block.splitlines())):
                run_command(line)


@pytest.mark.skipif(not README.exists(), reason="there is no README.md beside the tests")
def test_the_readme_is_short_and_begins_with_two_commands():
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150, "move it to docs"
    first, second = re.findall(r"^```sh\n(.*?)\n```", text, re.MULTILINE | re.DOTALL)[:2]
    assert first.startswith(
        "python -m pip install . && python -m storyclust threads examples/newsdesk.jsonl "
    )
    assert second == 'python -m pip install ".[test]" && python -m pytest'


# Notebooks


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_notebooks_run_in_one_namespace(path, folder, monkeypatch):
    place = folder / "docs" / "notebooks"  # notebooks name the examples from there
    place.mkdir(parents=True)
    monkeypatch.chdir(place)
    names = {"__name__": "notebook"}
    code = ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "code"]
    assert code
    for number, source in enumerate(code):
        exec(compile(source, f"{path.name}, cell {number}", "exec"), names)  # noqa: S102


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_notebooks_have_small_outputs_in_order_and_no_errors(path):
    code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1)), "execute it anew"
    assert not [each for cell in code for each in cell["outputs"] if each["output_type"] == "error"]
    assert any(cell["outputs"] for cell in code)
    assert path.stat().st_size < 400_000


# Generated pages and links


@pytest.fixture
def benchmark(monkeypatch):
    """Import a script of benchmarks."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield importlib.import_module
    for name in ("common", "make_reference", "readme_tables"):
        sys.modules.pop(name, None)


needs_checkout = pytest.mark.skipif(
    not (BENCHMARKS.is_dir() and DOCS.is_dir()), reason="only a checkout has docs and benchmarks"
)


@needs_checkout
def test_the_reference_is_up_to_date(benchmark):
    made = benchmark("make_reference").pages()
    stale = [
        name
        for name, text in made.items()
        if not (DOCS / "reference" / name).exists() or (DOCS / "reference" / name).read_text("utf-8") != text
    ]
    assert not stale, "run python benchmarks/make_reference.py"
    assert {path.name for path in (DOCS / "reference").glob("*.md")} == set(made)


@needs_checkout
def test_every_public_name_and_command_is_in_the_reference(benchmark):
    text = "".join(benchmark("make_reference").pages().values())
    packages = {name for name in storyclust.__all__ if hasattr(getattr(storyclust, name), "__path__")}
    missing = [
        n for n in {*storyclust.__all__} - packages - {"__version__"} if f"`storyclust.{n}`" not in text
    ]
    assert not missing


@needs_checkout
def test_the_tables_of_results_are_up_to_date(benchmark):
    tables = benchmark("readme_tables")
    for page in tables.PAGES:
        text = page.read_text(encoding="utf-8")
        assert tables.filled(text) == text, "run python benchmarks/readme_tables.py"
        assert "<!-- results: " in text


def anchors(text):
    """Anchors of the headings of a page, as code hosts and MkDocs make them."""
    heads = re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    plain = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", head).replace("`", "").strip().lower() for head in heads]
    return {re.sub(r"[^\w -]", "", head).replace(" ", "-") for head in plain}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_to_files_and_headings(page):
    text = page.read_text(encoding="utf-8")
    wrong = []
    for target in re.findall(
        r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    ):
        file, _, anchor = target.partition("#")
        if re.match(r"https?://", target) or anchor.startswith("storyclust."):
            continue
        path = (page.parent / file).resolve() if file else page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            wrong.append(target)
    assert not wrong
