"""What a model may be trained for: objectives, each with parameters that can be searched.

`EncoderVectorizer` takes one as ``fine_tune``. How the training runs is said by `Training`; the
losses and the loop stand in `skencoder.training`.
"""

from skencoder.objectives.distillation import Distillation
from skencoder.objectives.masked import MaskedLanguageModeling
from skencoder.objectives.matryoshka import Matryoshka
from skencoder.objectives.pairs import PairRanking
from skencoder.objectives.protocol import Objective
from skencoder.objectives.simcse import SimCSE
from skencoder.objectives.similarity import SimilarityRegression
from skencoder.objectives.supervised import SupervisedContrastive
from skencoder.objectives.training import Training

__all__ = [
    "Distillation",
    "MaskedLanguageModeling",
    "Matryoshka",
    "Objective",
    "PairRanking",
    "SimCSE",
    "SimilarityRegression",
    "SupervisedContrastive",
    "Training",
]
