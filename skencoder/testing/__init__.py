"""A conformance suite for scikit-learn estimators that turn texts into vectors.

It knows only what every such estimator has, so it tests any library's. Names are loaded here;
the checks stand in one file per topic of the checklist, and what they share in `case`.
"""

from skencoder.testing.runner import (
    CheckResult,
    check_text_estimator,
    parametrize_with_text_checks,
    text_checks,
)

__all__ = ["CheckResult", "check_text_estimator", "parametrize_with_text_checks", "text_checks"]
