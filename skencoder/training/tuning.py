"""From a model, a task and options to a tuned model: one page, top to bottom."""

from contextlib import ExitStack
from dataclasses import dataclass, replace

import torch

from skencoder.devices import multiplies_bfloat16
from skencoder.encoder import Encoder, MaskedLM, Readout, projection_widths
from skencoder.encoding_options import EncodingOptions
from skencoder.encoding_plan import ModelFacts, plan_encoding
from skencoder.tokenization import TextTokenizer
from skencoder.training.adapters import merge_adapters
from skencoder.training.added import add_to_model, take_added
from skencoder.training.history import Record
from skencoder.training.learner import SEEDS, Learner
from skencoder.training.loop import Training, Watch
from skencoder.training.options import LoopOptions
from skencoder.training.parts import Parts
from skencoder.training.resuming import Resuming
from skencoder.training.source import TextSource
from skencoder.training.tasks import Task


@dataclass(frozen=True)
class Tuning:
    """Where and from what state a training runs.

    Parameters
    ----------
    options : LoopOptions
        How.
    device : torch.device
        Where.
    seed : int
        Of all that is drawn.
    identity : str
        Names model, data and parameters, and so the folder that the state is kept in.
    """

    options: LoopOptions
    device: torch.device
    seed: int
    identity: str


def text_source(parts: Parts, options: EncodingOptions) -> TextSource:
    """Say how texts become a model's tokens.

    Parameters
    ----------
    parts : Parts
        The model.
    options : EncodingOptions
        How its user encodes.

    Returns
    -------
    TextSource
        With the same prompt and limits.

    Raises
    ------
    ParameterError
        If an option does not fit the model.
    """
    tokenizer = TextTokenizer.load(parts.tokenizer_folder, lowercase=parts.settings.lowercase)
    encoder = parts.model.encoder if isinstance(parts.model, MaskedLM) else parts.model
    ends = projection_widths(parts.projection) if parts.projection is not None else []
    facts = ModelFacts(
        hidden_size=encoder.config.hidden_size,
        num_hidden_layers=encoder.config.num_hidden_layers,
        max_position_embeddings=encoder.config.max_position_embeddings,
        settings=parts.settings,
        projection_widths=(ends[0][0], ends[-1][1]) if ends else None,
        n_special=tokenizer.n_special,
        device_type="cpu",
        precision="float32",
        shares_pass=True,
    )
    return TextSource(tokenizer, plan_encoding(options, facts, tokenizer.count))


def tune(
    parts: Parts, source: TextSource, task: Task, tuning: Tuning, watch: Watch
) -> tuple[Parts, list[Record]]:
    """Train a model; the parts given are used up.

    Parameters
    ----------
    parts : Parts
        The model, its weights before the first step.
    source : TextSource
        How its texts become tokens.
    task : Task
        What it learns.
    tuning : Tuning
        How, where, from which seed.
    watch : callable
        Told of each step.

    Returns
    -------
    Parts
        The tuned model, float32, on the CPU.
    list of Record
        One per step.

    Raises
    ------
    TrainingError
        If it cannot learn from what came, or a loss is not finite.
    ParameterError
        If adapters do not fit the model.
    CheckpointError
        If the state in the folder is damaged, or another process writes there.
    OSError
        If a state cannot be written; the one before it is intact.
    """
    learner = _make_learner(parts, source, tuning)
    for module in task.modules.values():
        module.to(tuning.device)
    training = Training(learner, task, tuning.options, tuning.seed)
    with ExitStack() as stack:
        if tuning.options.folder is not None:
            resuming = stack.enter_context(
                Resuming.open(tuning.options.folder, tuning.identity, training)
            )
            watch = resuming.watching(watch, tuning.options.save_seconds)
        training.run(watch)
    modules = (*learner.modules.values(), *task.modules.values())
    for module in modules:
        module.cpu()
    adapters = tuning.options.adapters
    added = None if adapters is None else take_added(learner.model, adapters)
    merge_adapters(learner.encoder)
    for module in modules:
        module.requires_grad_(False)
    if isinstance(learner.encoder, Encoder):
        learner.encoder.gradient_checkpointing = False
    tuned = replace(parts, model=learner.model, projection=learner.projection, added=added)
    return tuned, training.records


def _make_learner(parts: Parts, source: TextSource, tuning: Tuning) -> Learner:
    model = parts.model.to(tuning.device).requires_grad_(True)
    projection = parts.projection
    if projection is not None:
        projection = projection.to(tuning.device).requires_grad_(True)
    encoder = model.encoder if isinstance(model, MaskedLM) else model
    if isinstance(encoder, Encoder):
        encoder.gradient_checkpointing = tuning.options.gradient_checkpointing
    if tuning.options.adapters is not None:
        generator = torch.Generator().manual_seed(tuning.seed % SEEDS)
        add_to_model(model, tuning.options.adapters, generator)
        if projection is not None:
            projection.requires_grad_(False)
    plan = source.plan
    return Learner(
        model=model,
        projection=projection,
        readout=Readout(plan.layer, plan.poolings, source.skip),
        truncate_dim=plan.n_features if plan.n_features < plan.full_width else None,
        autocast=_autocasts(tuning.options.precision, tuning.device),
    )


def _autocasts(precision: str, device: torch.device) -> bool:
    if precision == "auto":
        return multiplies_bfloat16(device)
    return precision == "bfloat16"
