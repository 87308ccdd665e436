"""Which text is put before an input, by mteb's order of priority, and how an estimator gets it.

mteb asks for prompts by task and by role (query or document); a checkpoint ships them by role,
and not always under mteb's names.
"""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skencoder import EncoderVectorizer

if TYPE_CHECKING:
    from mteb.abstasks.task_metadata import TaskMetadata
    from mteb.types import PromptType

# mteb's name of a role, and what checkpoints call it; the first that is there counts.
ROLE_NAMES = {"query": ("query",), "document": ("document", "passage", "corpus")}


def find_encoder(estimator: Any) -> EncoderVectorizer | None:
    """Find the text encoder in an estimator.

    Parameters
    ----------
    estimator : estimator
        An `EncoderVectorizer`, a pipeline that starts with one, or anything else.

    Returns
    -------
    EncoderVectorizer or None
        None where there is none.
    """
    first = estimator.steps[0][1] if isinstance(estimator, Pipeline) else estimator
    return first if isinstance(first, EncoderVectorizer) else None


def read_prompts(estimator: Any) -> dict[str, str]:
    """Read the prompts a checkpoint ships, with mteb's names of the roles added.

    Parameters
    ----------
    estimator : estimator
        Fitted.

    Returns
    -------
    dict of str to str
        Text by role or task; empty where the model has none, and where the user has chosen a
        prompt for all inputs.
    """
    encoder = find_encoder(estimator)
    if encoder is None or encoder.prompt is not None:
        return {}
    shipped = dict(encoder.encoder_.settings.prompts)
    for role, names in ROLE_NAMES.items():
        text = next((shipped[name] for name in names if name in shipped), None)
        if text is not None:
            shipped[role] = text
    return shipped


def choose_prompt(
    prompts: Mapping[str, str], task_metadata: "TaskMetadata", prompt_type: "PromptType | None"
) -> str | None:
    """Choose the prompt of one call by mteb's order of priority.

    The order is: task and role, task, kind of task and role, kind of task, role.

    Parameters
    ----------
    prompts : mapping of str to str
        Text by name, as `read_prompts` gives it.
    task_metadata : TaskMetadata
        Of the task that asks.
    prompt_type : PromptType or None
        Role of the texts in a retrieval task.

    Returns
    -------
    str or None
        The text; None where no prompt applies.
    """
    from mteb.models.abs_encoder import get_prompt_name

    name = get_prompt_name(dict(prompts), task_metadata, prompt_type)
    return None if name is None else prompts[name]


def with_prompt(estimator: Any, prompt: str | None) -> Any:
    """Give an estimator a prompt without changing the user's object.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    prompt : str or None
        Text put before every input; None gives the estimator back as it is.

    Returns
    -------
    estimator
        A copy that shares the loaded weights.
    """
    if prompt is None:
        return estimator
    if isinstance(estimator, Pipeline):
        name, first = estimator.steps[0]
        prompted = copy.copy(estimator)
        prompted.steps = [(name, with_prompt(first, prompt)), *estimator.steps[1:]]
        return prompted
    # Parameters are read by fit; given the loaded encoder, fit loads nothing again.
    loaded = {"model": estimator.encoder_, "precision": "auto", "device": "auto"}
    return clone(estimator).set_params(prompt=prompt, **loaded).fit(["."])
