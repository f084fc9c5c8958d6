"""The HTML report: one self-contained page."""

from bench.report.html.page import write_html
from bench.report.html.section import Extra, Section

__all__ = ["Extra", "Section", "write_html"]
