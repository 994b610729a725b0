"""A model as one self-contained HTML page, to read, print or send."""

from symbp.view.report.page import page

__all__ = ["page"]
