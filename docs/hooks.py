"""Hooks of MkDocs.

Notebooks become Markdown pages with their stored outputs. A page that would load a script, a style sheet or a
picture from another host is an error.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbconvert import MarkdownExporter

ELSEWHERE = re.compile(
    r"<(?:script|img|iframe)\b[^>]*\bsrc=[\"']?https?:|<link\b[^>]*\brel=[\"']?(?:stylesheet|icon|preconnect|preload)\b"
    r"[^>]*\bhref=[\"']?https?:"
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replace each notebook by a page and its pictures."""
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        place = PurePosixPath(notebook.src_uri)
        names = {"unique_key": place.stem, "output_files_dir": f"{place.stem}_files"}
        text, made = MarkdownExporter().from_filename(notebook.abs_src_path, resources=names)
        files.remove(notebook)
        files.append(File.generated(config, str(place.with_suffix(".md")), content=text))
        for name, picture in made["outputs"].items():
            files.append(File.generated(config, str(place.parent / name), content=picture))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Let links to notebooks lead to their pages."""
    return markdown.replace(".ipynb)", ".md)")


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Check that a page loads nothing from other hosts."""
    if found := ELSEWHERE.search(output):
        raise PluginError(f"{page.file.src_uri} loads something from another host: {found[0]}")
    return output
