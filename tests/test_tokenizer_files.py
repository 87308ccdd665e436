"""Ids equal those of transformers' tokenizers, read from the same vocabulary files."""

import io
import json
import sys

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from skencoder.errors import CheckpointError
from skencoder.files import TOKENIZER_FILES
from skencoder.tokenization import TextTokenizer
from skencoder.tokenizer_files import read_tokenizer
from tests.conftest import HOSTILE_TEXTS

TEXTS = [
    *(text for text in HOSTILE_TEXTS if len(text) < 1000),
    "The Dictionary MAPS keys to values, 1,000 times; see ``open()'' or ''with''.",
    "two  spaces   three, trailing  ",
    "  leading",
    "Ünïcödé ÅNGSTRÖM ß İ ﬁ \uff41\uff42\uff43 \uff11\uff12\uff13",
    "a [MASK] b[MASK]c [mask] [UNK]",
    "a <mask> b<mask>c  <MASK> <s> </s> <pad> <unk>",
    "emoji \N{FAMILY}\N{EMOJI MODIFIER FITZPATRICK TYPE-4} 漢字とかな한글",
    "nbsp\u00a0here ideographic\u3000space \u2581 \u00ad",
    "a.b(c) ## don't re-use",
]
BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def lines(docs):
    return [line for text in docs.data[:150] for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def word_pieces(lines):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=400, special_tokens=BERT_SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator([*lines, *TEXTS], trainer)
    return in_order(tokenizer)


@pytest.fixture(scope="module")
def byte_pairs(lines):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def in_order(tokenizer):
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.get)


def sentence_pieces(lines, **options):
    sentencepiece = pytest.importorskip("sentencepiece")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines[:1500]),
        model_writer=model,
        vocab_size=300,
        minloglevel=2,
        **options,
    )
    return model.getvalue()


@pytest.fixture(scope="module")
def fairseq_model(lines):
    return sentence_pieces(lines)


ALBERT_IDS = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1}


@pytest.fixture(scope="module")
def albert_model(lines):
    return sentence_pieces(lines, control_symbols=BERT_SPECIAL[2:], **ALBERT_IDS)


