"""Story threads as a self-contained HTML page, and as a table for a notebook."""

from __future__ import annotations

from storyclust.render.report.content import Content, report_content
from storyclust.render.report.page import glance, render

__all__ = ["Content", "glance", "render", "report_content"]
