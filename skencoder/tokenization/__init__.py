"""Texts become token ids: flat, with offsets, tokenized once and cut without touching the text.

What an encoder does with the ids stands in `skencoder.encoder`; how they are batched in
`skencoder.batching`.
"""

from skencoder.tokenization.flat import Ids, Index, TokenizedTexts
from skencoder.tokenization.tokenizer import TextTokenizer
from skencoder.tokenization.windows import Windows, plan_windows
from skencoder.tokenization.worded import WordedTexts

__all__ = [
    "Ids",
    "Index",
    "TextTokenizer",
    "TokenizedTexts",
    "Windows",
    "WordedTexts",
    "plan_windows",
]
