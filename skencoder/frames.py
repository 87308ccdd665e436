"""Which line a warning points to: the user's own, whatever calls lie in between."""

import sys

# What stands between a user's line and ours.
_PASSED_BY = ("skencoder", "sklearn", "torch", "joblib")


def user_stacklevel() -> int:
    """Count the calls from the user's line to the caller.

    Returns
    -------
    int
        For ``warnings.warn``, called where this was.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").split(".")[0] not in _PASSED_BY:
            return level
        frame, level = frame.f_back, level + 1
    return level
