"""The architectures are those of the families, and each is timed as often as the others."""

import pytest

from benchmarks import families
from benchmarks.cli import main
from skencoder.encoder import EncoderConfig
from skencoder.errors import ParameterError

TINY = {"vocab_size": 30000, "hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
TINY |= {"intermediate_size": 24, "max_position_embeddings": 64}


@pytest.fixture
def tiny(monkeypatch):
    shapes = {"one": TINY, "two": TINY | {"max_position_embeddings": 300}}
    monkeypatch.setattr(families, "SHAPES", shapes)


@pytest.mark.parametrize("name", families.SHAPES)
def test_shapes_are_configurations(name):
    config = EncoderConfig(**families.SHAPES[name])
    layers, width = (int(part.strip(",")) for part in name.split() if part.strip(",").isdigit())
    assert (config.num_hidden_layers, config.hidden_size) == (layers, width)


@pytest.mark.usefixtures("tiny")
def test_every_length_that_is_reached_is_timed():
    one, two = families.run_families((8, 200), rounds=3, tokens=400)
    assert set(one.tokens_per_second) == {8}
    assert set(two.tokens_per_second) == {8, 200}
    assert one.ratios == {8: 1.0}
    assert set(two.ratios) == {8}
    assert all(rate > 0 for rate in two.tokens_per_second.values())


@pytest.mark.usefixtures("tiny")
def test_the_command_prints_a_table(capsys):
    assert main(["families", "--lengths", "8", "200", "--rounds", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["architecture", "8", "tokens", "200", "tokens"]
    assert lines[2].endswith("-")
    assert lines[2].split()[0] == "one"
    assert lines[3].split()[0] == "two"


@pytest.mark.parametrize("change", [{"rounds": 0}, {"tokens": 0}, {"precision": "int8"}])
def test_what_cannot_be_timed(change):
    with pytest.raises(ParameterError, match="must be positive, precision float32 or bfloat16"):
        families.run_families((8,), **change)
