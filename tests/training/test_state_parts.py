"""Optimizers taken apart and put back: what follows is the same to the last bit."""

import pytest
import torch

from skencoder.errors import CheckpointError
from skencoder.training.state_files import load_state, save_state
from skencoder.training.state_parts import flatten_optimizer, restore_optimizer


def make_run(order=(0, 1)):
    """A small model, and AdamW that decays its matrices but not its biases."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 2)
    )
    parts = [[p for p in model.parameters() if p.dim() == dim] for dim in (2, 1)]
    groups = [
        {"params": [parts[0][place] for place in order], "weight_decay": 0.1},
        {"params": parts[1], "weight_decay": 0.0, "betas": (0.8, 0.95)},
    ]
    return model, torch.optim.AdamW(groups, lr=0.01)


def step(model, optimizer, generator):
    optimizer.zero_grad()
    model(torch.randn(5, 3, generator=generator)).square().sum().backward()
    optimizer.step()


def weights(model):
    return [parameter.detach().clone() for parameter in model.parameters()]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["same order", "other order"])
def test_a_run_goes_on_bit_by_bit(tmp_path, order):
    model, optimizer = make_run()
    rows = torch.Generator().manual_seed(5)
    for _ in range(3):
        step(model, optimizer, rows)
    optimizer.param_groups[0]["lr"] = 0.003
    steps, groups = flatten_optimizer(optimizer, model.named_parameters())
    again, dropout = rows.clone_state(), torch.get_rng_state()
    model_state = {f"model/{name}": value for name, value in model.state_dict().items()}
    save_state(tmp_path, tensors=model_state | steps, facts={"optimizer": groups})
    for _ in range(4):
        step(model, optimizer, rows)

    tensors, facts = load_state(tmp_path)
    other, resumed = make_run(order)
    other.load_state_dict(
        {k.removeprefix("model/"): v for k, v in tensors.items() if k.startswith("model/")}
    )
    restore_optimizer(resumed, other.named_parameters(), tensors, facts["optimizer"])
    torch.set_rng_state(dropout)
    assert resumed.param_groups[0]["lr"] == 0.003
    assert resumed.param_groups[1]["betas"] == (0.8, 0.95)
    for _ in range(4):
        step(other, resumed, again)
    torch.testing.assert_close(weights(other), weights(model), atol=0, rtol=0)


def test_the_names_are_the_parameters():
    model, optimizer = make_run()
    step(model, optimizer, torch.Generator())
    tensors, facts = flatten_optimizer(optimizer, model.named_parameters())
    assert {"optimizer/0.weight/exp_avg", "optimizer/2.bias/exp_avg_sq"} < set(tensors)
    assert tensors["optimizer/2.weight/step"] == 1
    assert [group["names"] for group in facts["groups"]] == [
        ["0.weight", "2.weight"],
        ["0.bias", "2.bias"],
    ]


def test_how_steps_are_computed_stays_the_machine_s_affair():
    model, optimizer = make_run()
    step(model, optimizer, torch.Generator())
    tensors, facts = flatten_optimizer(optimizer, model.named_parameters())
    fused = torch.optim.AdamW(
        [{"params": group["params"]} for group in optimizer.param_groups], fused=True
    )
    restore_optimizer(fused, model.named_parameters(), tensors, facts)
    assert all(group["fused"] for group in fused.param_groups)
    assert [group["weight_decay"] for group in fused.param_groups] == [0.1, 0.0]


def test_an_optimizer_that_has_not_stepped():
    model, optimizer = make_run()
    tensors, facts = flatten_optimizer(optimizer, model.named_parameters())
    assert tensors == {}
    restore_optimizer(optimizer, model.named_parameters(), tensors, facts)
    assert not optimizer.state


def test_other_parameters_are_named():
    model, optimizer = make_run()
    tensors, facts = flatten_optimizer(optimizer, model.named_parameters())
    wider = torch.nn.Sequential(model, torch.nn.Linear(2, 2, bias=False))
    resumed = torch.optim.AdamW(wider.parameters())
    with pytest.raises(CheckpointError, match="missing are 0.0.bias.*not expected are 0.bias"):
        restore_optimizer(resumed, wider.named_parameters(), tensors, facts)


def test_another_shape_is_named_and_nothing_is_changed():
    model, optimizer = make_run()
    step(model, optimizer, torch.Generator())
    tensors, facts = flatten_optimizer(optimizer, model.named_parameters())
    tensors["optimizer/2.weight/exp_avg"] = torch.zeros(9, 4)
    other, resumed = make_run()
    with pytest.raises(CheckpointError, match=r"exp_avg of 2.weight has shape \(9, 4\).*\(2, 4\)"):
        restore_optimizer(resumed, other.named_parameters(), tensors, facts)
    assert not resumed.state
