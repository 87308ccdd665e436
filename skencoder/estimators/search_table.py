"""What a search found, as a table to read."""

from typing import TYPE_CHECKING

import numpy as np

from skencoder.estimators.corpus import take
from skencoder.estimators.indexed import IndexedCorpus
from skencoder.retrieval import Ranking

if TYPE_CHECKING:
    import pandas as pd


def make_search_table(
    queries: list[str], ranking: Ranking, indexed: IndexedCorpus
) -> "pd.DataFrame":
    """Make a table of a ranking.

    Parameters
    ----------
    queries : list of str of shape (n_queries,)
        The texts that were searched with.
    ranking : Ranking
        Of shape (n_queries, n_ranks); positions are in the order the documents came in.
    indexed : IndexedCorpus
        The documents.

    Returns
    -------
    DataFrame of shape (n_queries * n_ranks, 5)
        With the columns query, rank (from 1), id, score and document; with labels also label.
    """
    import pandas as pd

    n_queries, n_ranks = ranking.positions.shape
    rows = ranking.positions.ravel()
    columns = {
        "query": np.repeat(np.array(queries, dtype=object), n_ranks),
        "rank": np.tile(np.arange(1, n_ranks + 1), n_queries),
        "id": indexed.ids[rows],
        "score": ranking.scores.ravel(),
        "document": take(indexed.documents, rows),
    }
    if indexed.labels is not None:
        columns["label"] = indexed.labels[rows]
    return pd.DataFrame(columns)
