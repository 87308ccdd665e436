"""Texts to vectors: deduplicate, tokenize, cut, batch, encode, pool, put back in row order."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from huggingface_hub.utils.tqdm import tqdm
from torch import Tensor, nn

from skencoder.batching import plan_batches
from skencoder.checkpoints import (
    SentenceSettings,
    TransformersEncoder,
    load_checkpoint,
)
from skencoder.devices import resolve_device, resolve_precision
from skencoder.encoder import (
    SIMILARITIES,
    Boundaries,
    Encoder,
    can_prepack,
    pool,
    prepack,
    projection_widths,
    skip_tokens,
)
from skencoder.encoding_options import EncodingOptions
from skencoder.encoding_plan import EncodingPlan, ModelFacts, plan_encoding
from skencoder.errors import (
    CheckpointError,
    DeviceError,
    OverlongTextError,
    OverlongTextWarning,
    ParameterError,
    TextInputError,
)
from skencoder.tokenization import (
    Index,
    TextTokenizer,
    TokenizedTexts,
    Windows,
    check_texts,
    plan_windows,
)
from skencoder.vocabulary import check_vocabulary


@dataclass(frozen=True)
class EncodedTexts:
    """Vectors and what had to be done to get them.

    Parameters
    ----------
    vectors : float32 tensor of shape (n_texts, n_features)
        One row per text, in the order of the texts.
    n_overlong : int
        Texts that had more tokens than allowed.
    """

    vectors: Tensor
    n_overlong: int


@dataclass(frozen=True)
class Source:
    """What a `TextEncoder` was loaded from; this is all that a pickle of one holds.

    Parameters
    ----------
    model : str
        A folder's absolute path, the name of a model package, or a hub id.
    fingerprint : str
        SHA-256 over configuration, weights, tokenizer and sentence settings.
    precision, device : str
        As asked for, so that "auto" is decided again where the pickle is loaded.
    trust_remote_code : bool, default=False
        Whether the checkpoint's own code may be run.
    """

    model: str
    fingerprint: str
    precision: str
    device: str
    trust_remote_code: bool = False


class TextEncoder:
    """A loaded model: encoder, tokenizer and the sentence settings of its authors.

    Made by `TextEncoder.load`. It holds no state between calls, so threads may share it.

    Parameters
    ----------
    encoder : Encoder or TransformersEncoder
        On its device, in its precision.
    tokenizer : TextTokenizer
        Of the same checkpoint.
    settings : SentenceSettings
        Of the same checkpoint.
    source : Source
        What it was loaded from.
    projection : nn.Sequential, optional
        Linear maps of its authors after pooling, float32 on the same device.

    Examples
    --------
    >>> from skencoder import TextEncoder
    >>> encoder = TextEncoder.load("all-MiniLM-L6-v2")
    >>> encoder.encode(["a text", "another"]).vectors.shape
    torch.Size([2, 384])
    """

    def __init__(
        self,
        encoder: Encoder | TransformersEncoder,
        tokenizer: TextTokenizer,
        settings: SentenceSettings,
        source: Source,
        projection: nn.Sequential | None = None,
    ) -> None:
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.settings = settings
        self.source = source
        self.projection = projection

    @classmethod
    def load(
        cls,
        model: str | Path = "all-MiniLM-L6-v2",
        *,
        precision: str = "auto",
        device: str = "auto",
        trust_remote_code: bool = False,
    ) -> "TextEncoder":
        """Load a checkpoint for encoding.

        Parameters
        ----------
        model : str or Path, default="all-MiniLM-L6-v2"
            A folder, the name of an installed model package, or a hub id.
        precision : {"auto", "float32", "bfloat16"}, default="auto"
            Of weights and activations; auto takes bfloat16 only where it is native.
        device : str, default="auto"
            "cpu", "cuda", "cuda:1" or "mps"; auto takes the first GPU, else the CPU.
        trust_remote_code : bool, default=False
            Whether code from the checkpoint may be run, for an architecture or a variant that
            this package does not compute. It can do whatever you can do.

        Returns
        -------
        TextEncoder
            Ready for texts.

        Raises
        ------
        CheckpointError
            If the checkpoint is not there or cannot be used.
        DeviceError
            If this machine has no such device.
        ParameterError
            If precision or device has no such choice.
        """
        where = resolve_device(device)
        dtype = resolve_precision(precision, where)
        checkpoint = load_checkpoint(model, trust_remote_code=trust_remote_code)
        tokenizer = TextTokenizer.load(
            checkpoint.folder,
            lowercase=checkpoint.settings.lowercase,
            trust_remote_code=trust_remote_code,
        )
        check_vocabulary(tokenizer, checkpoint)
        folder = Path(model).expanduser()
        name = str(folder.resolve()) if folder.is_dir() else str(model)
        return cls(
            encoder=_prepare(checkpoint.encoder, where, dtype),
            tokenizer=tokenizer,
            settings=checkpoint.settings,
            source=Source(name, checkpoint.fingerprint, precision, device, trust_remote_code),
            projection=checkpoint.projection and checkpoint.projection.to(where),
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 over configuration, weights, tokenizer and settings, 64 hexadecimal digits."""
        return self.source.fingerprint

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.encoder.parameters()).device

    @property
    def precision(self) -> str:
        """In what it computes, "float32" or "bfloat16"."""
        return str(next(self.encoder.parameters()).dtype).removeprefix("torch.")

    def plan(self, options: EncodingOptions) -> EncodingPlan:
        """Say what the options mean for this model.

        Parameters
        ----------
        options : EncodingOptions
            As the user gave them.

        Returns
        -------
        EncodingPlan
            The same without "auto" or None.

        Raises
        ------
        ParameterError
            If a value does not fit this model.
        """
        facts = ModelFacts(
            config=self.encoder.config,
            settings=self.settings,
            projection_widths=self._projection_widths(),
            n_special=self.tokenizer.n_special,
            count_tokens=self._count_tokens,
            device_type=self.device.type,
        )
        return plan_encoding(options, facts)

    def _projection_widths(self) -> tuple[int, int] | None:
        if self.projection is None:
            return None
        widths = projection_widths(self.projection)
        return widths[0][0], widths[-1][1]

    def _count_tokens(self, prompt: str) -> int:
        check_texts([prompt])
        return len(self.tokenizer.tokenize([prompt]).input_ids)

    @torch.no_grad()
    def encode(
        self,
        texts: Sequence[str],
        options: EncodingOptions | None = None,
        *,
        output_device: torch.device | str = "cpu",
    ) -> EncodedTexts:
        """Encode texts.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts; the same text is encoded once.
        options : EncodingOptions, optional
            How; the checkpoint's own settings if not given.
        output_device : torch.device or str, default="cpu"
            Where the vectors are collected.

        Returns
        -------
        EncodedTexts
            Vectors in the order of the texts.

        Raises
        ------
        OverlongTextError
            If ``overflow="error"`` and a text has more tokens than allowed.
        ParameterError
            If an option does not fit this model.
        TextInputError
            If a row is no text or holds half a character; the row is named.
        """
        (encoded,) = self.encode_many(
            texts, [options or EncodingOptions()], output_device=output_device
        )
        return encoded

    @torch.no_grad()
    def encode_many(
        self,
        texts: Sequence[str],
        options: Sequence[EncodingOptions],
        *,
        output_device: torch.device | str = "cpu",
    ) -> list[EncodedTexts]:
        """Encode texts in several ways with one pass through the encoder.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts; the same text is encoded once.
        options : sequence of EncodingOptions
            How; they may differ in ``layer``, ``pooling``, ``truncate_dim`` and ``normalize``.
        output_device : torch.device or str, default="cpu"
            Where the vectors are collected.

        Returns
        -------
        list of EncodedTexts
            One for each of the options.

        Raises
        ------
        OverlongTextError
            If ``overflow="error"`` and a text has more tokens than allowed.
        ParameterError
            If an option does not fit this model, or the options differ in anything else.
        TextInputError
            If a row is no text or holds half a character; the row is named.

        Examples
        --------
        >>> from skencoder import EncodingOptions, TextEncoder
        >>> encoder = TextEncoder.load("all-MiniLM-L6-v2")
        >>> grid = [EncodingOptions(layer=layer) for layer in (2, 4, 6)]
        >>> [encoded.vectors.shape[1] for encoded in encoder.encode_many(["a text"], grid)]
        [384, 384, 384]
        """
        plans = [self.plan(one) for one in options]
        plan = _shared_plan(plans)
        check_texts(texts)
        unique, inverse = _deduplicate(texts)
        tokens = self.tokenizer.tokenize([plan.prompt + text for text in unique])
        self._check_tokens(tokens, inverse)
        n_overlong = _report_overlong(tokens.lengths[inverse], self.tokenizer.n_special, plan)
        windows, framed = self._cut(tokens, plan)
        encoded = []
        for vectors, one in zip(
            self._encode_windows(framed, plans, output_device), plans, strict=True
        ):
            merged = _merge_windows(vectors, windows, framed.lengths, len(unique))
            finished = _finish(merged, one)
            if len(unique) < len(texts):
                finished = finished[torch.from_numpy(inverse)]
            encoded.append(EncodedTexts(finished, n_overlong))
        return encoded

    def _check_tokens(self, tokens: TokenizedTexts, inverse: Index) -> None:
        empty = np.flatnonzero(tokens.lengths[inverse] + self.tokenizer.n_special == 0)
        if len(empty):
            raise TextInputError(
                f"Row {empty[0]} has no token ({len(empty)} such rows): it is empty to this "
                f"tokenizer, which puts no special token around a text. Leave such rows out, or "
                f"give them a word."
            )

    def _cut(self, tokens: TokenizedTexts, plan: EncodingPlan) -> tuple[Windows, TokenizedTexts]:
        overlap, lead = None, 0
        if plan.overlap is not None:
            # The prompt's tokens stand before every window of a text, as they do in training.
            lead = plan.prompt_tokens
            overlap = int((plan.body_length - lead) * plan.overlap)
        windows = plan_windows(tokens, plan.body_length, overlap, lead)
        return windows, self.tokenizer.add_special_tokens(tokens, windows)

    def _encode_windows(
        self, texts: TokenizedTexts, plans: list[EncodingPlan], output_device: torch.device | str
    ) -> list[Tensor]:
        plan = plans[0]
        vectors: list[Tensor] = []
        with tqdm(
            total=len(texts),
            unit=" texts",
            desc=f"Encoding ({self.precision}, {self.device})",
            disable=not plan.verbose,
        ) as bar:
            for batch in plan_batches(texts.lengths, plan.batch_tokens):
                pooled = [
                    part.to(output_device) for part in self._encode_batch(texts, batch, plans)
                ]
                if not vectors:
                    vectors = [part.new_empty(len(texts), part.shape[1]) for part in pooled]
                for collected, part in zip(vectors, pooled, strict=True):
                    collected[torch.from_numpy(batch)] = part
                bar.update(len(batch))
        return vectors

    def _encode_batch(
        self, texts: TokenizedTexts, batch: Index, plans: list[EncodingPlan]
    ) -> list[Tensor]:
        pieces = [texts.input_ids[texts.offsets[row] : texts.offsets[row + 1]] for row in batch]
        input_ids = torch.from_numpy(np.concatenate(pieces)).to(self.device)
        boundaries = Boundaries.from_lengths(texts.lengths[batch].tolist(), self.device)
        states = self._hidden_states(input_ids, boundaries, {plan.layer for plan in plans})
        return [self._pool(states[plan.layer], boundaries.cu_seqlens, plan) for plan in plans]

    def _hidden_states(
        self, input_ids: Tensor, boundaries: Boundaries, layers: set[int]
    ) -> Mapping[int, Tensor]:
        if len(layers) == 1 or isinstance(self.encoder, TransformersEncoder):
            forward = self.encoder.forward_packed
            return {layer: forward(input_ids, boundaries, layer=layer) for layer in layers}
        traced = self.encoder.trace_packed(input_ids, boundaries, attention=False)
        states = traced.hidden_states or ()
        return {layer: states[layer] for layer in layers}

    def _pool(self, hidden_states: Tensor, cu_seqlens: Tensor, plan: EncodingPlan) -> Tensor:
        if plan.prompt and not plan.pools_prompt:
            # Its tokens and the special ones before it are left out.
            skip = len(self.tokenizer.prefix) + plan.prompt_tokens
            hidden_states, cu_seqlens = skip_tokens(hidden_states, cu_seqlens, skip)
        pooled = pool(hidden_states, cu_seqlens, plan.poolings)
        projected: Tensor = pooled if self.projection is None else self.projection(pooled)
        return projected

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare vectors of this model as its authors do (``similarity_fn_name``).

        Parameters
        ----------
        first, second : float of shape (n, n_features) and (m, n_features)
            Vectors that `encode` gave.

        Returns
        -------
        float of shape (n, m)
            Larger is closer: cosine where the checkpoint does not say, dot product, or a
            distance with its sign turned.
        """
        return SIMILARITIES[self.settings.similarity or "cosine"](first, second)

    def __sklearn_clone__(self) -> "TextEncoder":
        # A loaded model is a value that estimators share: cloning one must not copy weights.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _load_source, (self.source,)


def _load_source(source: Source) -> TextEncoder:
    try:
        encoder = _load_again(source, source.device)
    except DeviceError as error:
        warnings.warn(f"{error} The pickled encoder goes on there.", UserWarning, stacklevel=2)
        encoder = _load_again(source, "auto")
    if encoder.fingerprint != source.fingerprint:
        raise CheckpointError(
            f"model={source.model!r} is not the one that was pickled: fingerprint "
            f"{source.fingerprint} expected, got {encoder.fingerprint}. Give back the old files, "
            f"or fit again."
        )
    return encoder


def _load_again(source: Source, device: str) -> TextEncoder:
    return TextEncoder.load(
        source.model,
        precision=source.precision,
        device=device,
        trust_remote_code=source.trust_remote_code,
    )


def _prepare(
    encoder: Encoder | TransformersEncoder, device: torch.device, dtype: torch.dtype
) -> Encoder | TransformersEncoder:
    if isinstance(encoder, TransformersEncoder):
        encoder.to_precision(dtype)
        return encoder.to(device)
    encoder = encoder.to(device=device, dtype=dtype)
    return prepack(encoder) if device.type == "cpu" and can_prepack(dtype) else encoder


def _shared_plan(plans: list[EncodingPlan]) -> EncodingPlan:
    if not plans:
        raise ParameterError("options must hold at least one EncodingOptions; got none.")
    first = plans[0]
    of_the_vectors = ("poolings", "layer", "normalize", "n_features")
    same = {name: getattr(first, name) for name in of_the_vectors}
    if any(replace(plan, **same) != first for plan in plans):
        raise ParameterError(
            "options of one pass may differ in layer, pooling, truncate_dim and normalize only; "
            "encode the others apart."
        )
    return first


def _finish(vectors: Tensor, plan: EncodingPlan) -> Tensor:
    vectors = vectors[:, : plan.n_features]
    return F.normalize(vectors, dim=1) if plan.normalize else vectors


def _deduplicate(texts: Sequence[str]) -> tuple[list[str], Index]:
    places: dict[str, int] = {}
    inverse = np.fromiter(
        (places.setdefault(text, len(places)) for text in texts), np.int64, len(texts)
    )
    return list(places), inverse


def _report_overlong(lengths: Index, n_special: int, plan: EncodingPlan) -> int:
    overlong = np.flatnonzero(lengths > plan.body_length)
    if not len(overlong):
        return 0
    longest = lengths.max() + n_special
    if plan.overflow == "error":
        raise OverlongTextError(
            f"Row {overlong[0]} has {lengths[overlong[0]] + n_special} tokens, but max_length is "
            f"{plan.max_length} ({len(overlong)} such rows). Shorten it, or choose "
            f"overflow='truncate' or 'chunk'."
        )
    if plan.overflow == "warn":
        warnings.warn(
            f"{len(overlong)} of {len(lengths)} texts have more than max_length="
            f"{plan.max_length} tokens (the longest {longest}) and were cut. overflow='chunk' "
            f"reads all of them, overflow='truncate' cuts without this warning.",
            OverlongTextWarning,
            stacklevel=5,
        )
    return len(overlong)


def _merge_windows(vectors: Tensor, windows: Windows, lengths: Index, n_texts: int) -> Tensor:
    if len(windows.rows) == n_texts:
        return vectors
    rows = torch.from_numpy(windows.rows).to(vectors.device)
    weights = torch.from_numpy(lengths).to(vectors)[:, None]
    sums = vectors.new_zeros(n_texts, vectors.shape[1]).index_add_(0, rows, vectors * weights)
    return sums / vectors.new_zeros(n_texts, 1).index_add_(0, rows, weights)
