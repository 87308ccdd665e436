"""Bias: association tests by hand and against scipy, CrowS-Pairs against plain loops, refusals."""

import csv
import json
from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from benchmarks import bias as bias_module
from benchmarks.association_data import (
    list_association_tests,
    read_association_test,
    read_association_tests,
)
from benchmarks.association_tests import associate, effect_size, permutation_test
from benchmarks.bias import run_bias
from benchmarks.bias_report import format_bias, format_refusals
from benchmarks.bias_settings import BiasSettings
from benchmarks.command_bias import bias_command
from benchmarks.crows_pairs import (
    SentencePair,
    count_stereotypes,
    read_crows_pairs,
    shared_places,
)
from benchmarks.crows_pairs_scoring import CrowsPairsTask, measure_stereotypes, score_pairs
from benchmarks.errors import (
    MissingDataError,
    ResultFileError,
    RunStoppedError,
    UnknownTaskError,
    UnreadableDataError,
)
from benchmarks.language_models import TextScore
from benchmarks.results_folder import read_results
from skencoder import EncoderVectorizer
from skencoder.errors import ParameterError
from skencoder.pseudo_likelihood import PseudoLikelihood
from tests.pseudo_likelihood.models import (
    make_tokenizer,
    score_plainly,
    write_family,
    write_overflowing,
)

VECTORS = {
    "east": (2.0, 0.0),
    "easterly": (0.8, 0.6),
    "north": (0.0, 3.0),
    "northerly": (0.6, 0.8),
    "right": (5.0, 0.0),
    "up": (0.0, 0.5),
    "nowhere": (0.0, 0.0),
}
PAIRS = (
    SentencePair("the cat sat on the mat.", "the dog sat on the mat.", "stereo", "animals"),
    SentencePair("i am sam, a reader.", "i am a doggy, a reader.", "antistereo", "names"),
    SentencePair("hello world", "hello cat", "stereo", "names"),
)


def look_up(texts):
    return np.array([VECTORS[text] for text in texts])


@pytest.fixture
def compass(monkeypatch):
    """A pipeline that knows seven words in two dimensions, by hand."""
    monkeypatch.setitem(VECTORS, "The probe text of a benchmark.", (1.0, 1.0))
    monkeypatch.setitem(VECTORS, "Another one.", (1.0, 0.5))
    return make_pipeline(FunctionTransformer(look_up))


def write_test(root, name, *sets):
    folder = root / "bias" / "seat"
    folder.mkdir(parents=True, exist_ok=True)
    keys = ("targ1", "targ2", "attr1", "attr2")
    content = {k: {"category": k.upper(), "examples": s} for k, s in zip(keys, sets, strict=True)}
    (folder / f"{name}.jsonl").write_text(json.dumps(content, indent=2))


