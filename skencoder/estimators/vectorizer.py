"""EncoderVectorizer: the scikit-learn face of a `TextEncoder`. What encoding is stands there."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skencoder.encoding_options import EncodingOptions, check_choice
from skencoder.errors import ParameterError
from skencoder.estimators.texts import TextReader

if TYPE_CHECKING:
    from torch import Tensor

    from skencoder.text_encoder import TextEncoder


class EncoderVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Turn texts into sentence vectors with a Transformer encoder.

    ``fit`` loads the model; ``transform`` encodes. Parameters are read by ``fit``: changing one
    takes effect at the next ``fit``. The same text gives the same vector in any batch and
    order, to 1e-6 in float32 and 2e-2 per dimension in bfloat16.

    Parameters
    ----------
    model : str, Path or TextEncoder, default="all-MiniLM-L6-v2"
        A checkpoint folder, the name of an installed model package, a hub id, or a loaded model.
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
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of weights and activations; auto takes bfloat16 only where the hardware multiplies it
        natively. Vectors are float32 in any case.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; auto takes the first GPU, else the CPU.
    batch_tokens : int or "auto", default="auto"
        Most tokens encoded at once.
    output : {"numpy", "torch"}, default="numpy"
        An array, or a tensor on the device.
    verbose : int, default=0
        1 shows a progress bar with texts per second and remaining time.

    Attributes
    ----------
    encoder_ : TextEncoder
        The loaded model.
    n_features_out_ : int
        Width of a vector.
    model_fingerprint_ : str
        SHA-256 over the model's configuration, weights, tokenizer and sentence settings.
    n_truncated_ : int
        Texts of the last call that had more tokens than ``max_length``, cut or, with
        ``overflow="chunk"``, read in windows.

    See Also
    --------
    sklearn.feature_extraction.text.TfidfVectorizer : Word counts instead of a model.

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

    def __init__(
        self,
        model: "str | Path | TextEncoder" = "all-MiniLM-L6-v2",
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
        device: str = "auto",
        batch_tokens: int | Literal["auto"] = "auto",
        output: str = "numpy",
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
        self.output = output
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> "EncoderVectorizer":
        """Check the parameters and the texts, and load the model.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts, or what ``input`` says; nothing is learned from them.
        y : object, optional
            Ignored.

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
        """
        self._fit(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> "NDArray[np.float32] | Tensor":
        """Load the model and encode; X is read once, so it may be a generator.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts, or what ``input`` says.
        y : object, optional
            Ignored.

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
        """
        return self._encode(self._fit(X))

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
        check_is_fitted(self, "encoder_")
        return self._encode(self._reader.read(X))

    @property
    def model_fingerprint_(self) -> str:
        """SHA-256 over the model's configuration, weights, tokenizer and sentence settings."""
        check_is_fitted(self, "encoder_")
        return self.encoder_.fingerprint

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_

    def _fit(self, X: Any) -> list[str]:
        check_choice("output", self.output, ("numpy", "torch"))
        options = self._make_options()
        reader = self._make_reader()
        texts = reader.read(X)
        encoder = self._load_encoder()
        self.n_features_out_ = encoder.plan(options).n_features
        self.encoder_ = encoder
        self.n_truncated_ = 0
        self._options = options
        self._output = self.output
        self._reader = reader
        return texts

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

    def _load_encoder(self) -> "TextEncoder":
        # Here and not at the top: whoever only imports or clones this class needs no torch.
        from skencoder.text_encoder import TextEncoder

        if isinstance(self.model, TextEncoder):
            return self._check_loaded(self.model)
        if not isinstance(self.model, str | Path):
            raise ParameterError(
                f"model must be a checkpoint's name or folder, or a TextEncoder; got a "
                f"{type(self.model).__name__}."
            )
        return TextEncoder.load(self.model, precision=self.precision, device=self.device)

    def _check_loaded(self, encoder: "TextEncoder") -> "TextEncoder":
        if self.precision not in ("auto", encoder.precision) or self.device not in (
            "auto",
            str(encoder.device),
        ):
            raise ParameterError(
                f"model is already loaded in {encoder.precision} on {encoder.device}, but "
                f"precision={self.precision!r} and device={self.device!r} were asked for; leave "
                f"both at 'auto', or load it that way with TextEncoder.load."
            )
        return encoder

    def _encode(self, texts: list[str]) -> "NDArray[np.float32] | Tensor":
        to_torch = self._output == "torch"
        encoded = self.encoder_.encode(
            texts, self._options, output_device=self.encoder_.device if to_torch else "cpu"
        )
        self.n_truncated_ = encoded.n_overlong
        return encoded.vectors if to_torch else encoded.vectors.numpy()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
