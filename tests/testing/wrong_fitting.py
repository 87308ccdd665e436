"""Estimators that break items 1 to 5 of the checklist, each in one place."""

import copy
import inspect
import sys

import numpy as np

from tests.testing.faults import Scaled, constructor, fault
from tests.testing.hashed_texts import HashedTexts


class BehindMixin:
    pass


@fault("mixins_come_before_base_estimator")
class MixinComesLast(HashedTexts, BehindMixin):
    pass


@fault("parameters_are_keywords")
class TakesPositions(HashedTexts):
    __init__ = constructor(lambda self: None)
    __init__.__signature__ = inspect.Signature(
        [
            parameter.replace(kind=parameter.POSITIONAL_OR_KEYWORD)
            for parameter in inspect.signature(HashedTexts.__init__).parameters.values()
        ]
    )


@fault("constructor_only_stores")
class LoadsInConstructor(HashedTexts):
    __init__ = constructor(lambda self: setattr(self, "_model", "loaded"))


@fault("garbage_is_accepted_before_fit")
class ChecksInConstructor(HashedTexts):
    __init__ = constructor(HashedTexts._check_parameters)


@fault("garbage_is_refused_by_fit")
class ChecksNothing(HashedTexts):
    def _check_parameters(self):
        pass

    def _vectors(self, texts):
        width = self.n_features
        self.n_features_out_ = width if isinstance(width, int) else 32
        return super()._vectors(texts)


@fault("clone_keeps_parameters")
class CopiesInClone(HashedTexts):
    def __sklearn_clone__(self):
        made = type(self)(**self.get_params())
        made.encoding = copy_of(made.encoding)
        return made


def copy_of(value):
    return "".join(list(value)) if isinstance(value, str) else value


@fault("clone_is_unfitted")
class ClonesWhatItLearned(HashedTexts):
    def __sklearn_clone__(self):
        return copy.copy(self)


@fault("params_round_trip")
class HidesParameter(HashedTexts):
    def get_params(self, deep=True):
        parameters = super().get_params(deep)
        del parameters["decode_error"]
        return parameters


@fault("unknown_parameter_is_refused")
class TakesAnyParameter(HashedTexts):
    def set_params(self, **parameters):
        vars(self).update(parameters)
        return self


@fault("set_params_takes_effect_at_next_fit")
class KeepsFirstModel(HashedTexts):
    def _learn(self, X):
        first = getattr(self, "n_features_out_", None)
        texts = super()._learn(X)
        self.n_features_out_ = first or self.n_features_out_
        return texts


@fault("set_params_leaves_nothing_behind")
class KeepsOldModel(HashedTexts):
    def _learn(self, X):
        old = getattr(self, "_model", None)
        texts = super()._learn(X)
        self._model = np.zeros(self.n_features)
        if old is not None and len(old) != len(self._model):
            self._old_model = old
        return texts


@fault("fit_returns_self")
class ReturnsNothing(HashedTexts):
    def fit(self, X, y=None):
        super().fit(X, y)


@fault("fit_takes_labels", "pipeline_with_classifier", "sample_weight_is_routed_past",
       "callbacks_reach_inside_a_grid_search", "cross_validation_in_two_processes",
       "grid_search_in_two_processes")  # fmt: skip
class RefusesLabels(HashedTexts):
    def fit_transform(self, X, y=None):
        if y is not None:
            raise ValueError("labels are refused.")
        return super().fit_transform(X)


@fault("fit_transform_equals_fit_then_transform")
class FitTransformDiffers(HashedTexts):
    def fit_transform(self, X, y=None):
        return 2 * super().fit_transform(X)


@fault("fit_is_idempotent")
class LearnsMoreEachTime(Scaled):
    def _learn(self, X):
        texts = super()._learn(X)
        seen = (texts, self.n_features, self.lowercase)
        self._scale = 1 + (getattr(self, "_seen", None) == seen)
        self._seen = seen
        return texts


@fault("second_fit_forgets_the_first")
class RemembersFirstTexts(Scaled):
    def _learn(self, X):
        texts = super()._learn(X)
        self._first = getattr(self, "_first", texts)
        self._scale = len(self._first)
        return texts


@fault("fitting_leaves_parameters_alone")
class ChangesParameter(HashedTexts):
    def _learn(self, X):
        texts = super()._learn(X)
        self.verbose += 1
        return texts


@fault("fitting_leaves_input_alone")
class ChangesInput(HashedTexts):
    def _rows(self, X):
        rows = super()._rows(X)
        if isinstance(X, list) and X:
            X[0] = ""
        return rows


@fault("tags_say_text")
class SaysNumbers(HashedTexts):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = False
        return tags


@fault("tags_preserve_no_dtype")
class PromisesDtype(HashedTexts):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags


@fault("requires_fit_is_true")
class SaysItNeedsNoFit(HashedTexts):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


@fault("is_fitted_agrees_with_tags")
class AlwaysFitted(HashedTexts):
    def __sklearn_is_fitted__(self):
        return True


@fault("is_fitted_agrees_with_tags", "pipeline_is_fitted_after_fit")
class NeverFitted(HashedTexts):
    def __sklearn_is_fitted__(self):
        return False


@fault("pipeline_with_classifier")
class Meaningless(HashedTexts):
    def _vectors(self, texts):
        vectors = super()._vectors(texts)
        vectors[:, 1:] = 0
        return vectors


@fault("output_is_one_finite_vector_per_text", spreads=True)
class OneRowTooMany(HashedTexts):
    def _vectors(self, texts):
        vectors = super()._vectors(texts)
        return np.concatenate([vectors, vectors[:1]])


@fault("feature_names_match_width", "feature_names_follow_parameters", "set_output_pandas",
       "set_output_polars", "set_output_keeps_index")  # fmt: skip
class NamesTooFew(HashedTexts):
    @property
    def _n_features_out(self):
        return self.n_features_out_ - 1


@fault("feature_names_follow_parameters")
class NamesIgnoreParameters(HashedTexts):
    _n_features_out = 32


@fault("set_output_pandas", "set_output_keeps_index")
class RefusesPandas(HashedTexts):
    def set_output(self, *, transform=None):
        if transform == "pandas":
            raise ValueError("no data frames.")
        return super().set_output(transform=transform)


@fault("set_output_polars")
class ReordersPolars(HashedTexts):
    def set_output(self, *, transform=None):
        self._reversed = transform == "polars"
        return super().set_output(transform=transform)

    def _vectors(self, texts):
        vectors = super()._vectors(texts)
        return vectors[::-1].copy() if getattr(self, "_reversed", False) else vectors


@fault("set_output_keeps_index")
class LosesIndex(HashedTexts, auto_wrap_output_keys=None):
    def set_output(self, *, transform=None):
        self._container = transform
        return self

    def _encode(self, texts):
        vectors = super()._encode(texts)
        library = sys.modules.get(getattr(self, "_container", None))
        columns = dict(zip(self.get_feature_names_out(), vectors.T, strict=True))
        return library.DataFrame(columns) if library else vectors
