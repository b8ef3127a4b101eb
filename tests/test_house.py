"""The house rules: imports point one way, names are listed, files stay small, importing is cheap."""

import ast
import importlib
import inspect
import io
import os
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import storyclust

SOURCE = Path(storyclust.__file__).parent
FILES = sorted(SOURCE.glob("**/*.py"))
LONGEST = 550

# Who may import whom: a module only those that stand above it.
ORDER = """
    errors
    validate
    chunks
    unions
    rows
    dates
    article
    clean
    output
    io
    memory
    tokens
    spill
    minhash
    lsh
    exchange
    jaccard
    containment
    runs
    evidence
    prefix
    groups
    sketches
    dedup
    central
    language
    features
    background
    vocabulary
    vectorize
    terms
    graph
    strangers
    coverage
    agglomerate
    joins
    grouping
    sentences
    extract
    headline
    phrases
    keywords
    summary
    timeline
    threads
    report
    stories
    store
    metrics
    prose
    datasets
    digest
    markdown
    exports
    figures
    trials
    borderline
    tuning
    advice
    removed
    compare
    shell
    store_cli
    distributed
    cli
""".split()

# The same inside the store.
STORE = """
    growing
    levels
    neighbours
    weights
    terms_index
    values
    lock
    words
    schema
    feed
    originals
    placing
    consolidation
    memory
    found
    tables
    keeping
    checking
    asking
    revising
    adding
    store
""".split()


def modules():
    return {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def name_of(path):
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def is_type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def imports(node, inside=False):
    """Names imported by a tree, and whether inside a function; what is for type checkers only is left out."""
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child):
            for other in child.orelse:
                yield from imports(other, inside)
        elif isinstance(child, ast.Import):
            yield from ((alias.name, inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            yield child.module, inside
            if child.module == "storyclust":
                yield from ((f"storyclust.{alias.name}", inside) for alias in child.names)
        else:
            lazy = inside or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from imports(child, lazy)


def own_imports(tree):
    for name, inside in imports(tree):
        if name.startswith("storyclust."):
            yield name.split(".")[1], inside


def test_the_order_names_every_module():
    names = {name.split(".")[0] for name in modules()} - {"__init__", "__main__"}
    assert names == set(ORDER)
    assert len(ORDER) == len(set(ORDER))


def test_imports_point_one_way():
    place = {name: number for number, name in enumerate(ORDER)}
    wrong = []
    for name, tree in modules().items():
        room = name.split(".")[0]
        if room in ("__init__", "__main__"):
            continue
        for other, _ in own_imports(tree):
            if other == room:
                continue
            if place.get(other, len(ORDER)) >= place[room]:
                wrong.append(f"{room} imports {other}")
    assert not wrong


def test_imports_inside_the_store_point_one_way():
    place = {f"storyclust.store.{name}": number for number, name in enumerate(STORE)}
    files = {path.stem for path in (SOURCE / "store").glob("*.py")} - {"__init__"}
    assert files == set(STORE)
    for name in STORE:
        tree = ast.parse((SOURCE / "store" / f"{name}.py").read_text(encoding="utf-8"))
        for other, _ in imports(tree):
            assert place.get(other, -1) < place[f"storyclust.store.{name}"], f"{name} imports {other}"


def test_only_the_command_line_imports_the_package_as_a_whole():
    whole = [
        name for name, tree in modules().items() if "storyclust" in {module for module, _ in imports(tree)}
    ]
    assert set(whole) <= {"cli", "__main__"}


def test_the_reader_of_imports_sees_what_it_should():
    tree = ast.parse(
        "import storyclust.a\nfrom storyclust.b import x\nfrom storyclust import c\n"
        "if TYPE_CHECKING:\n    from storyclust.d import y\n"
        "def f():\n    from storyclust.e import z\n"
        "class C:\n    def g(self):\n        import storyclust.f\n"
    )
    found = [("a", False), ("b", False), ("c", False), ("e", True), ("f", True)]
    assert list(own_imports(tree)) == found


# Names


def test_the_public_names_are_those_that_dir_shows():
    assert sorted(storyclust.__all__) == dir(storyclust)
    assert len(set(storyclust.__all__)) == len(storyclust.__all__)
    for name in storyclust.__all__:
        assert getattr(storyclust, name) is not None


def test_every_public_name_is_its_modules_own_and_documented():
    for name in storyclust.__all__:
        value = getattr(storyclust, name)
        if inspect.ismodule(value):
            assert value.__name__ == f"storyclust.{name}"
            assert value.__all__
            assert value.__doc__
        elif name != "__version__":
            assert value.__name__ == name
            assert value.__module__.startswith("storyclust.")
            assert getattr(importlib.import_module(value.__module__), name) is value
            assert value.__doc__


def test_type_checkers_are_told_the_same_names():
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if is_type_checking(node))
    told = {alias.name for node in block.body for alias in node.names}
    assert told == set(storyclust.__all__) - {"__version__"}


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'storyclust' has no attribute 'NoSuchThing'"):
        storyclust.NoSuchThing  # noqa: B018


CHEAP = """
import sys
import storyclust, storyclust.cli
storyclust.cli.parser().format_help()
slow = ("numpy", "scipy", "numba", "sklearn", "datasketch", "rich", "jinja2")
print(*(name for name in slow if name in sys.modules))
"""


def test_importing_costs_next_to_nothing():
    env = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    done = subprocess.run([sys.executable, "-c", CHEAP], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


# Files


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_one_idea(path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "a module says what it is for"
    assert len(text.splitlines()) <= LONGEST, "ask what second idea has moved in"


def words_of(path):
    return {word.lower() for word in re.findall(r"\b\w+\b", path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_speaks_of_the_library_only(path):
    assert not words_of(path) & {"issue", "issues", "session", "sessions", "todo", "fixme", "xxx"}
    for place in ("/work", "/tmp/", "/home/", "/root", "/Users/", "C:\\"):  # noqa: S108
        assert place not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_silenced_rule_has_a_reason(path):
    reader = io.BytesIO(path.read_bytes()).readline
    comments = [token.string for token in tokenize.tokenize(reader) if token.type == tokenize.COMMENT]
    for comment in comments:
        if "noqa" in comment:
            assert re.search(r"noqa: [A-Z]+\d+", comment), "which rule"


def test_the_package_says_that_it_is_typed():
    assert (SOURCE / "py.typed").exists()


BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="only a checkout has benchmarks")
def test_benchmarks_import_what_there_is():
    """They are seldom run: what they import from here is looked up."""
    wanted = {
        (path.name, node.module, alias.name)
        for path in sorted(BENCHMARKS.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "storyclust"
        for alias in node.names
    }
    assert wanted
    missing = [each for each in sorted(wanted) if not hasattr(importlib.import_module(each[1]), each[2])]
    assert not missing
