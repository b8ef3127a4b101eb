"""The structure of the package: import layers, size of modules, cost of importing."""

import ast
import graphlib
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
LONGEST = 400

# A layer (a package, or a top-level module) may import only the layers above it.
LAYERS = """
    errors
    _core
    articles
    io
    text
    dedup
    exchange
    cluster
    summary
    stories
    render
    figures
    evaluation
    datasets
    store
    distributed
    cli
""".split()

# Imports inside functions that point downwards: methods that import the view of their result, or its score.
LAZY_UPWARDS = {
    ("storyclust.stories.fitted_stories", "storyclust.render.report"),
    ("storyclust.stories.fitted_stories", "storyclust.evaluation.metrics"),
    ("storyclust.stories.threads", "storyclust.render.notebook"),
    ("storyclust.dedup.fitted_copies", "storyclust.render.notebook"),
    ("storyclust.summary.summarizer", "storyclust.render.notebook"),
}


def name_of(path):
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def is_type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def imports(node, inside=False, known=MODULES):
    """Yield the imported modules, and whether each is imported inside a function; without TYPE_CHECKING."""
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child):
            for other in child.orelse:
                yield from imports(other, inside, known)
        elif isinstance(child, ast.Import):
            yield from ((alias.name, inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            for alias in child.names:
                module = f"{child.module}.{alias.name}"
                yield module if module in known else child.module, inside
        else:
            lazy = inside or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from imports(child, lazy, known)


def own_imports(name):
    """Modules of the package that a module imports, and whether inside a function."""
    return {each for each in imports(MODULES[name]) if each[0] in MODULES} - {(name, False), (name, True)}


def layer_of(name):
    return name.split(".")[1] if "." in name else ""


def test_layers_match_the_packages():
    assert {layer_of(name) for name in MODULES} - {"", "__main__"} == set(LAYERS)
    assert len(LAYERS) == len(set(LAYERS))


def test_a_layer_imports_only_layers_above_it():
    place = {name: number for number, name in enumerate(LAYERS)}
    wrong = [
        f"{name} imports {other}"
        for name in MODULES
        if layer_of(name) in place
        for other, inside in own_imports(name) - {("storyclust", False)}
        if place.get(layer_of(other), len(LAYERS)) > place[layer_of(name)]
        and not (inside and (name, other) in LAZY_UPWARDS)
    ]
    assert not wrong


def test_no_circular_imports():
    """Imports inside functions count."""
    above = {name: {other for other, _ in own_imports(name)} for name in MODULES}
    for name, other in LAZY_UPWARDS:
        above[name].discard(other)
    try:
        order = list(graphlib.TopologicalSorter(above).static_order())
    except graphlib.CycleError as error:
        pytest.fail(f"modules import each other: {' <- '.join(error.args[1])}")
    assert len(order) >= len(MODULES)


def test_only_the_command_line_imports_the_package_as_a_whole():
    whole = [name for name in MODULES if ("storyclust", False) in own_imports(name)]
    assert {layer_of(name) for name in whole} <= {"cli", "__main__"}


def test_import_parser():
    tree = ast.parse(
        "import storyclust.a\nfrom storyclust.b import x\nfrom storyclust import c\n"
        "if TYPE_CHECKING:\n    from storyclust.d import y\n"
        "def f():\n    from storyclust.e import z\n"
        "class C:\n    def g(self):\n        import storyclust.f\n"
    )
    found = [("a", False), ("b", False), ("c", False), ("e", True), ("f", True)]
    known = {f"storyclust.{letter}" for letter in "abcdef"}
    assert list(imports(tree, known=known)) == [(f"storyclust.{name}", inside) for name, inside in found]


@pytest.mark.parametrize("layer", [name for name in LAYERS if (SOURCE / name).is_dir()])
def test_package_docstrings_state_inputs_and_outputs(layer):
    docstring = ast.get_docstring(MODULES[f"storyclust.{layer}"])
    assert "In: " in docstring
    assert "Out: " in docstring


# Names


def test_dir_lists_the_public_names():
    assert sorted(storyclust.__all__) == dir(storyclust)
    assert len(set(storyclust.__all__)) == len(storyclust.__all__)
    for name in storyclust.__all__:
        assert getattr(storyclust, name) is not None


def test_public_names_are_defined_in_their_module_and_documented():
    for name in storyclust.__all__:
        value = getattr(storyclust, name)
        if inspect.ismodule(value):
            assert value.__name__ == f"storyclust.{name}"
            assert value.__all__
            assert value.__doc__
        else:
            assert value.__name__ == name
            assert value.__module__.startswith("storyclust.")
            assert getattr(importlib.import_module(value.__module__), name) is value
            assert value.__doc__


def test_unknown_names_raise_attribute_error():
    with pytest.raises(AttributeError, match=r"storyclust.* attribute .?NoSuchThing"):
        storyclust.NoSuchThing  # noqa: B018


CHEAP = """
import sys
import storyclust, storyclust.cli.app
storyclust.cli.app.parser().format_help()
slow = ("numpy", "scipy", "numba", "sklearn", "datasketch", "rich", "jinja2")
print(*(name for name in slow if name in sys.modules))
"""


def test_import_loads_no_slow_dependencies():
    env = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    done = subprocess.run([sys.executable, "-c", CHEAP], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


COMMANDS = """
import sys
from storyclust.cli import main
news, folder = sys.argv[1:]
for line in ("dedup NEWS -o OUT", "links NEWS -o OUT", "threads NEWS -o OUT", "add STORE NEWS", "show STORE"):
    for name, path in (("NEWS", news), ("OUT", f"{folder}/out.jsonl"), ("STORE", f"{folder}/news.db")):
        line = line.replace(name, path)
    assert main([*line.split(), "-q"]) == 0
slow = ("sklearn", "datasketch", "pandas", "jinja2")
print(*(name for name in slow if name in sys.modules), file=sys.stderr)
"""


def test_commands_load_no_slow_dependencies_that_they_do_not_need(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    news = Path(__file__).parents[1] / "examples" / "newsdesk.jsonl"
    command = [sys.executable, "-c", COMMANDS, str(news), str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stderr.split() == []


# Files


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_modules_are_documented_and_short(path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "a module has a docstring"
    assert len(text.splitlines()) <= LONGEST, "split the module"


def words_of(path):
    return {word.lower() for word in re.findall(r"\b\w+\b", path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_modules_mention_no_tasks_and_no_local_paths(path):
    assert not words_of(path) & {"issue", "issues", "session", "sessions", "todo", "fixme", "xxx"}
    for place in ("/work", "/tmp/", "/home/", "/root", "/Users/", "C:\\"):  # noqa: S108
        assert place not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_noqa_names_its_rule(path):
    reader = io.BytesIO(path.read_bytes()).readline
    comments = [token.string for token in tokenize.tokenize(reader) if token.type == tokenize.COMMENT]
    for comment in comments:
        if "noqa" in comment:
            assert re.search(r"noqa: [A-Z]+\d+", comment), "which rule"


def test_py_typed_is_included():
    assert (SOURCE / "py.typed").exists()


CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"


@pytest.mark.skipif(not CONTRIBUTING.exists(), reason="only a checkout has CONTRIBUTING.md")
def test_the_guide_names_every_module():
    quoted = re.findall(r"`([\w./]+)`", CONTRIBUTING.read_text(encoding="utf-8"))
    named = {re.split("[./]", name.removesuffix(".py"))[-1] for name in quoted}
    modules = {name.rsplit(".", 1)[1] for name in MODULES if "." in name} - {"__main__"}
    assert not modules - named


BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="only a checkout has benchmarks")
def test_benchmarks_import_existing_names():
    """Benchmarks are seldom run, so their imports are checked here."""
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
