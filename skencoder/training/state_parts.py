"""An optimizer, taken apart into tensors and facts that JSON can hold, and put back.

How they get to the disk stands in state_files.py.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from skencoder.errors import CheckpointError

# How steps are computed is the machine's affair: a run may go on where there is another.
OF_THE_MACHINE = {"foreach", "fused", "capturable", "differentiable"}


def flatten_optimizer(
    optimizer: Optimizer, named_parameters: Iterable[tuple[str, Tensor]]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Take an optimizer's state apart, by the names of its parameters.

    Parameters
    ----------
    optimizer : Optimizer
        AdamW, or another whose state is made of tensors.
    named_parameters : iterable of (str, tensor)
        What ``model.named_parameters()`` gives.

    Returns
    -------
    tuple of dict of str to tensor, and dict
        Tensors named ``optimizer/<parameter>/<slot>``, not copied; and the groups, each with its
        options and the names of its parameters.
    """
    names = {id(parameter): name for name, parameter in named_parameters}
    tensors = {
        f"optimizer/{names[id(parameter)]}/{slot}": value
        for parameter, slots in optimizer.state.items()
        for slot, value in slots.items()
        if isinstance(value, Tensor)
    }
    groups = [
        {option: value for option, value in group.items() if option != "params"}
        | {"names": [names[id(parameter)] for parameter in group["params"]]}
        for group in optimizer.param_groups
    ]
    return tensors, {"groups": groups}


def restore_optimizer(
    optimizer: Optimizer,
    named_parameters: Iterable[tuple[str, Tensor]],
    tensors: Mapping[str, Tensor],
    facts: Mapping[str, Any],
) -> None:
    """Put an optimizer's state back, so that it goes on as the one that was taken apart.

    Parameters
    ----------
    optimizer : Optimizer
        A new one, with the same parameters in the same groups; the order does not matter. Changed
        in place.
    named_parameters : iterable of (str, tensor)
        What ``model.named_parameters()`` gives.
    tensors : mapping of str to tensor
        What `flatten_optimizer` gave; others are left out. They become the optimizer's own where
        they have the right device.
    facts : mapping
        What `flatten_optimizer` gave.

    Raises
    ------
    CheckpointError
        If the groups differ, or a tensor has not its parameter's shape; nothing is changed then.
    """
    names = {id(parameter): name for name, parameter in named_parameters}
    saved = _slots(tensors)
    state = optimizer.state_dict()
    state["state"] = {}
    _check_groups(optimizer, names, facts["groups"])
    for group, own, stored in zip(
        state["param_groups"], optimizer.param_groups, facts["groups"], strict=True
    ):
        group |= {
            option: _like(group.get(option), value)
            for option, value in stored.items()
            if option != "names" and option not in OF_THE_MACHINE
        }
        for index, parameter in zip(group["params"], own["params"], strict=True):
            slots = saved.get(names[id(parameter)], {})
            _check_shapes(names[id(parameter)], parameter, slots)
            if slots:
                state["state"][index] = slots
    optimizer.load_state_dict(state)


def _slots(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    saved: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer/"):
            name, slot = key.removeprefix("optimizer/").rsplit("/", 1)
            saved.setdefault(name, {})[slot] = value
    return saved


def _check_groups(
    optimizer: Optimizer, names: Mapping[int, str], stored: list[dict[str, Any]]
) -> None:
    expected = [{names[id(p)] for p in group["params"]} for group in optimizer.param_groups]
    came = [set(group["names"]) for group in stored]
    if came == expected:
        return
    missing = set().union(*expected) - set().union(*came)
    unexpected = set().union(*came) - set().union(*expected)
    raise CheckpointError(
        f"The saved optimizer had other parameters, or others together: "
        f"missing are {', '.join(sorted(missing)) or 'none'}, not expected are "
        f"{', '.join(sorted(unexpected)) or 'none'}. Go on with the model and the options that "
        f"the run was begun with, or begin from the start."
    )


def _check_shapes(name: str, parameter: Tensor, slots: Mapping[str, Tensor]) -> None:
    for slot, value in slots.items():
        # A count of steps has no shape.
        if value.dim() and value.shape != parameter.shape:
            raise CheckpointError(
                f"The saved optimizer's {slot} of {name} has shape {tuple(value.shape)}, but the "
                f"parameter has {tuple(parameter.shape)}. Go on with the model that the run was "
                f"begun with, or begin from the start."
            )


def _like(own: Any, value: Any) -> Any:
    # JSON has no tuples, which betas are.
    return tuple(value) if isinstance(own, tuple) else value
