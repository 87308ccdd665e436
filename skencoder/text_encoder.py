"""TextEncoder: a loaded model that turns texts into vectors."""

import hashlib
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from huggingface_hub.utils.tqdm import tqdm
from torch import Tensor, nn

from skencoder.checkpoint_files import SentenceSettings
from skencoder.checkpoints import TransformersEncoder, load_checkpoint
from skencoder.devices import resolve_device, resolve_precision
from skencoder.encoder import (
    SIMILARITIES,
    Encoder,
    can_prepack,
    plain_state,
    prepack,
    projection_widths,
)
from skencoder.encoding_options import EncodingOptions
from skencoder.encoding_pass import Advance, EncodingPass
from skencoder.encoding_plan import EncodingPlan, ModelFacts, plan_encoding
from skencoder.errors import CheckpointError, DeviceError, ParameterError
from skencoder.model_source import Source
from skencoder.text_checks import check_texts, report_overlong
from skencoder.tokenization import Index, TextTokenizer
from skencoder.vocabulary import check_vocabulary

# Numbers of each tensor, about, by which a change is noticed.
PROBES = 3
# A child made by fork inherits torch, but not the threads of its pool, and would wait for them.
_THREADS_OF = {"pid": os.getpid()}


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
class RawVectors:
    """What one pass gives, before anything is cut off or scaled.

    Parameters
    ----------
    vectors : list of float32 tensors of shape (n_texts, full_width)
        One for each plan.
    lengths : int64 of shape (n_texts,)
        Tokens of each whole text, special tokens included.
    """

    vectors: list[Tensor]
    lengths: Index


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
        self._as_loaded = self._state_of_weights()
        self._pid = os.getpid()
        self._changed: tuple[Any, str] | None = None

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
        _leave_inherited_threads()
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
        """SHA-256 over configuration, weights, tokenizer and settings, 64 hexadecimal digits.

        Weights that were changed since they were loaded have a fingerprint of their own.
        """
        state = self._state_of_weights()
        if state == self._as_loaded:
            return self.source.fingerprint
        if self._changed is None or self._changed[0] != state:
            self._changed = (state, self._hash_weights())
        return self._changed[1]

    @property
    def is_as_loaded(self) -> bool:
        """Whether nobody has changed the weights since they were loaded."""
        return self._state_of_weights() == self._as_loaded

    @property
    def is_stranded(self) -> bool:
        """Whether it was inherited by fork from a process whose GPU is closed to this one."""
        return self._pid != os.getpid() and self.device.type != "cpu"

    def _modules(self) -> list[nn.Module]:
        return [self.encoder, *([self.projection] if self.projection is not None else [])]

    def _state_of_weights(self) -> list[Any]:
        """Tell two states apart without reading all weights.

        torch counts changes in place, but not those through ``parameter.data``; they show in a few
        numbers of each tensor, unless somebody changes just the others.
        """
        values = [v for module in self._modules() for v in module.state_dict().values()]
        places = [(v.data_ptr(), 0 if v.is_inference() else v._version) for v in values]
        flat = [v.detach().reshape(-1) for v in values if v.numel()]
        samples = [v[:: max(1, len(v) // PROBES)] for v in flat]
        return [places, torch.cat([sample.float() for sample in samples]).tolist()]

    def _hash_weights(self) -> str:
        digest = hashlib.sha256(self.source.fingerprint.encode())
        for module in self._modules():
            for name, value in plain_state(module).items():
                digest.update(name.encode())
                digest.update(
                    value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
                )
        return digest.hexdigest()

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.encoder.parameters()).device

    @property
    def precision(self) -> str:
        """In what it computes, "float32" or "bfloat16"."""
        return str(next(self.encoder.parameters()).dtype).removeprefix("torch.")

    @property
    def facts(self) -> ModelFacts:
        """What is to be known of the model to plan an encoding."""
        config, widths = self.encoder.config, None
        if self.projection is not None:
            ends = projection_widths(self.projection)
            widths = ends[0][0], ends[-1][1]
        return ModelFacts(
            hidden_size=config.hidden_size,
            num_hidden_layers=config.num_hidden_layers,
            max_position_embeddings=config.max_position_embeddings,
            settings=self.settings,
            projection_widths=widths,
            n_special=self.tokenizer.n_special,
            device_type=self.device.type,
            precision=self.precision,
            shares_pass=isinstance(self.encoder, Encoder),
        )

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
        return plan_encoding(options, self.facts, self.tokenizer.count)

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
        rows = np.unique(inverse, return_index=True)[1]
        one_pass = self._begin_pass()
        tokens = one_pass.tokenize(unique, plan, rows)
        lengths = (tokens.lengths + self.tokenizer.n_special)[inverse]
        n_overlong = report_overlong(lengths, plan.max_length, plan.overflow)
        with self._progress_bar(len(unique), plan) as bar:
            vectors = one_pass.encode(tokens, plans, output_device, bar.update)
        if len(unique) < len(texts):
            vectors = [part[torch.from_numpy(inverse)] for part in vectors]
        return [
            EncodedTexts(_finish(part, one), n_overlong)
            for part, one in zip(vectors, plans, strict=True)
        ]

    @torch.no_grad()
    def encode_raw(
        self,
        texts: Sequence[str],
        plans: Sequence[EncodingPlan],
        *,
        rows: Index | None = None,
        output_device: torch.device | str = "cpu",
        advance: Advance | None = None,
    ) -> RawVectors:
        """Encode texts without finishing the vectors, for whoever keeps them.

        Nothing is said of over-long texts; that is for the caller, who has the lengths.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            Texts that `skencoder.text_checks` let pass, each encoded.
        plans : sequence of EncodingPlan
            How; they may differ in layer, poolings, normalisation and width.
        rows : int64 of shape (n_texts,), optional
            What the caller calls these texts, for messages.
        output_device : torch.device or str, default="cpu"
            Where the vectors are collected.
        advance : callable, optional
            Told after each batch how many more texts are done.

        Returns
        -------
        RawVectors
            Neither truncated nor normalised.

        Raises
        ------
        TextInputError
            If a text has no token at all.
        """
        one_pass = self._begin_pass()
        tokens = one_pass.tokenize(
            texts, plans[0], np.arange(len(texts)) if rows is None else rows
        )
        vectors = one_pass.encode(tokens, plans, output_device, advance)
        return RawVectors(vectors, tokens.lengths + self.tokenizer.n_special)

    def count_tokens(self, texts: Sequence[str], plan: EncodingPlan) -> Index:
        """Count the tokens of whole texts, prompt and special tokens included.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            Texts that `skencoder.text_checks` let pass.
        plan : EncodingPlan
            Says which prompt.

        Returns
        -------
        int64 of shape (n_texts,)
            Tokens of each.
        """
        tokens = self.tokenizer.tokenize([plan.prompt + text for text in texts])
        return tokens.lengths + self.tokenizer.n_special

    def _begin_pass(self) -> EncodingPass:
        _leave_inherited_threads()
        return EncodingPass(self.encoder, self.tokenizer, self.projection)

    def _progress_bar(self, total: int, plan: EncodingPlan) -> Any:
        return tqdm(
            total=total,
            unit=" texts",
            desc=f"Encoding ({self.precision}, {self.device})",
            disable=not plan.verbose,
        )

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
        if not self.is_as_loaded:
            raise CheckpointError(
                f"The weights of {self.source.model!r} were changed since they were loaded, and a "
                f"pickle holds no weights. Write them with skencoder.checkpoints.save_checkpoint, "
                f"and load that folder."
            )
        return _load_source, (self.source,)


def _leave_inherited_threads() -> None:
    if _THREADS_OF["pid"] != os.getpid():
        torch.set_num_threads(1)
        _THREADS_OF["pid"] = os.getpid()


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
    of_the_vectors = ("poolings", "layer", "normalize", "n_features", "full_width")
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