def write_lines(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.fixture
def bert(tmp_path, word_pieces):
    write_lines(tmp_path / "vocab.txt", word_pieces)
    return tmp_path


@pytest.fixture
def mpnet(tmp_path, word_pieces):
    write_lines(tmp_path / "vocab.txt", ["<s>", "<pad>", "</s>", "<unk>", *word_pieces, "<mask>"])
    return tmp_path


@pytest.fixture
def roberta(tmp_path, byte_pairs):
    byte_pairs.model.save(str(tmp_path))
    return tmp_path


@pytest.fixture
def xlm_roberta(tmp_path, fairseq_model):
    (tmp_path / "sentencepiece.bpe.model").write_bytes(fairseq_model)
    return tmp_path


@pytest.fixture
def albert(tmp_path, albert_model):
    (tmp_path / "spiece.model").write_bytes(albert_model)
    return tmp_path


@pytest.fixture
def folder(request, kind):
    return request.getfixturevalue(kind)


def write_json(path, **fields):
    path.write_text(json.dumps(fields), encoding="utf-8")


def assert_equal_ids(folder, class_name):
    transformers = pytest.importorskip("transformers")
    theirs = getattr(transformers, class_name).from_pretrained(folder)
    ours = read_tokenizer(folder)
    for text in TEXTS:
        for special in (False, True):
            found = ours.encode(text, add_special_tokens=special).ids
            expected = theirs(text, add_special_tokens=special)["input_ids"]
            assert found == expected, text
    assert ours.encode("one", "two").ids == theirs("one", "two")["input_ids"]


MASK_TAKES_SPACE = {"content": "<mask>", "lstrip": True}
ANY_KIND = [
    ("bert", "BertTokenizer", {}),
    ("bert", "BertTokenizer", {"do_lower_case": False}),
    ("bert", "BertTokenizer", {"do_lower_case": False, "strip_accents": True}),
    ("bert", "BertTokenizer", {"strip_accents": False, "tokenize_chinese_chars": False}),
    ("bert", "DistilBertTokenizer", {"tokenizer_class": "DistilBertTokenizer"}),
    ("bert", "BertTokenizer", {"tokenizer_class": "BertTokenizerFast", "strip_accents": None}),
    ("mpnet", "MPNetTokenizer", {}),
    ("mpnet", "MPNetTokenizer", {"tokenizer_class": "MPNetTokenizer", "do_lower_case": False}),
    ("roberta", "RobertaTokenizer", {"mask_token": MASK_TAKES_SPACE}),
    ("roberta", "RobertaTokenizer", {"mask_token": MASK_TAKES_SPACE, "add_prefix_space": True}),
    ("xlm_roberta", "XLMRobertaTokenizer", {}),
    ("xlm_roberta", "CamembertTokenizer", {"tokenizer_class": "CamembertTokenizer"}),
    ("albert", "AlbertTokenizer", {}),
    ("albert", "AlbertTokenizer", {"do_lower_case": False, "keep_accents": True}),
]


@pytest.mark.parity
@pytest.mark.parametrize(("kind", "class_name", "options"), ANY_KIND)
def test_ids_equal_transformers(folder, class_name, options):
    tokens = {name: value for name, value in options.items() if name.endswith("_token")}
    write_json(folder / "special_tokens_map.json", **tokens)
    write_json(
        folder / "tokenizer_config.json", **{k: options[k] for k in options - tokens.keys()}
    )
    assert_equal_ids(folder, class_name)


@pytest.mark.parity
@pytest.mark.parametrize(
    ("kind", "class_name"),
    [
        ("bert", "BertTokenizer"),
        ("mpnet", "MPNetTokenizer"),
        ("xlm_roberta", "XLMRobertaTokenizer"),
        ("albert", "AlbertTokenizer"),
    ],
)
def test_added_tokens_equal_transformers(folder, class_name):
    after = read_tokenizer(folder).get_vocab_size()
    write_json(folder / "added_tokens.json", **{"Re-use": after + 1, "[NEW]": after})
    write_json(folder / "special_tokens_map.json", additional_special_tokens=["[NEW]"])
    assert_equal_ids(folder, class_name)
    found = read_tokenizer(folder)
    assert found.encode("[NEW] re-use", add_special_tokens=False).ids[0] == after
    assert found.token_to_id("Re-use") == after + 1


@pytest.mark.parity
def test_listed_added_tokens_equal_transformers(bert, word_pieces):
    added = {"content": "Re-use", "lstrip": True, "normalized": True, "special": False}
    mask = {"content": "[MASK]", "lstrip": True, "normalized": False, "special": True}
    write_json(
        bert / "tokenizer_config.json",
        added_tokens_decoder={word_pieces.index("[MASK]"): mask, len(word_pieces): added},
    )
    assert_equal_ids(bert, "BertTokenizer")
    assert len(word_pieces) in read_tokenizer(bert).encode("to RE-USE it").ids


@pytest.mark.parity
def test_other_names_of_special_tokens(tmp_path, word_pieces):
    named = {"cls_token": "<cls>", "sep_token": {"content": "<sep>"}, "mask_token": "<m>"}
    renamed = {"[CLS]": "<cls>", "[SEP]": "<sep>", "[MASK]": "<m>"}
    write_lines(tmp_path / "vocab.txt", [renamed.get(piece, piece) for piece in word_pieces])
    write_json(tmp_path / "special_tokens_map.json", **named)
    assert_equal_ids(tmp_path, "BertTokenizer")


@pytest.mark.parametrize(
    ("kind", "prefix", "suffix"),
    [
        ("bert", "[CLS]", "[SEP]"),
        ("mpnet", "<s>", "</s>"),
        ("roberta", "<s>", "</s>"),
        ("xlm_roberta", "<s>", "</s>"),
        ("albert", "[CLS]", "[SEP]"),
    ],
)
def test_special_tokens_stand_around_the_text(folder, prefix, suffix):
    tokenizer = read_tokenizer(folder)
    found = TextTokenizer(tokenizer)
    assert found.prefix == [tokenizer.token_to_id(prefix)]
    assert found.suffix == [tokenizer.token_to_id(suffix)]


def test_fairseq_ids(xlm_roberta):
    tokenizer = read_tokenizer(xlm_roberta)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    assert [tokenizer.token_to_id(token) for token in special] == [0, 1, 2, 3, 301]
    assert tokenizer.encode("\N{GRINNING FACE}", add_special_tokens=False).ids[-1] == 3


def test_mask_takes_the_space_before_it(roberta):
    tokenizer = read_tokenizer(roberta)
    found = tokenizer.encode("a <mask>", add_special_tokens=False).ids
    assert found == [tokenizer.token_to_id("a"), tokenizer.token_to_id("<mask>")]


def test_model_type_decides_where_the_vocabulary_does_not(mpnet):
    assert read_tokenizer(mpnet).encode("").tokens == ["<s>", "</s>"]
    write_json(mpnet / "config.json", model_type="bert")
    assert read_tokenizer(mpnet).encode("").tokens == ["[CLS]", "[SEP]"]


def test_user_defined_pieces_are_cut_as_sentencepiece_does(tmp_path, lines):
    model = sentence_pieces(
        lines, control_symbols=BERT_SPECIAL[2:], user_defined_symbols=["(", ")", "."], **ALBERT_IDS
    )
    (tmp_path / "spiece.model").write_bytes(model)
    theirs = sys.modules["sentencepiece"].SentencePieceProcessor(model_proto=model)
    ours = read_tokenizer(tmp_path)
    for text in ("see open (a file). then", "a.b(c)", "f() .x"):
        assert ours.encode(text, add_special_tokens=False).ids == theirs.encode(text)


def test_tokenizer_json_goes_first(bert, byte_pairs):
    byte_pairs.save(str(bert / "tokenizer.json"))
    assert read_tokenizer(bert).to_str() == byte_pairs.to_str()


def test_every_file_read_is_listed():
    assert {"tokenizer.json", "added_tokens.json", "merges.txt"} < set(TOKENIZER_FILES)


def test_a_folder_without_tokenizer_is_described(tmp_path):
    (tmp_path / "vocab.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"no tokenizer: expected .* holds: vocab.json\."):
        read_tokenizer(tmp_path)
    with pytest.raises(CheckpointError, match="holds: nothing"):
        read_tokenizer(tmp_path / "absent")


@pytest.mark.parametrize("absent", ["sentencepiece", "google.protobuf"])
def test_a_missing_extra_is_named(xlm_roberta, monkeypatch, absent):
    for module in [m for m in sys.modules if m.split(".")[0] in ("sentencepiece", "google")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, absent, None)
    message = r"sentencepiece.bpe.model .*pip install 'skencoder\[sentencepiece\]'"
    with pytest.raises(CheckpointError, match=message):
        read_tokenizer(xlm_roberta)


@pytest.mark.parametrize("kept", [0, 1, 50, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["xlm_roberta", "albert"])
def test_a_cut_sentencepiece_model_is_named(folder, kept):
    path = next(folder.iterdir())
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(len(content) * kept)])
    with pytest.raises(CheckpointError, match=f"{path.name} is damaged"):
        read_tokenizer(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[1]"])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("bert", "tokenizer.json"),
        ("bert", "tokenizer_config.json"),
        ("bert", "special_tokens_map.json"),
        ("bert", "added_tokens.json"),
        ("bert", "vocab.txt"),
        ("roberta", "vocab.json"),
    ],
)
def test_a_damaged_file_is_named(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=name):
        read_tokenizer(folder)


