"""What is known of the wrong estimators: which checks have to see each, and what they share."""

from functools import wraps

from tests.testing.hashed_texts import HashedTexts

FAULTS = {}


def fault(*checks, spreads=False):
    """List a class among the faults, by its checks without their ``check_``.

    One that spreads makes other checks fail too, because they compare what it spoils.
    """

    def add(kind):
        FAULTS[kind.__name__] = (kind(), {f"check_{check}" for check in checks}, spreads)
        return kind

    return add


def constructor(change):
    """Make a constructor of the same signature that does something more."""

    @wraps(HashedTexts.__init__)
    def init(self, *args, **parameters):
        HashedTexts.__init__(self, *args, **parameters)
        change(self)

    return init


class Scaled(HashedTexts):
    def _vectors(self, texts):
        return super()._vectors(texts) * self._scale
