"""EncoderVectorizer: the scikit-learn face of a `TextEncoder`. What encoding is stands there."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skencoder.encode_once import ModelHandle, Progress, as_handle, colleague, release
from skencoder.encoding_options import POOLING_CHOICES, EncodingOptions, check_choice
from skencoder.errors import CheckpointError, ParameterError
from skencoder.estimators.prepared import Prepared, make_cache
from skencoder.estimators.progress import TICKS, Bar, Ticks
from skencoder.estimators.saving import load_parameters, save
from skencoder.estimators.texts import TextReader
from skencoder.estimators.tuning import (
    Tuned,
    Wish,
    check_can_go_on,
    check_objective,
    draw_seed,
    is_config,
    tune_model,
)
from skencoder.model_source import name_devices

if TYPE_CHECKING:
    from torch import Tensor

    from skencoder.cache import EmbeddingCache
    from skencoder.encoder import EncoderConfig
    from skencoder.objectives import Objective
    from skencoder.text_encoder import TextEncoder


class EncoderVectorizer(
    CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Turn texts into sentence vectors with a Transformer encoder.

    Each text is encoded once: vectors are kept in a cache that workers share, and the model is
    loaded when a text has to be encoded, once per process. Parameters are read by ``fit``:
    changing one takes effect at the next ``fit``. The same text gives the same vector in any batch
    and order, to 1e-6 in float32 and 2e-2 per dimension in bfloat16.

    Parameters
    ----------
    model : str, Path, TextEncoder or EncoderConfig, default="all-MiniLM-L6-v2"
        A checkpoint folder, the name of an installed model package, a hub id, or a loaded model;
        or what a new one shall be made of, which ``fine_tune`` trains from scratch, after a
        tokenizer of at most ``vocab_size`` tokens.
    pooling : str, default="auto"
        From token vectors to a text's vector: "mean", "cls", "max", "last", "weighted_mean",
        "mean_sqrt_len", or several joined by "+", whose vectors are put side by side; auto is
        what the checkpoint says.
    layer : int, default=-1
        Which hidden state is pooled: 0 is the embeddings, -1 the last layer.
    normalize : bool or "auto", default="auto"
        Whether vectors have unit length; auto is what the checkpoint says.
    truncate_dim : int, default=None
        Keep the first dimensions only, before ``normalize``; None keeps what the checkpoint's
        authors keep, mostly all.
    max_length : int, default=None
        Tokens per text, special tokens included; None is the model's own limit.
    overflow : {"warn", "truncate", "error", "chunk"}, default="warn"
        A longer text is cut with a warning, cut, refused, or encoded in overlapping windows
        whose vectors are averaged by their tokens.
    prompt : str, default=None
        Text put before every input, or the name of one of the checkpoint's own prompts. None is
        the checkpoint's default prompt, if it has one.
    missing : {"error", "empty"}, default="error"
        What ``None`` and NaN are: refused, or an empty text.
    input : {"content", "file", "filename"}, default="content"
        What a row of X is.
    encoding : str, default="utf-8"
        Of bytes and files.
    decode_error : {"strict", "ignore", "replace"}, default="strict"
        What happens to bytes that are not in this encoding.
    strip_accents : {"ascii", "unicode"} or callable, default=None
        Take accents off.
    lowercase : bool, default=False
        Lowercase texts first; the model's own tokenizer does what it needs in any case.
    preprocessor : callable, default=None
        From str to str, in place of ``strip_accents`` and ``lowercase``.
    precision : {"auto", "float32", "bfloat16", "float16", "int8"}, default="auto"
        Of weights and activations; auto takes bfloat16 only where the hardware multiplies it
        natively, else float32. int8 is for CPUs: faster, cosine 0.995 and more to float32.
        Vectors are float32 in any case.
    device : str or list of str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; auto takes the first GPU, else the CPU. Several, such as
        ["cuda:0", "cuda:1"], share the batches.
    batch_tokens : int or "auto", default="auto"
        Most tokens encoded at once.
    cache : str, Path, EmbeddingCache or None, default="session"
        Where vectors are kept for the next time: "session" is temporary and shared with workers, a
        path is a folder that stays, None keeps nothing.
    fine_tune : objective, default=None
        What ``fit`` trains the model for, of `skencoder.objectives`; None trains nothing. The
        model that was given stays as it is.
    output : {"numpy", "torch"}, default="numpy"
        An array, or a tensor on the device.
    random_state : int, RandomState or None, default=None
        Of all that training draws: with an int, the same weights every time on one CPU.
    verbose : int, default=0
        1 shows a progress bar with texts per second and remaining time, in training with the loss.

    Attributes
    ----------
    encoder_ : TextEncoder
        The model, loaded when it is first asked for.
    n_features_out_ : int
        Width of a vector.
    model_fingerprint_ : str
        SHA-256 over the model's configuration, weights, tokenizer and sentence settings.
    history_ : DataFrame
        With ``fine_tune``: step, epoch, loss, learning rate, gradient norm, tokens and seconds of
        each step, and the loss on held-out rows after it (before the first one too) where it was
        taken.
    n_truncated_ : int
        Texts of the last call that had more tokens than ``max_length``, cut or, with
        ``overflow="chunk"``, read in windows.

    See Also
    --------
    sklearn.feature_extraction.text.TfidfVectorizer : Word counts instead of a model.
    skencoder.EmbeddingCache : Where vectors are kept.

    References
    ----------
    .. [1] Reimers & Gurevych (2019), Sentence-BERT, arXiv:1908.10084.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skencoder import EncoderVectorizer
    >>> texts = ["a happy day", "what a joy", "a sad story", "such misery"]
    >>> pipeline = make_pipeline(EncoderVectorizer(), LogisticRegression())
    >>> pipeline.fit(texts, ["good", "good", "bad", "bad"]).predict(["full of delight"])
    array(['good'], dtype='<U4')
    """

    # Where scikit-learn's HTML view leads to.
    _doc_link_module = "skencoder"
    _doc_link_template = "https://pypi.org/project/skencoder/"
    # What a search varies of this estimator, as far as one pass serves it; see `set_params`.
    _varied: frozenset[str] = frozenset()

    def __init__(
        self,
        model: "str | Path | TextEncoder | EncoderConfig" = "all-MiniLM-L6-v2",
        *,
        pooling: str = "auto",
        layer: int = -1,
        normalize: bool | Literal["auto"] = "auto",
        truncate_dim: int | None = None,
        max_length: int | None = None,
        overflow: str = "warn",
        prompt: str | None = None,
        missing: str = "error",
        input: str = "content",
        encoding: str = "utf-8",
        decode_error: str = "strict",
        strip_accents: str | Callable[[str], str] | None = None,
        lowercase: bool = False,
        preprocessor: Callable[[str], str] | None = None,
        precision: str = "auto",
        device: str | list[str] = "auto",
        batch_tokens: int | Literal["auto"] = "auto",
        cache: "str | Path | EmbeddingCache | None" = "session",
        fine_tune: "Objective | None" = None,
        output: str = "numpy",
        random_state: "int | np.random.RandomState | None" = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.pooling = pooling
        self.layer = layer
        self.normalize = normalize
        self.truncate_dim = truncate_dim
        self.max_length = max_length
        self.overflow = overflow
        self.prompt = prompt
        self.missing = missing
        self.input = input
        self.encoding = encoding
        self.decode_error = decode_error
        self.strip_accents = strip_accents
        self.lowercase = lowercase
        self.preprocessor = preprocessor
        self.precision = precision
        self.device = device
        self.batch_tokens = batch_tokens
        self.cache = cache
        self.fine_tune = fine_tune
        self.output = output
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> "EncoderVectorizer":
        """Check the parameters, the texts and the model's files; train where that is asked for.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts, or what ``input`` says; only ``fine_tune`` learns from them.
        y : object, optional
            What the objective learns beside the texts: labels, partners, scores. Ignored without.

        Returns
        -------
        EncoderVectorizer
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TextInputError
            If X is not a collection of texts.
        CheckpointError
            If the model is not there or cannot be used.
        DeviceError
            If this machine has no such device.
        TrainingError
            If the objective cannot learn from what came.
        """
        context = self._init_callback_context()
        texts = self._make_reader().read(X)
        context.call_on_fit_task_begin(estimator=self, X=texts, y=y)
        self._fit(texts, y)
        context.call_on_fit_task_end(estimator=self, X=texts, y=y)
        return self

    @with_callbacks
    def fit_transform(self, X: Any, y: Any = None) -> "NDArray[np.float32] | Tensor":
        """Do what ``fit`` does, and encode; X is read once, so it may be a generator.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts, or what ``input`` says.
        y : object, optional
            What the objective learns beside the texts.

        Returns
        -------
        float32 of shape (n_texts, n_features_out_)
            One vector per text.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TextInputError
            If X is not a collection of texts.
        CheckpointError
            If the model is not there or cannot be used.
        DeviceError
            If this machine has no such device.
        TrainingError
            If the objective cannot learn from what came.
        """
        context = self._init_callback_context(max_subtasks=TICKS)
        texts = self._make_reader().read(X)
        context.call_on_fit_task_begin(estimator=self, X=texts, y=y)
        self._fit(texts, y)
        ticks = Ticks(self, context, Bar(self.verbose))
        vectors = self._encode(texts, ticks)
        if not ticks.total:
            # Nothing was new: if a search was going on, this is its end.
            self._varied = frozenset()
        context.call_on_fit_task_end(estimator=self, X=texts, y=y)
        return vectors

    def transform(self, X: Any) -> "NDArray[np.float32] | Tensor":
        """Encode texts.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts, or what ``input`` says.

        Returns
        -------
        float32 of shape (n_texts, n_features_out_)
            One vector per text.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is not a collection of texts.
        OverlongTextError
            If ``overflow="error"`` and a text has more tokens than allowed.
        """
        check_is_fitted(self, "n_features_out_")
        return self._encode(self._reader.read(X), Bar(self.verbose))

    def precompute(
        self, X: Any, *, layers: Iterable[int] = (), poolings: Iterable[str] = ()
    ) -> "EncoderVectorizer":
        """Fill the cache ahead, with a progress bar; the estimator itself stays as it is.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts, or what ``input`` says.
        layers : iterable of int, default=()
            Values of ``layer`` whose vectors are kept too; the same pass serves them all.
        poolings : iterable of str, default=()
            Values of ``pooling`` whose vectors are kept too.

        Returns
        -------
        EncoderVectorizer
            Itself.

        Raises
        ------
        ParameterError
            If there is no cache, or a parameter cannot be used.
        TextInputError
            If X is not a collection of texts.
        CheckpointError
            If the model is not there or cannot be used.
        """
        if self.cache is None:
            raise ParameterError("precompute fills a cache, but cache=None; choose one.")
        prepared = self._settle()
        kept = [prepared.changed(layer=layer).plan for layer in layers]
        pooled = [prepared.changed(pooling=pooling).plan for pooling in poolings]
        prepared.encode(
            self._make_reader().read(X),
            Bar(1),
            layers=[plan.layer for plan in kept],
            poolings=[name for plan in pooled for name in plan.poolings],
        )
        return self

    def save(self, folder: str | Path) -> Path:
        """Write a folder that needs nothing else: weights, tokenizer, parameters, model card.

        Of a model that was trained, the trained weights; how they were trained is not kept. A head
        that guesses masked tokens is kept, so that `PseudoPerplexityScorer` reads the folder too.

        Parameters
        ----------
        folder : str or Path
            Where to; it must not exist, or be empty. It appears whole or not at all.

        Returns
        -------
        Path
            The folder, which sentence-transformers reads too.

        Raises
        ------
        CheckpointError
            If the folder holds something, or the model or its head is damaged or cannot be
            written.
        ParameterError
            If a parameter is a function, or cannot be used.
        OSError
            If the disk is full or the folder cannot be written.

        Warns
        -----
        CheckpointWarning
            If the model was given with changed weights: the published head, which does not belong
            to them, is left out.
        """
        return save(folder, self._settle(), self.get_params(deep=False))

    @classmethod
    def load(cls, folder: str | Path, **parameters: Any) -> "EncoderVectorizer":
        """Give the vectorizer that `save` wrote, not fitted.

        Parameters
        ----------
        folder : str or Path
            Where it is.
        **parameters : object
            Parameters that shall differ, by name.

        Returns
        -------
        EncoderVectorizer
            With the parameters that were saved.

        Raises
        ------
        CheckpointError
            If it is no such folder.
        """
        saved = load_parameters(folder)
        unknown = sorted(set(saved) - set(cls().get_params(deep=False)))
        if unknown:
            raise CheckpointError(
                f"{folder} was saved with parameters that this version does not know: "
                f"{', '.join(unknown)}. Use the version that saved it, or a newer one."
            )
        return cls(**{"model": folder} | saved | parameters)

    def release(self) -> "EncoderVectorizer":
        """Let go of the models in this process's memory; the next new text loads its own again.

        Returns
        -------
        EncoderVectorizer
            Itself, fitted as before.
        """
        release()
        return self

    def set_params(self, **params: Any) -> "EncoderVectorizer":
        """Set parameters; they take effect at the next ``fit``.

        Parameters
        ----------
        **params : object
            By name.

        Returns
        -------
        EncoderVectorizer
            Itself.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        super().set_params(**params)
        # A search sets what it varies. Other values of these come with the same pass, so they are
        # kept too, and the next candidate finds them.
        self._varied = self._varied | ({"layer", "pooling"} & set(params))
        return self

    @property
    def encoder_(self) -> "TextEncoder":
        """The model, loaded when it is first asked for."""
        check_is_fitted(self, "n_features_out_")
        model = self._prepared.handle.load(self._prepared.cache)
        if hasattr(self, "_tuned"):
            self._tuned.keep_for(model)
        return model

    @property
    def model_fingerprint_(self) -> str:
        """SHA-256 over the model's configuration, weights, tokenizer and sentence settings."""
        check_is_fitted(self, "n_features_out_")
        return self._prepared.handle.fingerprint

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_

    def _fit(self, texts: list[str], y: Any) -> None:
        reader = self._make_reader()
        check_choice("output", self.output, ("numpy", "torch"))
        options, cache = self._make_options(), make_cache(self.cache)
        tuned = None if self.fine_tune is None else self._train(texts, y, options)
        handle = self._find_model() if tuned is None else tuned.handle
        prepared = Prepared.make(handle, options, cache, self.output)
        # Only now: after an error the estimator is what it was before.
        self._keep(tuned)
        self.n_features_out_ = prepared.plan.n_features
        self.n_truncated_ = 0
        self._prepared = prepared
        self._reader = reader

    def _keep(self, tuned: Tuned | None) -> None:
        """Take what was learned in place of what was learned before."""
        if tuned is not None:
            self.history_, self._tuned = tuned.history, tuned.folder
        elif hasattr(self, "_tuned"):
            del self.history_, self._tuned

    def _settle(self) -> Prepared:
        """Give model and options without training: what was trained, or what is as published."""
        if self.fine_tune is not None:
            check_is_fitted(self, "n_features_out_")
            return self._prepared
        check_choice("output", self.output, ("numpy", "torch"))
        return Prepared.make(self._find_model(), self._make_options(), self.cache, self.output)

    def _train(self, texts: Sequence[str], y: Any, options: EncodingOptions) -> Tuned:
        objective = check_objective(self.fine_tune)
        check_can_go_on(objective.training, self.random_state)
        wish = Wish(
            options, self.precision, name_devices(self.device), draw_seed(self.random_state)
        )
        model = self.model if is_config(self.model) else self._find_model()
        return tune_model(model, objective, texts, y, wish, self.verbose)

    def _make_options(self) -> EncodingOptions:
        return EncodingOptions(
            pooling=self.pooling,
            layer=self.layer,
            normalize=self.normalize,
            truncate_dim=self.truncate_dim,
            max_length=self.max_length,
            overflow=self.overflow,
            prompt=self.prompt,
            batch_tokens=self.batch_tokens,
            verbose=self.verbose,
        )

    def _make_reader(self) -> TextReader:
        return TextReader(
            HashingVectorizer(
                input=self.input,
                encoding=self.encoding,
                decode_error=self.decode_error,
                strip_accents=self.strip_accents,
                lowercase=self.lowercase,
                preprocessor=self.preprocessor,
            ),
            self.missing,
        )

    def _find_model(self) -> ModelHandle:
        device = name_devices(self.device)
        if isinstance(self.model, str | Path):
            return ModelHandle.find(self.model, precision=self.precision, device=device)
        handle = as_handle(self.model)
        if handle is None:
            hint = " A configuration is trained from scratch by fine_tune, which is None." * (
                is_config(self.model)
            )
            raise ParameterError(
                f"model must be a checkpoint's name or folder, or a TextEncoder; got a "
                f"{type(self.model).__name__}.{hint}"
            )
        return handle.asked_for(precision=self.precision, device=device)

    def _encode(self, texts: list[str], progress: Progress) -> "NDArray[np.float32] | Tensor":
        layers = range(self._prepared.n_layers + 1) if "layer" in self._varied else ()
        poolings = POOLING_CHOICES if "pooling" in self._varied else ()
        encoded = self._prepared.encode(texts, progress, layers, poolings)
        self.n_truncated_ = encoded.n_overlong
        return encoded.vectors

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_varied", None)
        if "_prepared" in state:
            state["_prepared"] = self._prepared.to_state()
        if "history_" in state:
            # Plain lists, which every format can hold.
            state["history_"] = self.history_.to_dict("list")
        # A worker that finds every vector in the cache does not load the model.
        state["model"] = as_handle(self.model) or self.model
        if self.cache is not None:
            # Whoever is sent this asks here for what is not in the cache.
            with suppress(OSError):
                colleague()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_prepared" in state:
            prepared = state["_prepared"]
            if "_tuned" in state:
                # It lies elsewhere now, and what was multiplied anew may differ in a last bit.
                prepared = prepared | {"source": state["_tuned"].describe(prepared["source"])}
            state = state | {"_prepared": Prepared.from_state(prepared)}
        if "history_" in state:
            state = state | {"history_": pd.DataFrame(state["history_"])}
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