def test_merges_that_do_not_fit_are_named(roberta):
    (roberta / "merges.txt").write_text("#version: 0.2\nno such\n")
    with pytest.raises(CheckpointError, match=r"vocab.json .*merges.txt"):
        read_tokenizer(roberta)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"do_lower_case": "yes"}, "do_lower_case='yes'; true or false"),
        ({"tokenizer_class": "BertJapaneseTokenizer"}, "BertJapaneseTokenizer.*tokenizer.json"),
        ({"cls_token": 3}, "3 for a token"),
        ({"cls_token": "<nowhere>"}, "lacks the special token '<nowhere>'"),
        ({"additional_special_tokens": 5}, "5 for a token"),
        ({"added_tokens_decoder": {"one": "[CLS]"}}, "keys are not token ids"),
        ({"added_tokens_decoder": {"9999": "[X]"}}, r"'\[X\]' the id 400; 9999 was expected"),
    ],
)
def test_options_that_cannot_be_used_are_named(bert, options, message):
    write_json(bert / "tokenizer_config.json", **options)
    with pytest.raises(CheckpointError, match=message):
        read_tokenizer(bert)


def test_added_tokens_need_ids(bert):
    write_json(bert / "added_tokens.json", new="400")
    with pytest.raises(CheckpointError, match="added_tokens.json must map tokens"):
        read_tokenizer(bert)


@pytest.mark.parametrize("model_type", ["t5", "xlnet", "big_bird"])
def test_other_models_files_are_refused(albert, model_type):
    write_json(albert / "config.json", model_type=model_type)
    with pytest.raises(CheckpointError, match=f"model_type='{model_type}'.*tokenizer.json"):
        read_tokenizer(albert)


def test_a_model_without_bert_s_pieces_is_refused(tmp_path, fairseq_model):
    (tmp_path / "spiece.model").write_bytes(fairseq_model)
    with pytest.raises(CheckpointError, match=r"spiece.model lacks the special token '\[CLS\]'"):
        read_tokenizer(tmp_path)


def test_a_model_in_another_order_is_refused(tmp_path, albert_model):
    (tmp_path / "sentencepiece.bpe.model").write_bytes(albert_model)
    with pytest.raises(CheckpointError, match="begins with the pieces"):
        read_tokenizer(tmp_path)


@pytest.mark.parametrize("model_type", ["bpe", "char"])
def test_other_sentencepiece_models_are_refused(tmp_path, lines, model_type):
    model = sentence_pieces(lines, model_type=model_type, hard_vocab_limit=False)
    (tmp_path / "sentencepiece.bpe.model").write_bytes(model)
    with pytest.raises(CheckpointError, match=f"is a {model_type} model.*tokenizer.json"):
        read_tokenizer(tmp_path)
