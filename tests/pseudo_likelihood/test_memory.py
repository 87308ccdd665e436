"""Memory does not grow with the length of a text, whatever the number of its copies and logits."""

import subprocess
import sys
from pathlib import Path

import pytest

from skencoder.checkpoints import load_checkpoint, save_checkpoint
from skencoder.encoder import HeadConfig, MaskedLM

# The peak is read before and after, in one process: what a first text needs, every text needs.
SCRIPT = """
import resource, sys
from skencoder.pseudo_likelihood import PseudoLikelihood, ScoringOptions

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

model = PseudoLikelihood.load(sys.argv[1], device="cpu")
options = ScoringOptions(max_length=34)
model.score(["the cat " * 300], options)
before = peak()
scores = model.score(["the cat " * 3000], options)
print(scores.counts[0], peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read as on Linux")
def test_peak_memory_is_flat_in_text_length(tiny_bert, tmp_path):
    """6,000 tokens: logits of all of them would be 730 MB, all copies' states 200,000 rows."""
    encoder = load_checkpoint(tiny_bert).encoder
    folder = save_checkpoint(
        tmp_path / "model", MaskedLM(encoder, HeadConfig()), tokenizer_folder=tiny_bert
    )
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    tokens, growth = done.stdout.split()
    assert int(tokens) == 6000
    assert float(growth) < 40
