import pytest

from benchmarks.errors import UnknownTaskError
from benchmarks.mteb_tasks import make_task


@pytest.mark.parametrize("typo", ["STSBenchmrk", "stsbenchmark", "STS-Bench"])
def test_an_unknown_task_shows_the_nearest_names(typo):
    with pytest.raises(UnknownTaskError, match=r"STSBenchmark\b") as caught:
        make_task(typo)

    assert typo in str(caught.value)


def test_subsets_narrow_a_task_that_has_several_and_leave_others_whole():
    assert make_task("XQuADRetrieval", subsets=["en", "de"]).hf_subsets == ["de", "en"]
    assert make_task("STSBenchmark", subsets=["en", "de"]).hf_subsets == ["default"]


def test_an_unknown_subset_shows_the_nearest_names():
    with pytest.raises(UnknownTaskError, match=r"'deu-en'.*deu-eng"):
        make_task("Tatoeba", subsets=["deu-en"])


def test_a_task_made_anew_is_not_narrowed():
    make_task("XQuADRetrieval", subsets=["en"])

    assert len(make_task("XQuADRetrieval").hf_subsets) > 1
