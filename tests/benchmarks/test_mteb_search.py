"""A retriever searches for mteb: on a few real documents, and on the real data where they are."""

import json
from types import SimpleNamespace

import pytest
from mteb.models.models_protocols import EncoderProtocol, SearchProtocol

from benchmarks import MTEBModel, MTEBSearcher, run_mteb
from benchmarks.mteb_search import Searched
from skencoder import EncoderRetriever, EncoderVectorizer
from skencoder.errors import ParameterError
from skencoder.metrics import score_rankings

pytestmark = pytest.mark.filterwarnings("ignore:The task .* is superseded:UserWarning")

CARD = """---
configs:
- config_name: corpus
  data_files:
  - split: corpus
    path: corpus.jsonl
- config_name: queries
  data_files:
  - split: queries
    path: queries.jsonl
- config_name: default
  default: true
  data_files:
  - split: test
    path: qrels/test.jsonl
---
"""


def write(path, rows):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)))


@pytest.fixture(scope="module")
def items(docs):
    """80 documents with a title, 30 first sentences as queries, with grades."""
    texts = [text for text in docs.data if 12 < len(text.split()) < 40][:80]
    return {
        "corpus": [
            {"_id": f"d{i}", "title": "" if i % 3 else f"Title {i}", "text": text}
            for i, text in enumerate(texts)
        ],
        "queries": [{"_id": f"q{i}", "text": " ".join(texts[i].split()[:6])} for i in range(30)],
        "qrels": [
            {"query-id": f"q{i}", "corpus-id": f"d{j}", "score": grade}
            for i in range(30)
            for j, grade in ((i, 2), ((i + 1) % 80, 1))
        ],
    }


@pytest.fixture
def hub(tmp_path, items):
    """These at the place of NFCorpus in the hub's layout."""
    folder = tmp_path / "data" / "mteb" / "nfcorpus"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    write(folder / "corpus.jsonl", items["corpus"])
    write(folder / "queries.jsonl", items["queries"])
    write(folder / "qrels" / "test.jsonl", items["qrels"])
    return tmp_path / "data"


def run(model, hub, retriever=None, **options):
    if retriever is not None:
        ready = model if isinstance(model, MTEBModel) else MTEBModel(model)
        model = MTEBSearcher(ready, retriever)
    (task_run,) = run_mteb(model, ["NFCorpus"], data_root=hub, **options)
    assert task_run.error is None, task_run.error
    return task_run


def test_it_is_both_to_mteb(tiny_model):
    searcher = MTEBSearcher(tiny_model, EncoderRetriever())
    assert isinstance(searcher, SearchProtocol)
    assert isinstance(searcher, EncoderProtocol)


def test_the_exact_retriever_scores_what_mteb_s_own_search_does(tiny_model, hub):
    own = run(tiny_model, hub)
    (expected,) = own.rows
    (row,) = run(tiny_model, hub, retriever=EncoderRetriever()).rows
    assert 0.2 < row.score < 1
    assert row.score == pytest.approx(expected.score, abs=1e-4)
    assert row.record.n_texts == 110
    assert row.record.seconds > 0


def test_its_scores_are_those_of_skencoder_metrics(tiny_bert, hub, items):
    encoder = EncoderVectorizer(tiny_bert, precision="float32", overflow="truncate")
    retriever = EncoderRetriever(encoder, lexical="bm25")
    result = run(MTEBModel(encoder), hub, retriever=retriever).result.scores["test"][0]
    texts = [f"{row['title']} {row['text']}".strip() for row in items["corpus"]]
    retriever.fit(texts, [row["_id"] for row in items["corpus"]])
    queries = [row["text"] for row in items["queries"]]
    ranked = retriever.ids_[retriever.kneighbors(queries, 80, return_distance=False)].tolist()
    relevant = [{f"d{i}": 2, f"d{i + 1}": 1} for i in range(30)]
    scores = score_rankings(relevant, ranked, ["ndcg@10", "recall@10", "map@100", "mrr@10"])
    for ours, theirs in {
        "ndcg@10": "ndcg_at_10", "recall@10": "recall_at_10",
        "map@100": "map_at_100", "mrr@10": "mrr_at_10",
    }.items():  # fmt: skip
        # trec_eval orders equal scores by descending id, a fusion has many of them.
        assert scores[ours].mean() == pytest.approx(result[theirs], abs=0.02), ours


def count_letters(pairs):
    return [len(document) for _, document in pairs]


