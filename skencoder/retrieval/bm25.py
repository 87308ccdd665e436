"""BM25 over words, computed by the library bm25s; here are its options, rankings and files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from skencoder.errors import IndexFileError, MissingExtraError, ParameterError
from skencoder.retrieval.ranking import NO_DOCUMENT, Ranking, best

# Languages for which bm25s has stop words; the stemmer knows more.
STOP_WORDS = frozenset(
    {
        *("danish", "dutch", "english", "french", "german", "italian", "norwegian"),
        *("portuguese", "russian", "spanish", "swedish", "turkish"),
    }
)


@dataclass(frozen=True, kw_only=True)
class BM25Options:
    """How words are counted and weighed.

    Parameters
    ----------
    language : str or None, default="english"
        Whose stop words are left out, where there is a list, and whose words are brought to their
        stems by Snowball; None does neither.
    tokenize : callable, default=None
        From a text to its list of words, in place of ``language``, for languages without spaces.
    k1 : float, default=1.5
        How much a word's repetition counts.
    b : float, default=0.75
        How much long documents are held back, from 0 to 1.

    Raises
    ------
    ParameterError
        If a value cannot be used.

    References
    ----------
    .. [1] Robertson & Zaragoza (2009), The Probabilistic Relevance Framework: BM25 and Beyond.
    """

    language: str | None = "english"
    tokenize: Callable[[str], list[str]] | None = None
    k1: float = 1.5
    b: float = 0.75

    def __post_init__(self) -> None:
        if self.language is not None and not isinstance(self.language, str):
            raise ParameterError(f"language must be a str or None; got {self.language!r}.")
        if self.tokenize is not None and not callable(self.tokenize):
            raise ParameterError(f"tokenize must be callable or None; got {self.tokenize!r}.")
        for name, value, most in (("k1", self.k1, np.inf), ("b", self.b, 1)):
            if isinstance(value, bool) or not isinstance(value, float | int | np.number):
                raise ParameterError(f"{name} must be a number; got {value!r}.")
            if not 0 <= value <= most or not np.isfinite(value):
                reach = "to 1" if most == 1 else "on"
                raise ParameterError(f"{name} must be a number from 0 {reach}; got {value!r}.")

    def split(self, texts: Sequence[str]) -> list[list[str]]:
        """Split texts into the words that count.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts.

        Returns
        -------
        list of list of str
            Words of each text, in order.

        Raises
        ------
        ParameterError
            If the language is unknown, or ``tokenize`` does not give words.
        MissingExtraError
            If bm25s or PyStemmer is not installed.
        """
        if self.tokenize is not None:
            return [self._own_words(text) for text in texts]
        words = _library("bm25s").tokenize(
            list(texts),
            stopwords=self.language if self.language in STOP_WORDS else None,
            stemmer=self._stemmer(),
            return_ids=False,
            show_progress=False,
        )
        return [list(text_words) for text_words in words]

    def _own_words(self, text: str) -> list[str]:
        words = list(self.tokenize(text)) if self.tokenize is not None else []
        if not all(isinstance(word, str) for word in words):
            raise ParameterError(
                f"tokenize must give a list of str; for {text[:40]!r} it did not."
            )
        return words

    def _stemmer(self) -> Any:
        if self.language is None:
            return None
        stemmer = _library("Stemmer")
        if self.language not in stemmer.algorithms():
            raise ParameterError(
                f"language must be None or one of {', '.join(stemmer.algorithms())}; got "
                f"{self.language!r}."
            )
        return stemmer.Stemmer(self.language)


class BM25Index:
    """Documents that are found by their words.

    Parameters
    ----------
    texts : sequence of str of shape (n_documents,)
        The documents; at least one.
    options : BM25Options
        How words are counted.

    Raises
    ------
    ParameterError
        If an option cannot be used.
    MissingExtraError
        If bm25s or PyStemmer is not installed.
    """

    def __init__(self, texts: Sequence[str], options: BM25Options) -> None:
        self.options = options
        self._n_documents = len(texts)
        self._index: Any = None
        words = options.split(texts)
        if any(words):
            self._index = _library("bm25s").BM25(k1=options.k1, b=options.b)
            self._index.index(words, create_empty_token=False, show_progress=False)

    def __len__(self) -> int:
        return self._n_documents

    def search(self, queries: Sequence[str], n_ranks: int) -> Ranking:
        """Rank the documents that share a word with a query.

        Parameters
        ----------
        queries : sequence of str of shape (n_queries,)
            The texts to search with.
        n_ranks : int
            At most so many are given per query.

        Returns
        -------
        Ranking
            Of shape (n_queries, min(n_ranks, n_documents)); of equal scores the lower position
            comes first. A place stays without a document where fewer share a word.
        """
        shape = (len(queries), min(n_ranks, len(self)))
        scores = np.full(shape, -np.inf, np.float32)
        positions = np.full(shape, NO_DOCUMENT, np.int64)
        for row, words in enumerate(self.options.split(queries)):
            if self._index is None or not words:
                continue
            row_scores = self._index.get_scores(words)
            found = best(row_scores, shape[1])
            found = found[row_scores[found] > 0]
            scores[row, : len(found)] = row_scores[found]
            positions[row, : len(found)] = found
        return Ranking(scores, positions)

    def save(self, folder: Path) -> None:
        """Write the index; its options and the number of documents are the caller's to keep.

        Parameters
        ----------
        folder : Path
            A new one.
        """
        folder.mkdir()
        if self._index is not None:
            self._index.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path, n_documents: int, options: BM25Options) -> "BM25Index":
        """Open a saved index; its numbers are mapped from the files, not read.

        Parameters
        ----------
        folder : Path
            Where it was saved.
        n_documents : int
            How many it has.
        options : BM25Options
            What it was built with.

        Returns
        -------
        BM25Index
            As it was saved.

        Raises
        ------
        IndexFileError
            If files are missing or damaged, or it has another number of documents.
        MissingExtraError
            If bm25s is not installed.
        """
        if not folder.is_dir():
            raise IndexFileError(f"{folder} is missing, so the words cannot be searched.")
        loaded = cls.__new__(cls)
        loaded.options, loaded._n_documents, loaded._index = options, n_documents, None
        if any(folder.iterdir()):
            try:
                loaded._index = _library("bm25s").BM25.load(folder, mmap=True, show_progress=False)
            except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
                raise IndexFileError(f"{folder} cannot be read as an index: {error}") from error
            held = loaded._index.scores["num_docs"]
            if held != n_documents:
                raise IndexFileError(
                    f"{folder} has {held} documents, but {n_documents} were saved beside it; the "
                    f"files do not belong together."
                )
        return loaded


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"lexical search needs {name}, which is not installed: pip install "
            f"'skencoder[lexical]'."
        ) from error
