"""Translations found by vectors: which sentences of two languages belong together, which words.

`candidates` finds each sentence's nearest on the other side, `margins` says how sure a pair is,
`matching` takes pairs; `word_matching` does it for words. Functions of vectors; texts and encoders
are the business of `skencoder.estimators.bitext` and `skencoder.word_alignment`.
"""

from skencoder.bitext.candidates import Candidates, Neighbourhoods, find_neighbourhoods
from skencoder.bitext.margins import MARGINS, find_candidates, score_rows
from skencoder.bitext.matching import (
    MATCHINGS,
    match_greedy,
    match_mutual,
    match_nearest,
    match_optimal,
)
from skencoder.bitext.word_matching import (
    WORD_MATCHINGS,
    match_argmax,
    match_assignment,
    match_itermax,
)

__all__ = [
    "MARGINS",
    "MATCHINGS",
    "WORD_MATCHINGS",
    "Candidates",
    "Neighbourhoods",
    "find_candidates",
    "find_neighbourhoods",
    "match_argmax",
    "match_assignment",
    "match_greedy",
    "match_itermax",
    "match_mutual",
    "match_nearest",
    "match_optimal",
    "score_rows",
]