@pytest.fixture
def data(tmp_path):
    """One association test by hand, and three pairs."""
    root = tmp_path / "data"
    write_test(root, "compass", ["east", "easterly"], ["north", "northerly"], ["right"], ["up"])
    with (root / "bias" / "crows_pairs_anonymized.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["", "sent_more", "sent_less", "stereo_antistereo", "bias_type"])
        for row, pair in enumerate(PAIRS):
            writer.writerow([row, pair.more, pair.less, pair.direction, pair.bias_type])
    return root


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """A random BERT with its head, and the same model by transformers."""
    folder = tmp_path_factory.mktemp("masked") / "model"
    folder.mkdir()
    return str(folder), write_family("bert", folder)


def test_an_association_test_by_hand(compass, data):
    """Associations are 1, 0.2, -1 and -0.2, so d = 1.2 / sqrt(2.08 / 3); one of six cuts."""
    (run,) = run_bias(compass, ["compass"], data_root=data)
    assert run.found.effect_size == pytest.approx(1.2 / np.sqrt(2.08 / 3), abs=1e-12)
    assert run.found.permutation.p_value == pytest.approx(1 / 6)
    assert run.found.permutation.partitions == 6
    shown = format_bias([run])
    assert "+1.441" in shown
    assert "0.167" in shown
    assert "6 (all)" in shown


def draw(seed, *sizes, width=12):
    rng = np.random.default_rng(seed)
    shift = rng.normal(size=width) * 0.3
    return [rng.normal(size=(size, width)) + shift * (row == 0) for row, size in enumerate(sizes)]


def cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


@pytest.mark.parametrize("seed", range(3))
def test_associations_are_mean_cosines(seed):
    targets, near, far = draw(seed, 7, 3, 5)
    plain = [
        np.mean([cosine(t, a) for a in near]) - np.mean([cosine(t, b) for b in far])
        for t in targets
    ]
    np.testing.assert_allclose(associate(targets, near, far), plain, atol=1e-12)
    np.testing.assert_allclose(associate(9 * targets, near, 2 * far), plain, atol=1e-12)


@pytest.mark.parametrize(("seed", "sizes"), list(product(range(3), [(6, 6), (4, 8)])))
def test_p_values_are_scipys(seed, sizes):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(0.5, 1, sizes[0]), rng.normal(0, 1, sizes[1])

    def difference(a, b, axis):
        return a.mean(axis=axis) - b.mean(axis=axis)

    expected = stats.permutation_test(
        (first, second), difference, n_resamples=np.inf, alternative="greater", vectorized=True
    )
    found = permutation_test(first, second)
    assert found.is_exact
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-12)
    drawn = permutation_test(first, second, most_exact=0, samples=20_000, seed=seed)
    assert not drawn.is_exact
    spread = np.sqrt(found.p_value * (1 - found.p_value) / 20_000)
    assert drawn.p_value == pytest.approx(found.p_value, abs=4 * spread + 1e-4)
    assert drawn == permutation_test(first, second, most_exact=0, samples=20_000, seed=seed)


def test_signs_and_bounds():
    first, second = np.array([3.0, 2.0, 1.0]), np.array([-1.0, -2.0, -3.0])
    assert effect_size(first, second) == pytest.approx(-effect_size(second, first))
    assert 0 < effect_size(first, second) < 2
    assert permutation_test(second, first).p_value == 1.0
    # The most extreme of a hundred thousand is not impossible.
    extreme = permutation_test(first, second, most_exact=0, samples=9)
    assert extreme.p_value >= 1 / 10
    same = np.array([0.1, 0.2, 0.3])
    assert permutation_test(same, same).p_value == pytest.approx(np.mean(_at_least(same)))


def _at_least(values):
    """Ties count: which of the 20 cuts of doubled values reach the sum, in whole tenths."""
    from itertools import combinations

    tenths = np.rint(np.concatenate([values, values]) * 10).astype(int)
    return [sum(cut) >= tenths[:3].sum() for cut in combinations(tenths, 3)]


def test_a_model_that_does_not_know_the_words_is_told(compass, data):
    write_test(data, "lost", ["east", "nowhere"], ["north"], ["right"], ["up"])
    write_test(data, "alike", ["east"], ["right"], ["right"], ["up"])
    runs = run_bias(compass, ["alike", "lost", "compass"], data_root=data)
    assert [run.found is not None for run in runs] == [False, False, True]
    told = format_refusals(runs)
    assert "'nowhere'" in told
    assert "no cosine" in told
    assert "alike" in told
    assert all(run.is_failure for run in runs[:2])


def test_results_are_kept_and_not_measured_again(tiny_bert, data, tmp_path, monkeypatch):
    results = tmp_path / "results"
    (first,) = run_bias(str(tiny_bert), ["compass"], data_root=data, results=results)
    (model,) = read_results(results).models
    (measurement,) = model.bias
    assert measurement.kind == "weat"
    assert measurement.figures["effect_size"].value == first.found.effect_size
    assert measurement.content["fingerprint"] == model.revision
    from benchmarks import association_model

    measure = association_model.measure_association
    monkeypatch.setattr(association_model, "measure_association", None)
    (again,) = run_bias(str(tiny_bert), ["compass"], data_root=data, results=results)
    assert again.found == first.found
    monkeypatch.setattr(association_model, "measure_association", measure)
    drawn = BiasSettings(most_exact=0, samples=99)
    run_bias(str(tiny_bert), ["compass"], data_root=data, settings=drawn, results=results)
    assert len(read_results(results).models[0].bias) == 2


