"""AdamW over a learner's parameters: which are trained, which are decayed."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from skencoder.training.options import LoopOptions


def trained_parameters(modules: Mapping[str, nn.Module]) -> dict[str, nn.Parameter]:
    """List what is trained; a parameter that two modules share stands under its first name.

    Parameters
    ----------
    modules : mapping of str to nn.Module
        By name.

    Returns
    -------
    dict of str to nn.Parameter
        By module and name.
    """
    listed: dict[str, nn.Parameter] = {}
    known: set[int] = set()
    for module_name, module in modules.items():
        for name, parameter in module.named_parameters():
            if parameter.requires_grad and id(parameter) not in known:
                known.add(id(parameter))
                listed[f"{module_name}.{name}"] = parameter
    return listed


def make_optimizer(
    parameters: Mapping[str, nn.Parameter], options: LoopOptions
) -> torch.optim.AdamW:
    """Make AdamW; biases and norms, which have one dimension, are not decayed.

    Parameters
    ----------
    parameters : mapping of str to nn.Parameter
        What is trained.
    options : LoopOptions
        Rate and decay.

    Returns
    -------
    torch.optim.AdamW
        Fused into one kernel where torch has it.

    References
    ----------
    .. [1] Loshchilov & Hutter (2019), Decoupled Weight Decay Regularization, arXiv:1711.05101.
    """
    matrices = [p for p in parameters.values() if p.dim() > 1]
    vectors = [p for p in parameters.values() if p.dim() <= 1]
    groups = [
        {"params": group, "weight_decay": decay}
        for group, decay in ((matrices, options.weight_decay), (vectors, 0.0))
        if group
    ]
    on_fused_device = all(p.device.type in ("cpu", "cuda") for p in parameters.values())
    return torch.optim.AdamW(groups, lr=options.learning_rate, fused=on_fused_device)


def clip_gradient(parameters: Mapping[str, nn.Parameter], longest: float) -> Tensor:
    """Shorten the gradient where it is longer than allowed.

    Parameters
    ----------
    parameters : mapping of str to nn.Parameter
        Their gradients are changed in place.
    longest : float
        Its length at most.

    Returns
    -------
    float of shape ()
        Its length before; not finite where a number in it is not.
    """
    return nn.utils.clip_grad_norm_(list(parameters.values()), longest)
