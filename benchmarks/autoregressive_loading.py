"""Autoregressive checkpoints read by transformers; weights and lengths are never made up."""

from importlib import import_module
from typing import Any

from skencoder.errors import CheckpointError, DeviceError, ParameterError
from skencoder.pseudo_likelihood import resolve_device

from .errors import MissingPackageError
from .perplexity_settings import PerplexitySettings

DTYPES = {name: name for name in ("float32", "bfloat16", "float16")} | {"auto": "float32"}
# Where configurations say how many tokens a model reads.
LENGTH_FIELDS = ("n_positions", "n_ctx", "max_position_embeddings", "max_seq_len")


def load_autoregressive(folder: str, settings: PerplexitySettings) -> tuple[Any, Any]:
    """Load a model that guesses the next token, and its tokenizer.

    Parameters
    ----------
    folder : str
        Of the checkpoint.
    settings : PerplexitySettings
        ``precision`` and ``device`` count.

    Returns
    -------
    (model, tokenizer)
        Of transformers, the model on its device.

    Raises
    ------
    MissingPackageError
        If transformers is not installed.
    CheckpointError
        If the checkpoint cannot be used.
    DeviceError
        If this machine has no such device, or the precision is not to be had.
    ParameterError
        If the device is not the name of one.
    """
    try:
        # Its types say less than it does.
        transformers: Any = import_module("transformers")
    except ImportError as error:
        raise MissingPackageError(
            "autoregressive models are computed by transformers: "
            "pip install 'skencoder[transformers]'"
        ) from error
    if settings.precision not in DTYPES:
        raise DeviceError(
            f"precision={settings.precision!r} is not to be had for autoregressive models; choose "
            f"{', '.join(DTYPES)}."
        )
    device = resolve_device(settings.device)
    try:
        model, told = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=DTYPES[settings.precision],
            local_files_only=True,
            output_loading_info=True,
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # the library raises what its readers raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{folder} cannot be loaded by transformers: {reason}") from error
    if told["missing_keys"]:
        raise CheckpointError(
            f"{folder} lacks weights, which transformers would draw at random: "
            f"{', '.join(sorted(told['missing_keys'])[:5])}."
        )
    return model.eval().to(device), tokenizer


def choose_limit(config: Any, asked: int | None, name: str) -> int:
    """Give how many tokens are read at once; no more than there are positions.

    Parameters
    ----------
    config : object
        Of transformers.
    asked : int or None
        What the user wants; None is the model's own limit.
    name : str
        Of the model, for messages.

    Returns
    -------
    int
        In tokens.

    Raises
    ------
    ParameterError
        If it is more than the model reads, or is None and the configuration says nothing of it.
    """
    read = {field: getattr(config.get_text_config(), field, None) for field in LENGTH_FIELDS}
    # Some write -1 where there is no limit.
    known = {field: value for field, value in read.items() if isinstance(value, int) and value > 0}
    if not known:
        if asked is None:
            raise ParameterError(
                f"the config.json of {name} does not say how many tokens the model reads (none of "
                f"{', '.join(LENGTH_FIELDS)}); say it by --max-length."
            )
        return asked
    field = min(known, key=known.__getitem__)
    if asked is not None and asked > known[field]:
        raise ParameterError(
            f"max_length={asked}: {name} reads {known[field]} tokens at most ({field} in its "
            f"config.json); take that or less."
        )
    return asked or known[field]
