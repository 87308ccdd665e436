"""What a pretraining run trains; apart from it, so that ``--help`` shows it without torch."""

from dataclasses import dataclass

from skencoder.errors import ParameterError

POSITIONS = ("sinusoidal", "learned", "rotary")


@dataclass(frozen=True)
class PretrainingSettings:
    """Which encoders are trained from nothing, and for how long.

    Parameters
    ----------
    positions : list of str, optional
        Kinds of positions: sinusoidal, learned, rotary; by default all three, one model each.
    topics : list of str, optional
        Topics of Python's documentation; by default all.
    hidden_size : int, default=128
        Width of the models, a multiple of 32.
    layers : int, default=2
        Their layers.
    vocab_size : int, default=2048
        Most tokens of the tokenizer that is trained first.
    max_length : int, default=128
        Tokens that a model reads at once.
    steps : int, default=2700
        Steps of each training.
    batch_size : int, default=16
        Windows of text in a step.
    learning_rate : float, default=0.002
        The highest.
    mask_probability : float, default=0.3
        Of a token to be guessed in training; in tests it is 0.15 for all.
    held_out : float, default=0.2
        Share of the documents that nothing is learned from.
    seed : int, default=0
        Of the split, the weights, and all that is drawn.

    Raises
    ------
    ParameterError
        If a number or a choice cannot be used.
    """

    positions: list[str] | None = None
    topics: list[str] | None = None
    hidden_size: int = 128
    layers: int = 2
    vocab_size: int = 2048
    max_length: int = 128
    steps: int = 2700
    batch_size: int = 16
    learning_rate: float = 2e-3
    mask_probability: float = 0.3
    held_out: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = set(self.positions or POSITIONS) - set(POSITIONS)
        if unknown:
            raise ParameterError(
                f"positions: {', '.join(sorted(unknown))}; expected some of "
                f"{', '.join(POSITIONS)}."
            )
        for name in ("steps", "batch_size", "layers"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name}={getattr(self, name)}: expected 1 or more.")
        if not 0 < self.held_out < 1:
            raise ParameterError(f"held_out={self.held_out}: expected a share, above 0, below 1.")
        if self.seed < 0:
            raise ParameterError(f"seed={self.seed}: expected 0 or more.")
