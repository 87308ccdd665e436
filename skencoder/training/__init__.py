"""What a fit that learns is made of.

Reading order: options, batches, learner, steps (one gradient in as many passes as memory needs),
tasks and masked_task (what is learned), drawing, loop, stopping, resuming, tuning (all of it
together). Losses are pure functions in `losses`; masks are drawn in `masking`; new models come
from new_tokenizers, new_models and scratch, smaller ones from students, adapters from adapters.
What a user chooses among stands in `skencoder.objectives`.
"""

from skencoder.training.lesson import Lesson
from skencoder.training.scratch import write_new_model
from skencoder.training.tuning import Tuning, text_source, tune

__all__ = ["Lesson", "Tuning", "text_source", "tune", "write_new_model"]
