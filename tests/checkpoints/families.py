"""One small random model of every family, made by transformers, with all its features on."""

import torch

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
SIZES |= {"vocab_size": 160, "intermediate_size": 48, "max_position_embeddings": 90}
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
DISTIL = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, "vocab_size": 160}
MODERN = SIZES | SPECIAL | {"cls_token_id": 1, "sep_token_id": 2}

# Name of the case: transformers' configuration and model classes without their ending, fields.
CASES = {
    "bert": ("Bert", {**SIZES}),
    "bert-tanh-untied": (
        "Bert",
        {**SIZES, "hidden_act": "gelu_new", "tie_word_embeddings": False, "type_vocab_size": 3},
    ),
    "bert-relu": ("Bert", {**SIZES, "hidden_act": "relu", "layer_norm_eps": 1e-5}),
    "distilbert": ("DistilBert", {**DISTIL, "max_position_embeddings": 90}),
    "distilbert-sines": ("DistilBert", {**DISTIL, "sinusoidal_pos_embds": True}),
    "roberta": ("Roberta", {**SIZES}),
    "camembert": ("Camembert", {**SIZES, "type_vocab_size": 1}),
    "xlm-roberta": ("XLMRoberta", {**SIZES, "type_vocab_size": 1, "layer_norm_eps": 1e-5}),
    "mpnet": ("MPNet", {**SIZES, "max_position_embeddings": 400}),
    "electra": ("Electra", {**SIZES, "embedding_size": 16}),
    "electra-wide": ("Electra", {**SIZES, "embedding_size": 32}),
    "albert": ("Albert", {**SIZES, "embedding_size": 16}),
    "albert-groups": (
        "Albert",
        {**SIZES, "embedding_size": 32, "num_hidden_layers": 4, "num_hidden_groups": 2},
    ),
    "modernbert": (
        "ModernBert",
        {**MODERN, "num_hidden_layers": 4, "local_attention": 8, "max_position_embeddings": 200},
    ),
    "modernbert-biased": (
        "ModernBert",
        {
            **MODERN,
            "local_attention": 20,
            "attention_bias": True,
            "mlp_bias": True,
            "norm_bias": True,
            "classifier_bias": True,
            "decoder_bias": False,
            "tie_word_embeddings": False,
            "layer_types": ["sliding_attention", "full_attention"],
        },
    ),
    "nomic_bert": ("NomicBert", {**SIZES}),
    "gte": ("Gte", {**SIZES}),
    "gte-scaled": (
        "Gte",
        {
            **SIZES,
            "type_vocab_size": 0,
            "rope_parameters": {"rope_type": "linear", "factor": 1.3, "rope_theta": 500.0},
        },
    ),
    "eurobert": ("EuroBert", {**SIZES, **SPECIAL, "mask_token_id": 3, "num_key_value_heads": 2}),
    "eurobert-biased": (
        "EuroBert",
        {
            **SIZES,
            **SPECIAL,
            "mask_token_id": 3,
            "attention_bias": True,
            "mlp_bias": True,
            "tie_word_embeddings": True,
        },
    ),
    "jina_embeddings_v3": ("JinaEmbeddingsV3", {**SIZES}),
    "jina_embeddings_v3-scaled": (
        "JinaEmbeddingsV3",
        {
            **SIZES,
            "type_vocab_size": 2,
            "hidden_act": "relu",
            "rope_parameters": {"rope_type": "linear", "factor": 2.5, "rope_theta": 500.0},
        },
    ),
}


def make_model(case):
    """A random model with its head, in evaluation mode; every parameter differs from its start."""
    import transformers

    name, fields = CASES[case]
    config = getattr(transformers, f"{name}Config")(**fields)
    torch.manual_seed(0)
    model = getattr(transformers, f"{name}ForMaskedLM")(config)
    with torch.no_grad():
        for parameter in model.parameters():
            # Norms and biases start at 1 and 0, where a mistake would not show.
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model.eval()


def draw_batch(case, lengths=(40, 23, 7, 1)):
    """A padded batch: token ids without padding's, and the mask."""
    vocab_size = CASES[case][1]["vocab_size"]
    generator = torch.Generator().manual_seed(1)
    input_ids = torch.randint(5, vocab_size, (len(lengths), max(lengths)), generator=generator)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return input_ids, mask
