"""Estimators that break items 8 to 12 of the checklist, each in one place."""

import os
import sys
import time
from multiprocessing import current_process

from sklearn.callback import with_callbacks

from skencoder.testing.recorders import CallbackFailed
from tests.testing.faults import Scaled, fault
from tests.testing.hashed_texts import HashedTexts


@fault("pickle_is_small")
class PicklesItsWeights(HashedTexts):
    def _learn(self, X):
        self._weights = os.urandom(200_000)
        return super()._learn(X)


@fault("pickle_round_trip", "joblib_round_trip", "cloudpickle_round_trip", "skops_round_trip",
       "pickle_in_fresh_process", "spawned_process")  # fmt: skip
class LosesItsModel(Scaled):
    def _learn(self, X):
        texts = super()._learn(X)
        self._scale = 2
        return texts

    def __setstate__(self, state):
        super().__setstate__(state)
        self._scale = 1


@fault("unfitted_pickle_round_trip", "cross_validation_in_two_processes",
       "grid_search_in_two_processes")  # fmt: skip
class UnfittedCannotBePickled(HashedTexts):
    def __getstate__(self):
        if not hasattr(self, "n_features_out_"):
            raise TypeError("fit first.")
        return super().__getstate__()


@fault("pickle_is_small", "pickle_round_trip", "joblib_round_trip", "skops_round_trip",
       "pickle_in_fresh_process", "spawned_process")  # fmt: skip
class HoldsLambda(HashedTexts):
    def _learn(self, X):
        self._function = lambda text: text
        return super()._learn(X)


@fault("pickle_in_fresh_process", "forked_process", "spawned_process")
class BoundToItsProcess(HashedTexts):
    def _learn(self, X):
        self._process = os.getpid()
        return super()._learn(X)

    def _vectors(self, texts):
        if os.getpid() != self._process:
            raise RuntimeError("this is another process.")
        return super()._vectors(texts)


@fault("getstate_builds_on_super")
class KnowsBetterThanSuper(HashedTexts):
    def __getstate__(self):
        return dict(vars(self))


@fault("metadata_request")
class AsksForWeights(HashedTexts):
    def get_metadata_routing(self):
        request = super().get_metadata_routing()
        request.fit.add_request(param="groups", alias=True)
        return request


@fault("sample_weight_is_routed_past")
class SwallowsWeights(HashedTexts):
    def fit(self, X, y=None, sample_weight=None):
        return super().fit(X)

    def fit_transform(self, X, y=None, sample_weight=None):
        return super().fit_transform(X)


@fault("torch_output")
class IgnoresOutput(HashedTexts):
    def _encode(self, texts):
        return self._vectors(texts)


@fault("callbacks_see_fit", "callbacks_are_torn_down_after_an_error")
class FitIgnoresCallbacks(HashedTexts):
    def fit(self, X, y=None):
        self._learn_unseen(X)
        return self

    def _learn_unseen(self, X):
        self._check_parameters()
        texts = self._read(X)
        self.n_features_out_ = self.n_features
        return texts


@fault("callbacks_see_fit_transform", "callbacks_are_torn_down_after_an_error",
       "callbacks_reach_inside_a_grid_search")  # fmt: skip
class FitTransformIgnoresCallbacks(FitIgnoresCallbacks):
    fit = HashedTexts.fit

    def fit_transform(self, X, y=None):
        return self._encode(self._learn_unseen(X))


@fault("callbacks_are_torn_down_after_an_error")
class HidesErrors(HashedTexts):
    @with_callbacks
    def fit(self, X, y=None):
        try:
            self._learn(X)
        except CallbackFailed as error:
            raise ValueError("fit failed.") from error
        return self


@fault("callbacks_leave_nothing_behind")
class KeepsContext(HashedTexts):
    def fit(self, X, y=None):
        super().fit(X)
        self._callback_fit_ctx = "left"
        return self


@fault("callbacks_reach_inside_a_grid_search")
class RefusesPropagation(HashedTexts):
    def set_callbacks(self, *callbacks):
        own = [each for each in callbacks if not hasattr(each, "max_propagation_depth")]
        self._skl_callbacks = own
        return self


@fault("nothing_is_printed_unless_verbose")
class Prints(HashedTexts):
    def _learn(self, X):
        sys.stdout.write("loading\n")
        return super()._learn(X)


@fault("html_view")
class CannotBeShown(HashedTexts):
    def _repr_html_inner(self):
        raise RuntimeError("not here.")


@fault("html_explains_every_parameter")
class Unexplained(HashedTexts):
    """Has no section of parameters."""


@fault("html_links_to_documentation")
class Unlinked(HashedTexts):
    _doc_link_module = "elsewhere"


@fault("cross_validation_in_two_processes", "grid_search_in_two_processes")
class FailsInWorkers(HashedTexts):
    def _learn(self, X):
        if current_process().name != "MainProcess":
            raise RuntimeError("only the main process may fit.")
        return super()._learn(X)


@fault("two_threads_share_an_estimator")
class SharesState(HashedTexts):
    def _vectors(self, texts):
        self._texts = texts
        time.sleep(0.002)
        return super()._vectors(self._texts)


@fault("forked_process")
class FailsAfterFork(HashedTexts):
    def _vectors(self, texts):
        if current_process().name.startswith("Fork"):
            raise RuntimeError("do not fork.")
        return super()._vectors(texts)


@fault("spawned_process")
class FailsInSpawned(HashedTexts):
    def _vectors(self, texts):
        if current_process().name.startswith("Spawn"):
            raise RuntimeError("do not spawn.")
        return super()._vectors(texts)
