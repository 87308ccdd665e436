"""What several tests of this room read and none changes."""

import pytest

from tests.training.small import write_small


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory):
    """A small BERT with its tokenizer, its head and random weights."""
    return write_small(tmp_path_factory.mktemp("small"))
