"""TextEncoder: a loaded model that turns texts into vectors."""

import hashlib
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from huggingface_hub.utils.tqdm import tqdm
from torch import Tensor, nn

from skencoder.batching import TokenBudget
from skencoder.checkpoint_files import SentenceSettings
from skencoder.checkpoints import load_checkpoint
from skencoder.devices import resolve_devices, resolve_precision
from skencoder.encoder import SIMILARITIES, Encoder, StaticEncoder, plain_state, projection_widths
from skencoder.encoding_options import EncodingOptions
from skencoder.encoding_pass import Advance, EncodingPass, Lot, RawVectors
from skencoder.encoding_plan import EncodingPlan, ModelFacts, plan_encoding
from skencoder.engines import AnyEncoder, Worker, hire_workers
from skencoder.errors import CheckpointError, DeviceError, ParameterError
from skencoder.model_source import Source, name_devices
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


class TextEncoder:
    """A loaded model: encoder, tokenizer and the sentence settings of its authors.

    Made by `TextEncoder.load`. It holds no state between calls, so threads may share it.

    Parameters
    ----------
    workers : sequence of Worker
        The encoder on each of its devices.
    precision : str
        In what they compute.
    tokenizer : TextTokenizer
        Of the same checkpoint.
    settings : SentenceSettings
        Of the same checkpoint.
    source : Source
        What it was loaded from.

    Examples
    --------
    >>> from skencoder import TextEncoder
    >>> encoder = TextEncoder.load("all-MiniLM-L6-v2")
    >>> encoder.encode(["a text", "another"]).vectors.shape
    torch.Size([2, 384])
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        precision: str,
        tokenizer: TextTokenizer,
        settings: SentenceSettings,
        source: Source,
    ) -> None:
        self.workers = workers
        self.precision = precision
        self.tokenizer = tokenizer
        self.settings = settings
        self.source = source
        self._budget = TokenBudget()
        self._as_loaded = self._state_of_weights()
        self._pid = os.getpid()
        self._changed: tuple[Any, str] | None = None

    @classmethod
    def load(
        cls,
        model: str | Path = "all-MiniLM-L6-v2",
        *,
        precision: str = "auto",
        device: str | Sequence[str] = "auto",
        trust_remote_code: bool = False,
    ) -> "TextEncoder":
        """Load a checkpoint for encoding.

        Parameters
        ----------
        model : str or Path, default="all-MiniLM-L6-v2"
            A folder, the name of an installed model package, or a hub id.
        precision : {"auto", "float32", "bfloat16", "float16", "int8"}, default="auto"
            Of weights and activations; auto takes bfloat16 only where it is native, else float32.
            int8 is for CPUs: faster, cosine 0.995 and more to float32.
        device : str or sequence of str, default="auto"
            "cpu", "cuda", "cuda:1" or "mps"; auto takes the first GPU, else the CPU. Several, such
            as ["cuda:0", "cuda:1"], share the batches.
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
            If this machine has no such device, or the device not this precision.
        ParameterError
            If precision or device has no such choice.
        """
        _leave_inherited_threads()
        named = name_devices(device)
        devices = resolve_devices(named)
        resolved = resolve_precision(precision, devices[0])
        checkpoint = load_checkpoint(model, trust_remote_code=trust_remote_code)
        if precision == "auto" and isinstance(checkpoint.encoder, StaticEncoder):
            resolved = "float32"  # nothing is multiplied that bfloat16 would make faster
        tokenizer = TextTokenizer.load(
            checkpoint.folder,
            lowercase=checkpoint.settings.lowercase,
            trust_remote_code=trust_remote_code,
        )
        check_vocabulary(tokenizer, checkpoint)
        folder = Path(model).expanduser()
        name = str(folder.resolve()) if folder.is_dir() else str(model)
        return cls(
            workers=hire_workers(checkpoint.encoder, checkpoint.projection, devices, resolved),
            precision=resolved,
            tokenizer=tokenizer,
            settings=checkpoint.settings,
            source=Source(name, checkpoint.fingerprint, precision, named, trust_remote_code),
        )

    @property
    def encoder(self) -> AnyEncoder:
        """The encoder on the first of its devices."""
        return self.workers[0].encoder

    @property
    def projection(self) -> nn.Sequential | None:
        """Linear maps of the checkpoint's authors after pooling, if there are any."""
        return self.workers[0].projection

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
        """Where it computes, the first of its devices."""
        return next(self.encoder.parameters()).device

    @property
    def device_names(self) -> str:
        """All its devices, as the parameter ``device`` takes them."""
        return name_devices([str(worker.device) for worker in self.workers])

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
            shares_pass=isinstance(self.encoder, Encoder | StaticEncoder),
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
        lots: Iterable[Lot] = one_pass.read(unique, plan, rows)
        if plan.overflow == "error":
            # Nothing is encoded before it is known that no text is refused.
            lots = list(lots)
            report_overlong(one_pass.lengths_of(lots)[inverse], plan.max_length, plan.overflow)
        with self._progress_bar(len(unique), plan) as bar:
            raw = one_pass.encode(lots, plans, output_device, bar.update)
        n_overlong = report_overlong(raw.lengths[inverse], plan.max_length, plan.overflow)
        vectors = raw.vectors
        if len(unique) < len(texts):
            vectors = [part[torch.from_numpy(inverse).to(part.device)] for part in vectors]
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
        lots = one_pass.read(texts, plans[0], np.arange(len(texts)) if rows is None else rows)
        return one_pass.encode(lots, plans, output_device, advance)

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
        one_pass = self._begin_pass()
        return one_pass.lengths_of(one_pass.read(texts, plan, np.arange(len(texts))))

    def _begin_pass(self) -> EncodingPass:
        _leave_inherited_threads()
        return EncodingPass(self.workers, self.tokenizer, self._budget)

    def _progress_bar(self, total: int, plan: EncodingPlan) -> Any:
        return tqdm(
            total=total,
            unit=" texts",
            desc=f"Encoding ({self.precision}, {self.device_names})",
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
