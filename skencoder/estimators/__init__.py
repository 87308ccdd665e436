"""The scikit-learn estimators: the only room that imports scikit-learn's base classes."""

from skencoder.estimators.bitext import BitextMiner
from skencoder.estimators.classifier import EncoderClassifier
from skencoder.estimators.composed_detectors import ProbabilityDetector, SumDetector
from skencoder.estimators.corpus import Corpus
from skencoder.estimators.fixed_corpus import FixedCorpusRetriever
from skencoder.estimators.novelty import MahalanobisDetector, NeighborsDetector
from skencoder.estimators.out_of_scope import OutOfScopeClassifier
from skencoder.estimators.passage_answerer import PassageAnswerer
from skencoder.estimators.pseudo_perplexity import PseudoPerplexityScorer
from skencoder.estimators.regressor import EncoderRegressor
from skencoder.estimators.replies import ReplySelector
from skencoder.estimators.retriever import EncoderRetriever
from skencoder.estimators.summarizer import ExtractiveSummarizer
from skencoder.estimators.vectorizer import EncoderVectorizer
from skencoder.estimators.zero_shot import ZeroShotClassifier

__all__ = [
    "BitextMiner",
    "Corpus",
    "EncoderClassifier",
    "EncoderRegressor",
    "EncoderRetriever",
    "EncoderVectorizer",
    "ExtractiveSummarizer",
    "FixedCorpusRetriever",
    "MahalanobisDetector",
    "NeighborsDetector",
    "OutOfScopeClassifier",
    "PassageAnswerer",
    "ProbabilityDetector",
    "PseudoPerplexityScorer",
    "ReplySelector",
    "SumDetector",
    "ZeroShotClassifier",
]
