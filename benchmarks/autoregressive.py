"""Autoregressive checkpoints (GPT-2, Llama, ...) by transformers, as lm-evaluation-harness does.

Each token is guessed from those before it; the first one from the token that begins a text. Long
texts roll through windows of the model's limit, each token scored once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

from skencoder.checkpoints import locate_checkpoint
from skencoder.errors import CheckpointError
from skencoder.pseudo_likelihood import count_bytes, count_words, refuse_score

from .autoregressive_loading import choose_limit, load_autoregressive
from .data_root import checksum
from .errors import ScoringStoppedError
from .language_models import AUTOREGRESSIVE, Advance, ReadText, ScoredToken, TextScore
from .perplexity_settings import PerplexitySettings

if TYPE_CHECKING:
    from torch import Tensor

# Numbers of logits that are there at once, 128 MB, unless a single window has more.
LOGITS_AT_ONCE = 2**25


@dataclass(frozen=True)
class RollingWindow:
    """A piece of a text that is read at once.

    Parameters
    ----------
    start : int
        First token that is guessed here.
    stop : int
        The first one after these.
    context : int
        Tokens read before ``start``; 0 where only the beginning of the text is read.
    """

    start: int
    stop: int
    context: int


def roll(length: int, limit: int) -> list[RollingWindow]:
    """Lay windows over a text as lm-evaluation-harness does, with one token of context at least.

    The first window guesses as many tokens as the model reads, the next ones likewise; the last
    one is as long as the others and guesses what is left.

    Parameters
    ----------
    length : int
        Tokens of the text.
    limit : int
        Tokens that the model reads at once.

    Returns
    -------
    list of RollingWindow
        Every token is guessed in exactly one; none for a text without tokens.
    """
    windows = []
    for start in range(0, length, limit):
        stop = min(start + limit, length)
        # A guess of the token at `stop - 1` reads `limit` tokens, from `stop - limit - 1` on.
        context = start - (stop - limit - 1) if start else 0
        windows.append(RollingWindow(start, stop, context))
    return windows


class AutoregressiveModel:
    """A model that guesses the next token.

    Parameters
    ----------
    name : str
        Name or folder of a checkpoint.
    settings : PerplexitySettings
        ``max_length``, ``precision`` and ``device`` count.

    Raises
    ------
    MissingPackageError
        If transformers is not installed.
    CheckpointError
        If the checkpoint cannot be used.
    ParameterError
        If ``max_length`` is more than the model reads, or is None and the configuration says
        nothing of it.
    DeviceError
        If this machine has no such device, or the precision is not to be had.
    """

    kind = AUTOREGRESSIVE
    method = "left-to-right"

    def __init__(self, name: str, settings: PerplexitySettings) -> None:
        self.name = name
        folder = locate_checkpoint(name)
        self._model, self._tokenizer = load_autoregressive(str(folder), settings)
        self.fingerprint = checksum(folder).removeprefix("sha256-")
        self._limit = choose_limit(self._model.config, settings.max_length, name)
        self._first = self._first_token(str(folder))

    @property
    def used(self) -> dict[str, Any]:
        """How it is run: lengths, precision, device."""
        return {
            "max_length": self._limit,
            "stride": self._limit,
            "precision": str(self._model.dtype).removeprefix("torch."),
            "device": str(self._model.device),
        }

    def costs(self, texts: Sequence[str]) -> list[int]:
        """Say what the model has to read for each text.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts.

        Returns
        -------
        list of int
            In tokens, of all windows.
        """
        lengths = (len(self._tokenize(text)["input_ids"]) for text in texts)
        return [
            sum(w.context + w.stop - w.start for w in roll(length, self._limit))
            for length in lengths
        ]

    def score(self, texts: Sequence[str], advance: Advance) -> list[TextScore]:
        """Score texts.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts.
        advance : callable
            Told which share is done.

        Returns
        -------
        list of TextScore
            In the order of the texts.

        Raises
        ------
        NonFiniteScoreError
            If the model gives a token a score that is NaN or infinite.
        ScoringStoppedError
            If it is stopped from the keyboard; it holds what is finished.
        """
        ids = [self._tokenize(text)["input_ids"] for text in texts]
        found = [[nan] * len(some) for some in ids]
        try:
            self._guess(ids, found, advance)
        except KeyboardInterrupt as stop:
            rows = [row for row, scores in enumerate(found) if all(map(isfinite, scores))]
            done = self._sum_up([texts[row] for row in rows], [found[row] for row in rows])
            raise ScoringStoppedError(dict(zip(rows, done, strict=True))) from stop
        return self._sum_up(texts, found)

    def read(self, text: str, advance: Advance) -> ReadText:
        """Score one text, and keep what its tokens had.

        Parameters
        ----------
        text : str
            The text.
        advance : callable
            Told which share is done.

        Returns
        -------
        ReadText
            Its score, as `score` gives it, and its tokens.

        Raises
        ------
        NonFiniteScoreError
            If the model gives a token a score that is NaN or infinite.
        """
        encoded = self._tokenize(text, return_offsets_mapping=True)
        scores = [nan] * len(encoded["input_ids"])
        self._guess([encoded["input_ids"]], [scores], advance)
        names = self._tokenizer.convert_ids_to_tokens(encoded["input_ids"])
        rows = zip(names, encoded["offset_mapping"], scores, strict=True)
        tokens = (ScoredToken(name, start, stop, score) for name, (start, stop), score in rows)
        (score,) = self._sum_up([text], [scores])
        return ReadText(score, tuple(tokens))

    def _sum_up(self, texts: Sequence[str], found: list[list[float]]) -> list[TextScore]:
        words, sizes = count_words(texts).tolist(), count_bytes(texts).tolist()
        windows = (len(roll(len(scores), self._limit)) for scores in found)
        sums = [self._add(scores, text) for scores, text in zip(found, texts, strict=True)]
        rows = zip(sums, map(len, found), words, sizes, windows, strict=True)
        return [TextScore(*row) for row in rows]

    def _add(self, scores: list[float], text: str) -> float:
        total = sum(scores)
        if isfinite(total):
            return total
        wrong = next(score for score in scores if not isfinite(score))
        raise refuse_score(wrong, text, model=self.name, precision=self.used["precision"])

    def _tokenize(self, text: str, **options: bool) -> Any:
        return self._tokenizer(text, add_special_tokens=False, verbose=False, **options)

    def _first_token(self, folder: str) -> int:
        for id_ in (self._tokenizer.bos_token_id, self._tokenizer.eos_token_id):
            if id_ is not None:
                return int(id_)
        raise CheckpointError(
            f"The tokenizer in {folder} has neither a bos_token nor an eos_token, so the first "
            f"token of a text cannot be guessed from anything; name one in tokenizer_config.json."
        )

    def _guess(self, texts: list[list[int]], scores: list[list[float]], advance: Advance) -> None:
        """Fill in each token's score."""
        windows = [(row, w) for row, ids in enumerate(texts) for w in roll(len(ids), self._limit)]
        windows.sort(key=lambda entry: entry[1].start - entry[1].context - entry[1].stop)
        done, total = 0, sum(w.stop - w.start for _, w in windows)
        for batch in self._batches(windows):
            for (row, window), found in zip(batch, self._run(texts, batch), strict=True):
                scores[row][window.start : window.stop] = found
                done += window.stop - window.start
            advance(done / total)

    def _batches(
        self, windows: list[tuple[int, RollingWindow]]
    ) -> Iterator[list[tuple[int, RollingWindow]]]:
        """Cut windows, the longest first, into batches of as many tokens as logits allow."""
        most = LOGITS_AT_ONCE // self._model.config.get_text_config().vocab_size
        while windows:
            _, first = windows[0]
            size = max(1, most // max(1, first.stop - first.start + first.context))
            yield windows[:size]
            windows = windows[size:]

    def _run(
        self, texts: list[list[int]], batch: list[tuple[int, RollingWindow]]
    ) -> Iterator[list[float]]:
        import torch

        shown = [self._shown(texts[row], window) for row, window in batch]
        longest = max(map(len, shown))
        # Padding stands behind: no token looks that way.
        ids = torch.tensor([[*some, *[self._first] * (longest - len(some))] for some in shown])
        mask = torch.tensor([[1] * len(some) + [0] * (longest - len(some)) for some in shown])
        with torch.no_grad():
            device = self._model.device
            logits = self._model(ids.to(device), attention_mask=mask.to(device)).logits
        for (row, window), some, part in zip(batch, shown, logits, strict=True):
            number = window.stop - window.start
            wanted = torch.tensor(texts[row][window.start : window.stop], device=device)
            yield _gather(part[len(some) - number : len(some)].float(), wanted)

    def _shown(self, ids: list[int], window: RollingWindow) -> list[int]:
        """Give what is read: from the context, or the beginning token, to the last but one."""
        if not window.start:
            return [self._first, *ids[: window.stop - 1]]
        return ids[window.start - window.context : window.stop - 1]


def _gather(logits: "Tensor", wanted: "Tensor") -> list[float]:
    found = logits.gather(1, wanted[:, None])[:, 0] - logits.logsumexp(1)
    return [float(score) for score in found.double().tolist()]