def test_a_damaged_result_is_named(tiny_bert, data, tmp_path):
    results = tmp_path / "results"
    run_bias(str(tiny_bert), ["compass"], data_root=data, results=results)
    (path,) = results.rglob("compass-*.json")
    path.write_text(path.read_text()[:40])
    (run,) = run_bias(str(tiny_bert), ["compass"], data_root=data, results=results)
    assert run.found is None
    assert run.is_failure
    assert str(path) in run.reason
    path.write_text(json.dumps({"run": {"data": "other"}}))
    (run,) = run_bias(str(tiny_bert), ["compass"], data_root=data, results=results)
    assert "another run" in run.reason


def test_shared_tokens():
    assert shared_places([1, 2, 3, 4], [1, 9, 3, 4]) == ([0, 2, 3], [0, 2, 3])
    assert shared_places([1, 2, 3], [1, 7, 8, 3]) == ([0, 2], [0, 3])
    assert shared_places([1], [2]) == ([], [])


def test_pairs_are_scored_as_the_definition_says(masked):
    """By transformers, one copy at a time; which tokens are shared is written down by hand."""
    folder, model = masked
    scores = score_pairs(PseudoLikelihood.load(folder, device="cpu"), PAIRS)
    tokenizer = make_tokenizer()
    # i am sam , a read ##er .  |  i am a dog ##gy , a read ##er .
    shared = [
        ([0, 2, 3, 4, 5, 6], [0, 2, 3, 4, 5, 6]),
        ([0, 1, 3, 4, 5, 6, 7], [0, 1, 5, 6, 7, 8, 9]),
        ([0], [0]),
    ]
    for row, (pair, places) in enumerate(zip(PAIRS, shared, strict=True)):
        for side, (text, kept) in enumerate(zip((pair.more, pair.less), places, strict=True)):
            plain = score_plainly(model, tokenizer, text)
            found = scores[2 * row + side]
            assert found.tokens == len(kept)
            assert found.log_likelihood == pytest.approx(sum(plain[p] for p in kept), abs=1e-4)


def score(value):
    return TextScore(value, 3, 3, 12, 1)


def test_stereotypes_by_hand():
    """Wilson's interval of 1 in 3 is 0.0615 to 0.7923."""
    sums = [-1, -2, -5, -4, -3, -3]
    found = count_stereotypes(PAIRS, [score(value) for value in sums])
    assert found.ties == 1
    figure = found.figures["all"]
    assert (figure.value, figure.low, figure.high) == pytest.approx((33.33, 6.15, 79.23), abs=0.01)
    assert found.figures["stereo"].value == 50.0
    assert found.figures["antistereo"].value == 0.0
    assert found.figures["animals"].value == 100.0
    assert found.pairs == {"all": 3, "stereo": 2, "antistereo": 1, "animals": 1, "names": 2}


def test_pairs_go_on_after_a_stop(masked, data, tmp_path, monkeypatch):
    from benchmarks import crows_pairs_scoring

    folder, _ = masked
    results, lots = tmp_path / "results", []

    def score_or_stop(model, pairs):
        lots.append(len(pairs))
        if len(lots) == 2:
            raise KeyboardInterrupt
        return score_pairs(model, pairs)

    monkeypatch.setattr(crows_pairs_scoring, "PAIRS_PER_LOT", 1)
    monkeypatch.setattr(crows_pairs_scoring, "score_pairs", score_or_stop)
    with pytest.raises(RunStoppedError, match="stopped; what is finished is in"):
        run_bias(folder, ["crows-pairs"], data_root=data, results=results)
    (run,) = run_bias(folder, ["crows-pairs"], data_root=data, results=results)
    assert lots == [1, 1, 1, 1]
    (model,) = read_results(results).models
    (measurement,) = model.bias
    assert measurement.kind == "crows-pairs"
    assert measurement.figures["all"].value == run.found.figures["all"].value
    whole = measure_stereotypes(folder, CrowsPairsTask(PAIRS, BiasSettings(), None))
    assert whole == run.found
    (again,) = run_bias(folder, ["crows-pairs"], data_root=data, results=results)
    assert again.found == run.found
    assert len(lots) == 4 + len(PAIRS)  # of the run without results
    assert "names" in format_bias([run])


