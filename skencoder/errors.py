"""Every exception and warning the package raises on purpose.

Each class also inherits the builtin that fits, so that ``except ValueError`` works too.
"""


class SkencoderError(Exception):
    """Base of all errors raised on purpose by this package."""


class ParameterError(SkencoderError, ValueError):
    """A parameter has a value that cannot be used; the message names it."""


class TextInputError(SkencoderError, ValueError):
    """The input is not a collection of texts; the message names the row."""


class OverlongTextError(TextInputError):
    """A text has more tokens than allowed and ``overflow="error"``."""


class CheckpointError(SkencoderError, ValueError):
    """A checkpoint's files cannot be used; the message names file and field."""


class CheckpointNotFoundError(CheckpointError, FileNotFoundError):
    """No checkpoint stands behind a name; the message says what was tried."""


class HeadNotFoundError(CheckpointError):
    """A checkpoint has no masked-language-model head, so it cannot guess tokens."""


class DataNotFoundError(SkencoderError, FileNotFoundError):
    """The files that a loader reads are not there; the message says what was looked for."""


class IndexFileError(SkencoderError, ValueError):
    """A saved index cannot be used; the message names the file."""


class MissingExtraError(SkencoderError, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""


class DeviceError(SkencoderError, RuntimeError):
    """A device or a precision was asked for that this machine does not have."""


class DeviceMemoryError(SkencoderError, MemoryError):
    """A single text does not fit a device's memory; the message names the row."""


class MaskingError(SkencoderError, RuntimeError):
    """A token to be guessed was not masked, so its score would mean nothing."""


class NonFiniteScoreError(SkencoderError, ArithmeticError):
    """A language model's score is no finite number; the message names model, text, precision."""


class TrainingError(SkencoderError, ValueError):
    """A model cannot learn from what came; the message says what was expected."""


class CheckpointWarning(UserWarning):
    """Parts of a checkpoint seem not to belong together."""


class OverlongTextWarning(UserWarning):
    """Some texts had more tokens than allowed and were cut."""


class CacheWarning(UserWarning):
    """A cache cannot do its work, or holds damaged rows; texts are encoded instead."""


class UnknownReplyWarning(UserWarning):
    """Most of the replies that should be found are not in the bank."""


class TokenizerWarning(UserWarning):
    """A faster tokenizer is installed but cannot be used; the message says why."""


class TrainingWarning(UserWarning):
    """A model learns, but not as one would expect; the message says what to do."""
