"""The HTML report: one self-contained page."""

from bench.report.page import write_html
from bench.report.section import Extra, Section

__all__ = ["Extra", "Section", "write_html"]
