"""Items 1 and 2: a constructor that only stores, and parameters that mean what they say."""

import inspect
from typing import Any
from unittest import SkipTest

import numpy as np

from skencoder.testing.alternatives import alternatives_of
from skencoder.testing.case import Case, require
from skencoder.testing.checklist import text_check

# What scikit-learn's clone itself makes anew.
COPIED = (list, tuple, dict, set, frozenset, np.ndarray)
# Too little to be a model: a flag or a counter may stay.
PLAIN = (str, int, float, type(None))
VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@text_check(1)
def check_mixins_come_before_base_estimator(case: Case) -> None:
    """Put every mixin before ``BaseEstimator``, so that its tags and methods count."""
    lineage = type(case.estimator).__mro__
    # By name: the class itself may be re-exported, and nothing is derived from it here.
    names = [(kind.__module__, kind.__name__) for kind in lineage]
    if ("sklearn.base", "BaseEstimator") not in names:
        raise SkipTest(f"{case.name} is not derived from BaseEstimator.")
    place = names.index(("sklearn.base", "BaseEstimator"))
    late = [
        kind.__name__
        for kind in lineage[place + 1 :]
        if kind.__name__.endswith("Mixin") and not issubclass(lineage[place], kind)
    ]
    require(not late, f"{', '.join(late)} must stand before BaseEstimator in the bases.")


@text_check(1)
def check_parameters_are_keywords(case: Case) -> None:
    """Name every parameter in the signature, and take all but the first by keyword only."""
    kinds = {name: each.kind for name, each in _signature(case).parameters.items()}
    variable = [name for name, kind in kinds.items() if kind in VARIABLE]
    require(not variable, f"{', '.join(variable)} hides parameters from get_params.")
    positional = [
        name for name, kind in kinds.items() if kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    require(
        len(positional) <= 1,
        f"{', '.join(positional)} can be given by position; only the first should.",
    )


@text_check(1)
def check_constructor_only_stores(case: Case) -> None:
    """Store every parameter as it is in the constructor, and do nothing else there."""
    signature = _signature(case)
    defaults = {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    for parameters in (case.parameters, {**case.parameters, **defaults}):
        extra = sorted(vars(_make(case, parameters)).keys() - signature.parameters.keys())
        require(not extra, f"the constructor sets {', '.join(extra)}, which is no parameter.")


@text_check(1)
def check_garbage_is_accepted_before_fit(case: Case) -> None:
    """Take any object in the constructor and in ``set_params``."""
    for name in case.parameters:
        garbage = object()
        _make(case, {**case.parameters, name: garbage})
        changed = case.new(**{name: garbage})
        require(getattr(changed, name) is garbage, f"set_params does not store {name} as it is.")


@text_check(1)
def check_garbage_is_refused_by_fit(case: Case) -> None:
    """Check parameters in ``fit``: an object() in place of one of them is refused."""
    if not case.parameters:
        raise SkipTest(f"{case.name} has no parameters.")
    require(
        any(_fit_raises(case.new(**{name: object()}), case) for name in case.parameters),
        "fit accepts an object() in place of any parameter.",
    )


@text_check(2)
def check_clone_keeps_parameters(case: Case) -> None:
    """Hand the very same parameters on to a clone, not copies of them."""
    copied = case.new().get_params(deep=False)
    wrong = [name for name, value in case.parameters.items() if not _kept(value, copied[name])]
    require(not wrong, f"clone makes another object of {', '.join(wrong)}.")


@text_check(2)
def check_clone_is_unfitted(case: Case) -> None:
    """Hand nothing learned on to a clone."""
    kept = _learned(Case(case.fitted()).new())
    require(not kept, f"a clone of a fitted estimator still has {', '.join(kept)}.")


@text_check(2)
def check_params_round_trip(case: Case) -> None:
    """Stay the same, and return itself, in ``set_params(**get_params())``."""
    estimator, parameters = case.new(), case.new().get_params(deep=False)
    signature = _signature(case).parameters
    require(
        parameters.keys() == signature.keys(),
        f"get_params gives {sorted(parameters)}; the constructor takes {sorted(signature)}.",
    )
    require(estimator.set_params(**parameters) is estimator, "set_params must return self.")
    after = estimator.get_params(deep=False)
    wrong = [name for name, value in parameters.items() if after[name] is not value]
    require(not wrong, f"set_params(**get_params()) changes {', '.join(wrong)}.")


@text_check(2)
def check_unknown_parameter_is_refused(case: Case) -> None:
    """Refuse in ``set_params`` a parameter that does not exist."""
    try:
        case.new().set_params(no_such_parameter=0)
    except ValueError:
        return
    raise AssertionError("set_params accepts no_such_parameter=0.")


@text_check(2)
def check_set_params_takes_effect_at_next_fit(case: Case) -> None:
    """Equal a fresh estimator after ``set_params`` and ``fit``."""
    before = case.vectors(case.fitted())
    changed = []
    for name, value in alternatives_of(case).items():
        estimator = case.fitted().set_params(**{name: value})
        estimator.fit(case.put())
        found, expected = case.vectors(estimator), case.vectors(case.fitted(**{name: value}))
        case.same(found, expected, f"fitted again after set_params({name}={value!r})")
        changed.append(before.shape != found.shape or abs(before - found).max() > 0)
    require(any(changed), f"no change of {', '.join(alternatives_of(case))} changes the vectors.")


@text_check(2)
def check_set_params_leaves_nothing_behind(case: Case) -> None:
    """Keep nothing of the first fit after ``set_params`` and ``fit``."""
    for name, value in alternatives_of(case).items():
        estimator = case.fitted().set_params(**{name: value})
        estimator.fit(case.put())
        fresh = vars(case.fitted(**{name: value}))
        left = sorted(
            attribute
            for attribute, kept in vars(estimator).items()
            if attribute not in fresh and (not isinstance(kept, PLAIN) or attribute.endswith("_"))
        )
        require(not left, f"after set_params({name}={value!r}) and fit, {left} is left.")


def _signature(case: Case) -> inspect.Signature:
    return inspect.signature(type(case.estimator))


def _make(case: Case, parameters: dict[str, Any]) -> Any:
    made = type(case.estimator)(**parameters)
    wrong = [name for name, value in parameters.items() if getattr(made, name) is not value]
    require(not wrong, f"the constructor does not store {', '.join(wrong)} as it came.")
    return made


def _fit_raises(estimator: Any, case: Case) -> bool:
    try:
        estimator.fit(case.put())
        estimator.fit_transform(case.put())
    except Exception:  # which error it is, is the estimator's affair
        return True
    return False


def _kept(value: Any, copied: Any) -> bool:
    if isinstance(value, COPIED) or hasattr(value, "get_params"):
        return type(copied) is type(value) and repr(copied) == repr(value)
    return copied is value


def _learned(estimator: Any) -> list[str]:
    return sorted(
        name for name in vars(estimator) if name.endswith("_") and not name.startswith("_")
    )