def test_what_re_scores_is_part_of_the_key(tiny_model):
    def key(**parameters):
        searcher = MTEBSearcher(tiny_model, EncoderRetriever(**parameters))
        return json.dumps(searcher.mteb_model_meta.experiment_kwargs)

    class Model:
        predict = staticmethod(count_letters)

        def __init__(self, name):
            self.config = SimpleNamespace(_name_or_path=name)

    rerankers = (None, count_letters, len, Model("small"), Model("large"))
    keys = [key(reranker=reranker) for reranker in rerankers]
    assert len(set(keys)) == 5
    # The same in another process, where it lies elsewhere in memory.
    assert key(reranker=Model("small")) == keys[3]
    assert "0x" not in "".join(keys)
    assert key(n_reranked=7) != keys[0]


def test_no_more_is_asked_for_than_is_re_scored(tiny_model, hub):
    retriever = EncoderRetriever(reranker=count_letters, n_reranked=9, lexical="bm25")
    assert 0 <= run(tiny_model, hub, retriever=retriever).rows[0].score < 1


def test_other_settings_get_results_of_their_own(tiny_model, hub, tmp_path):
    options = {"results": tmp_path / "results"}
    assert not run(tiny_model, hub, **options).stored
    for retriever in (EncoderRetriever(), EncoderRetriever(metric="euclidean")):
        assert not run(tiny_model, hub, retriever=retriever, **options).stored
        assert run(tiny_model, hub, retriever=retriever, **options).stored


def test_other_tasks_ask_the_encoder(tiny_model, hub_folder):
    (expected,), (found,) = (
        run_mteb(model, ["STSBenchmark"], data_root=hub_folder)[0].rows
        for model in (tiny_model, MTEBSearcher(tiny_model, EncoderRetriever()))
    )
    assert found.score == expected.score


def test_a_fitted_pipeline_learns_nothing_of_the_documents(tfidf_svd, hub):
    vocabulary = dict(tfidf_svd[0].vocabulary_)
    (expected,) = run(tfidf_svd, hub).rows
    (row,) = run(tfidf_svd, hub, retriever=EncoderRetriever()).rows
    assert row.score == pytest.approx(expected.score, abs=1e-4)
    assert tfidf_svd[0].vocabulary_ == vocabulary


def test_prompts_are_chosen_by_mteb_s_order(tiny_with_prompts, hub):
    (expected,) = run(tiny_with_prompts, hub).rows
    (row,) = run(tiny_with_prompts, hub, retriever=EncoderRetriever()).rows
    plain = EncoderVectorizer(tiny_with_prompts, prompt="", precision="float32")
    (other,) = run(plain, hub, retriever=EncoderRetriever()).rows
    assert row.score == pytest.approx(expected.score, abs=1e-4)
    assert row.score != pytest.approx(other.score, abs=1e-4)


def test_an_unknown_index_is_refused_before_a_task_asks_for_it(tiny_model):
    for make in (MTEBSearcher, Searched):
        with pytest.raises(ParameterError, match="'hnsw', 'faiss'; got 'tree'"):
            make(tiny_model, EncoderRetriever(index="tree"))
    with pytest.raises(ParameterError):
        EncoderRetriever(index="tree").fit(["a"])


def test_the_command_line_chooses_the_searcher(tiny_bert, hub, capsys):
    pytest.importorskip("cyclopts")
    from benchmarks.cli import main

    options = ["--tasks", "NFCorpus", "--data-root", str(hub), "--fusion-weights", "0", "1"]
    code = main(["mteb", "--model", str(tiny_bert), *options])
    shown, told = capsys.readouterr()
    assert code == 0, told
    words = EncoderRetriever(lexical="bm25", fusion_weights=(0, 1))
    expected = run(tiny_bert, hub, retriever=words).rows[0].score
    assert f" {expected:.4f} " in shown


# --- published scores (embeddings-benchmark/results), on the real data


def score(data_root, text_encoder, task, **parameters):
    model = MTEBModel(EncoderVectorizer(text_encoder, overflow="truncate"))
    searcher = MTEBSearcher(model, EncoderRetriever(**parameters))
    (task_run,) = run_mteb(searcher, [task], data_root=data_root / "mteb", subsets=["en"])
    assert task_run.error is None, task_run.error
    return task_run.rows[0].score


@pytest.mark.data
@pytest.mark.minutes
def test_xquad_gives_the_published_score_and_words_help(data_root, text_encoder):
    exact = score(data_root, text_encoder, "XQuADRetrieval")
    assert exact == pytest.approx(0.9436, abs=5e-4)
    assert score(data_root, text_encoder, "XQuADRetrieval", lexical="bm25") > exact + 0.02


@pytest.mark.data
@pytest.mark.minutes
def test_nfcorpus_gives_the_published_score_and_words_help(data_root, text_encoder):
    exact = score(data_root, text_encoder, "NFCorpus")
    assert exact == pytest.approx(0.31594, abs=5e-4)
    # Nothing is chosen here: equal weights, and the constants of the papers and libraries.
    assert score(data_root, text_encoder, "NFCorpus", lexical="bm25") > exact + 0.02
