"""Texts to work with: what is installed anyway, or a table of your own. No download."""

from skencoder.datasets.python_docs import load_python_docs
from skencoder.datasets.text_csv import load_text_csv

__all__ = ["load_python_docs", "load_text_csv"]
