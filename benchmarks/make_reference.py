"""The reference pages of the documentation: public names by package, and the commands.

    python benchmarks/make_reference.py

Names come from the packages themselves and commands from their parser, so nothing is listed by hand.
Descriptions and parameters of names are rendered by mkdocstrings when the site is built. A test compares the
committed pages with what this script would write.
"""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import storyclust as sc
from common import ROOT

FOLDER = ROOT / "docs" / "reference"
PACKAGES = {
    "articles": "Articles",
    "io": "Reading and writing",
    "text": "Text",
    "dedup": "Copies",
    "exchange": "Exchange of signatures",
    "cluster": "Clustering",
    "summary": "Summaries",
    "stories": "Stories",
    "figures": "Figures",
    "evaluation": "Evaluation",
    "datasets": "Synthetic news",
    "store": "A growing store",
    "distributed": "A cluster",
}
OTHER = "errors"  # page of the names that no package has


def first_sentence(text: str | None) -> str:
    """First sentence of a docstring, on one line, in Markdown."""
    paragraph = " ".join((text or "").strip().split("\n\n")[0].split())
    sentence = re.split(r"(?<=[.])\s(?=[A-Z])", paragraph)[0]
    return sentence.replace("|", r"\|")


def origin(package: str, name: str) -> str:
    """Full name of a value in the module that defines it."""
    value = getattr(importlib.import_module(package), name)
    return f"{value.__module__}.{name}"


def names_by_page() -> dict[str, list[tuple[str, str, str]]]:
    """Public names of each page: as they are imported, where they are defined, and what they are."""
    pages: dict[str, list[tuple[str, str, str]]] = {}
    listed = set()
    for package in PACKAGES:
        module = importlib.import_module(f"storyclust.{package}")
        pages[package] = []
        for name in sorted(module.__all__):
            full = origin(module.__name__, name)
            public = f"storyclust.{name}" if name in sc.__all__ else f"storyclust.{package}.{name}"
            pages[package].append((public, full, first_sentence(getattr(module, name).__doc__)))
            listed.add(name)
    rest = [name for name in sc.__all__ if not (name in listed or name in PACKAGES or name.startswith("__"))]
    pages[OTHER] = [
        (f"storyclust.{name}", origin("storyclust", name), first_sentence(getattr(sc, name).__doc__))
        for name in sorted(rest)
    ]
    return pages


def name_table(names: list[tuple[str, str, str]], page: str = "") -> str:
    """Table of names with links to their descriptions."""
    rows = [f"| [`{public}`]({page}#{full}) | {text} |" for public, full, text in names]
    return "\n".join(["| name | |", "| --- | --- |", *rows])


def package_page(page: str, names: list[tuple[str, str, str]]) -> str:
    """Page of one package."""
    if page == OTHER:
        title, intro = "Errors, warnings and progress", "Names of `storyclust` that belong to no package."
    else:
        title = PACKAGES[page]
        lines = (importlib.import_module(f"storyclust.{page}").__doc__ or "").strip().splitlines()
        intro = f"`storyclust.{page}`: {lines[0][0].lower()}{lines[0][1:]}"
    blocks = "\n\n".join(f"::: {full}" for _, full, _ in names)
    return f"# {title}\n\n{intro}\n\n{name_table(names)}\n\n{blocks}\n"


def index_page(pages: dict[str, list[tuple[str, str, str]]]) -> str:
    """Page that lists all names."""
    parts = [
        "# Reference",
        "This section has every public name and every [command](commands.md). A name such as "
        "`storyclust.Deduplicator` is available after `import storyclust as sc`, as `sc.Deduplicator`. A "
        "name such as `storyclust.articles.parse_date` is imported from its package: "
        "`from storyclust.articles import parse_date`.",
        "The site has the parameters, results and examples of each name. So has Python: "
        "`help(sc.Deduplicator)`.",
    ]
    for page, names in pages.items():
        title = PACKAGES.get(page, "Errors, warnings and progress")
        parts.append(f"## [{title}]({page}.md)\n\n{name_table(names, f'{page}.md')}")
    return "\n\n".join(parts) + "\n"


def commands_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Names and parsers of all commands, in the order of the help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def invocation(action: argparse.Action) -> str:
    """How an argument is written: its names, and what stands for its value."""
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    value = "" if action.nargs == 0 else f" {action.metavar or '{' + ','.join(action.choices or ()) + '}'}"
    return ", ".join(f"`{name}{value}`" for name in action.option_strings)


def usage_of(name: str, parser: argparse.ArgumentParser) -> str:
    """Usage of a command, its options left to the table."""
    words = [f"storyclust {name} [options]"]
    for action in parser._actions:
        if not action.option_strings:
            word = str(action.metavar or action.dest)
            words.append(f"{word} [{word} ...]" if action.nargs == "+" else word)
        elif action.required:
            words.append(f"{action.option_strings[-1]} {action.metavar}")
    return " ".join(words)


def help_of(name: str, parser: argparse.ArgumentParser) -> str:
    """Section of one command: what its help says, in the same form whatever the version of Python."""
    parts = [f"## {name}", parser.description or "", f"```text\n{usage_of(name, parser)}\n```"]
    formatter = parser._get_formatter()
    for group in parser._action_groups:
        rows = [
            f"| {invocation(action)} | {formatter._expand_help(action) if action.help else ''} |"
            for action in group._group_actions
            if not isinstance(action, argparse._HelpAction)
        ]
        if rows:
            title = str(group.title)
            parts.append("\n".join([f"| {title} | |", "| --- | --- |", *rows]))
    return "\n\n".join(part.replace("<", "&lt;") for part in parts)


def commands_page() -> str:
    """Page of all commands."""
    from storyclust.cli.app import parser

    commands = dict(commands_of(parser()))
    briefs = {
        choice.dest: choice.help
        for action in parser()._actions
        if isinstance(action, argparse._SubParsersAction)
        for choice in action._choices_actions
    }
    rows = [f"| [`{name}`](#{name}) | {briefs[name]} |" for name in commands]
    parts = [
        "# Commands",
        "`storyclust` and `python -m storyclust` are the same. `storyclust COMMAND --help` prints what this "
        "page says. `storyclust --version` prints the version.",
        "\n".join(["| command | |", "| --- | --- |", *rows]),
    ]
    parts += [help_of(name, command) for name, command in commands.items()]
    return "\n\n".join(parts) + "\n"


def pages() -> dict[str, str]:
    """All pages of the reference by file name."""
    names = names_by_page()
    made = {f"{page}.md": package_page(page, listed) for page, listed in names.items()}
    return made | {"index.md": index_page(names), "commands.md": commands_page()}


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        Path(FOLDER, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
