"""How far encoding has come: a bar of texts per second, and scikit-learn's callbacks."""

import sys
from typing import Any

# Parts that a search's own progress bar divides an encoding into.
TICKS = 100


class Bar:
    """A bar with texts per second and remaining time.

    Parameters
    ----------
    verbose : int
        Shown from 1 on.
    unit : str, default=" texts"
        What is counted.
    description : str, default="Encoding"
        What is done.
    """

    def __init__(
        self, verbose: int, *, unit: str = " texts", description: str = "Encoding"
    ) -> None:
        self._verbose = verbose
        self._unit = unit
        self._description = description
        self._bar: Any = None

    def start(self, total: int) -> None:
        """Show the bar, if there is something to encode.

        Parameters
        ----------
        total : int
            Texts to encode.
        """
        if self._verbose and total:
            from huggingface_hub.utils.tqdm import tqdm

            self._bar = tqdm(total=total, unit=self._unit, desc=self._description, file=sys.stderr)

    def advance(self, number: int) -> None:
        """Move the bar.

        Parameters
        ----------
        number : int
            Texts that are done since the last time.
        """
        if self._bar is not None:
            self._bar.update(number)
            if self._bar.n >= self._bar.total:
                self._bar.close()
                self._bar = None


class Ticks:
    """Tells scikit-learn's callbacks, in a hundred parts, and moves a bar.

    Parameters
    ----------
    estimator : estimator
        Which is fitted.
    context : CallbackContext
        Of the fit, begun, with room for ``TICKS`` parts.
    bar : Bar
        Is told too.

    Attributes
    ----------
    total : int
        Texts that had to be encoded.
    """

    def __init__(self, estimator: Any, context: Any, bar: Bar) -> None:
        self._estimator = estimator
        self._context = context
        self._bar = bar
        self._done = self._ticked = 0
        self.total = 0

    def start(self, total: int) -> None:
        """Hear how much there is to do.

        Parameters
        ----------
        total : int
            Texts to encode.
        """
        self.total = total
        self._bar.start(total)

    def advance(self, number: int) -> None:
        """Tell the callbacks of each part that is done.

        Parameters
        ----------
        number : int
            Texts that are done since the last time.
        """
        self._bar.advance(number)
        self._done += number
        while self._ticked < self._done * TICKS // self.total:
            self._ticked += 1
            part = self._context.subcontext(task_name="encode")
            part.call_on_fit_task_begin(estimator=self._estimator)
            part.call_on_fit_task_end(estimator=self._estimator)