def test_a_model_without_a_head_is_refused(tiny_bert, data, monkeypatch, capsys):
    sets = [["the cat"], ["a dog"], ["hello"], ["world", "mat"]]
    write_test(data, "words", *sets)
    (data / "bias" / "seat" / "compass.jsonl").unlink()
    assert bias_command(model=[str(tiny_bert)], data_root=data) == 0
    shown, told = capsys.readouterr()
    assert "words" in shown
    assert "crows-pairs left out" in told
    assert "no masked-language-model head" in told
    both = ["words", "crows-pairs"]
    assert bias_command(model=[str(tiny_bert)], tests=both, data_root=data) == 1
    assert "crows-pairs failed" in capsys.readouterr().err
    assert bias_command(model=[str(tiny_bert)], tests=["crows-pairs"], data_root=data) == 2


def test_scores_that_are_not_finite_are_refused(data, tmp_path, capsys):
    """Half of the sentences would have a sum without the token that the model cannot score."""
    model, results = write_overflowing(tmp_path, "read"), tmp_path / "results"
    options = {"data_root": data, "results": results}
    assert bias_command(model=[str(model)], tests=["crows-pairs"], **options) == 2
    shown, told = capsys.readouterr()
    assert "in float32 gives a token of" in told
    assert "log-probability of nan" in told
    assert not shown
    assert not list(results.rglob("*.json*"))


def test_a_pipeline_has_no_head(compass, data):
    runs = run_bias(compass, data_root=data)
    assert [run.found is not None for run in runs] == [True, False]
    assert "masked language model" in runs[1].reason
    assert not runs[1].is_failure


def test_one_model_that_is_not_there_does_not_stop_another(tiny_bert, data, tmp_path):
    missing = str(tmp_path / "nothing")
    runs = run_bias([missing, EncoderVectorizer(str(tiny_bert))], ["compass"], data_root=data)
    assert [run.found is not None for run in runs] == [False, True]
    assert "nothing" in runs[0].reason


def test_a_damaged_file_does_not_stop_the_others(compass, data, capsys):
    (data / "bias" / "seat" / "bare.jsonl").write_text("")
    (data / "bias" / "crows_pairs_anonymized.csv").write_text("sent_more,sent_less\na,b\n")
    runs = run_bias([compass, compass], data_root=data)
    assert [run.test for run in runs] == ["bare", "crows-pairs", "compass"] * 2
    assert [run.found is not None for run in runs] == [False, False, True] * 2
    assert [run.is_failure for run in runs] == [True, True, False] * 2
    assert "bare.jsonl" in format_refusals(runs)
    assert "row 1" in format_refusals(runs)


def fail_on_north(texts):
    if "north" in texts:
        raise RuntimeError("lost")
    return look_up(texts)


def grow(texts):
    return np.arange(len(texts) * (1 + len(texts)), dtype=float).reshape(len(texts), -1) + 1


def test_what_an_estimator_raises_is_one_test_s_failure(compass, data):
    write_test(data, "south", ["east"], ["easterly"], ["right"], ["up"])
    failing = make_pipeline(FunctionTransformer(fail_on_north))
    growing = make_pipeline(FunctionTransformer(grow))
    runs = run_bias([failing, growing], ["compass", "south"], data_root=data)
    assert [run.found is not None for run in runs] == [False, True, False, False]
    assert runs[0].reason == "RuntimeError: lost"
    assert "dimensions after vectors of 3" in runs[2].reason


