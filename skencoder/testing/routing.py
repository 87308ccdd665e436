"""Item 9: metadata routing, and tensors where an estimator offers them."""

import numpy as np
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skencoder.testing.case import Case, matrix, need_parameter, optional, require
from skencoder.testing.checklist import text_check
from skencoder.testing.corpus import LABELS, TEXTS


@text_check(9)
def check_metadata_request(case: Case) -> None:
    """Answer ``get_metadata_routing``, and ask for no metadata by itself."""
    with config_context(enable_metadata_routing=True):
        request = case.new().get_metadata_routing()
        consumed = request.consumes("fit", ["sample_weight", "groups"])
    require(not consumed, f"fit consumes {', '.join(sorted(consumed))} unasked.")


@text_check(9)
def check_sample_weight_is_routed_past(case: Case) -> None:
    """Let a pipeline route sample weights to the classifier behind it."""
    weights = np.linspace(0.1, 5.0, len(TEXTS))
    with config_context(enable_metadata_routing=True):
        classifier = LogisticRegression().set_fit_request(sample_weight=True)
        pipeline = make_pipeline(case.new(), classifier)
        pipeline.fit(case.put(), list(LABELS), sample_weight=weights)
        found = pipeline.predict_proba(case.put())
    given = case.outputs(case.new())
    alone = LogisticRegression().fit(given["fit_transform"], list(LABELS), sample_weight=weights)
    expected = matrix(alone.predict_proba(given["transform"]))
    case.same(matrix(found), expected, "with weights routed through a pipeline")


@text_check(9)
def check_torch_output(case: Case) -> None:
    """Give the same values as a tensor if ``output="torch"``."""
    need_parameter(case, "output")
    torch = optional("torch")
    expected = case.outputs(case.new(output="numpy"))
    for method, output in case.outputs(case.new(output="torch")).items():
        require(isinstance(output, torch.Tensor), f"{method} gives {type(output).__name__}.")
        case.same(matrix(output), matrix(expected[method]), f"{method} with output='torch'")
