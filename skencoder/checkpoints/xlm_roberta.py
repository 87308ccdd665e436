"""XLM-RoBERTa (Conneau et al. 2020, arXiv:1911.02116), also of multilingual-e5 and bge-m3."""

from dataclasses import replace

from skencoder.checkpoints.roberta import ROBERTA_FAMILY

XLM_ROBERTA_FAMILY = replace(
    ROBERTA_FAMILY, architectures=("XLMRobertaModel", "XLMRobertaForMaskedLM")
)