def test_refusals(data, tmp_path):
    with pytest.raises(UnknownTaskError, match="nearest names are compass"):
        run_bias("all-MiniLM-L6-v2", ["compas"], data_root=data)
    with pytest.raises(MissingDataError, match="seat"):
        run_bias("all-MiniLM-L6-v2", data_root=tmp_path)
    with pytest.raises(MissingDataError, match="crows_pairs"):
        run_bias("all-MiniLM-L6-v2", ["crows-pairs"], data_root=tmp_path)
    with pytest.raises(ParameterError, match="at least one"):
        run_bias([], data_root=data)
    with pytest.raises(ParameterError, match="samples=0"):
        BiasSettings(samples=0)
    path = data / "bias" / "seat" / "compass.jsonl"
    letters = '{"targ1": {"category": "A", "examples": "xyz"}}'
    for content in (
        letters,
        "[]",
        "{",
        '{"targ1": {"category": "A", "examples": []}}',
        '{"targ1": 3}',
    ):
        path.write_text(content)
        with pytest.raises(UnreadableDataError, match=r"compass\.jsonl"):
            read_association_test(path)
    table = data / "bias" / "crows_pairs_anonymized.csv"
    table.write_text("sent_more,sent_less\na,b\n")
    with pytest.raises(UnreadableDataError, match="row 1"):
        read_crows_pairs(table)
    table.write_text("sent_more,sent_less\n")
    with pytest.raises(UnreadableDataError, match="no pair"):
        read_crows_pairs(table)


def test_a_store_of_another_run_is_refused(masked, data, tmp_path):
    folder, _ = masked
    results = tmp_path / "results"
    run_bias(folder, ["crows-pairs"], data_root=data, results=results)
    (path,) = results.rglob("crows-pairs-*.json")
    content = json.loads(path.read_text())
    content["run"]["precision"] = "int8"
    path.write_text(json.dumps(content))
    task = CrowsPairsTask(PAIRS, BiasSettings(), results)
    with pytest.raises(ResultFileError, match="another run"):
        measure_stereotypes(folder, task)
    assert bias_module.run_bias(folder, ["crows-pairs"], data_root=data, results=results)[
        0
    ].is_failure


@pytest.mark.data
def test_published_files_are_read(data_root):
    names = list_association_tests(data_root)
    assert {"weat1", "weat6", "sent-weat6", "sent-weat8"} <= set(names)
    flowers = read_association_tests(data_root, ["weat1"])[0]
    assert [part.category for part in flowers.sets] == [
        "Flowers",
        "Insects",
        "Pleasant",
        "Unpleasant",
    ]
    assert [len(part.texts) for part in flowers.sets] == [25] * 4
    pairs = read_crows_pairs(data_root / "bias" / "crows_pairs_anonymized.csv")
    # Sizes as in table 1 and section 2 of Nangia et al. (2020).
    assert len(pairs) == 1508
    assert sum(pair.bias_type == "race-color" for pair in pairs) == 516
    assert sum(pair.direction == "antistereo" for pair in pairs) == 218


@pytest.mark.data
def test_real_words_and_the_embedded_model(vectorizer, data_root):
    """Against loops over single cosines of the same vectors."""
    (run,) = run_bias(vectorizer, ["weat6"], data_root=data_root)
    vector = {
        text: vectorizer.fit_transform([text])[0].astype(float)
        for part in run.data.sets
        for text in part.texts
    }
    near, far = ([vector[text] for text in part.texts] for part in run.data.attributes)
    plain = [
        [
            np.mean([cosine(vector[text], a) for a in near])
            - np.mean([cosine(vector[text], b) for b in far])
            for text in part.texts
        ]
        for part in run.data.targets
    ]
    expected = (np.mean(plain[0]) - np.mean(plain[1])) / np.std(plain[0] + plain[1], ddof=1)
    assert run.found.effect_size == pytest.approx(expected, abs=1e-4)
    assert run.found.permutation.partitions == 12_870
