"""Who is told how far scoring has come."""

from dataclasses import dataclass
from typing import Protocol


class Progress(Protocol):
    """Is told how far scoring has come."""

    def start(self, total: int) -> None:
        """Hear how much there is to do.

        Parameters
        ----------
        total : int
            Tokens of all masked copies.
        """

    def advance(self, number: int) -> None:
        """Hear how much more is done.

        Parameters
        ----------
        number : int
            Tokens since the last time.
        """


@dataclass(frozen=True)
class Silent:
    """Says nothing."""

    def start(self, total: int) -> None:
        """Do nothing.

        Parameters
        ----------
        total : int
            Tokens of all masked copies.
        """

    def advance(self, number: int) -> None:
        """Do nothing.

        Parameters
        ----------
        number : int
            Tokens since the last time.
        """
