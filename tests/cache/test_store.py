"""Rows of a cache: found again, bounded, dropped oldest first, shared by threads."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from skencoder.cache import EmbeddingCache
from skencoder.errors import ParameterError
from tests.cache.scripts import FLOAT16, SPACE, rows_of

WIDTH = 64


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "cache")


def put(cache, numbers, space=SPACE, width=WIDTH):
    texts, vectors, lengths = rows_of(numbers, width)
    cache.put(space, texts, vectors, lengths)


def held(cache, numbers, space=SPACE, width=WIDTH):
    """Which rows are there; those must be right."""
    texts, vectors, lengths = rows_of(numbers, width)
    rows = cache.get(space, texts, width)
    expected = vectors.astype(cache.dtype).astype(np.float32)
    assert np.array_equal(rows.vectors[rows.found], expected[rows.found])
    assert np.array_equal(rows.lengths[rows.found], lengths[rows.found])
    return np.asarray(numbers)[rows.found].tolist()


def in_threads(*jobs):
    """Run functions at once; an error in any of them is raised here."""
    errors = []

    def guarded(job):
        try:
            job()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("width", [1, 3, 384])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_was_put_is_got_in_any_order_and_company(tmp_path, width, dtype):
    cache = EmbeddingCache(tmp_path / "cache", dtype=dtype)
    space = replace(SPACE, dtype=dtype)
    assert held(cache, range(20), space, width) == []
    put(cache, range(20), space, width)
    assert held(cache, range(20), space, width) == list(range(20))
    mixed = [7, 100, 3, 3, 19, 101]
    assert held(cache, mixed, space, width) == [7, 3, 3, 19]
    assert held(cache, [], space, width) == []


def test_what_is_got_may_be_changed(cache):
    put(cache, range(5))
    texts, _, _ = rows_of(range(5))
    rows = cache.get(SPACE, texts, WIDTH)
    rows.vectors[:] = 0
    assert held(cache, range(5)) == list(range(5))


def test_another_space_width_or_dtype_finds_nothing(cache, tmp_path):
    put(cache, range(5))
    assert held(cache, range(5), replace(SPACE, layer=5)) == []
    assert held(cache, range(5), width=32) == []
    half = EmbeddingCache(tmp_path / "cache", dtype="float16")
    assert held(half, range(5), FLOAT16) == []
    put(half, range(5), FLOAT16)
    assert held(half, range(5), FLOAT16) == held(cache, range(5)) == list(range(5))


def test_many_small_puts_are_one_cache(cache):
    for number in range(300):
        put(cache, [number])
    assert held(cache, range(310)) == list(range(300))
    assert cache.stats().rows == 300


def test_a_row_written_again_is_one_row_with_the_latest_vector(cache):
    texts, vectors, lengths = rows_of(range(10))
    cache.put(SPACE, texts, vectors + 1, lengths + 1)
    put(cache, range(5, 10))
    put(cache, range(5))
    assert held(cache, range(10)) == list(range(10))
    assert cache.stats().rows == 10


def test_a_row_written_again_outlives_its_first_copy(cache):
    put(cache, range(500))
    put(cache, range(500, 20_000))
    put(cache, range(10))
    cache.prune(cache.stats().bytes // 2)
    assert held(cache, range(10)) == list(range(10))
    assert held(cache, range(10, 500)) == []


def test_vectors_that_are_not_finite_are_not_kept(cache, tmp_path):
    texts, vectors, lengths = rows_of(range(4))
    vectors[1, 5], vectors[2, 0] = np.nan, 1e6
    cache.put(SPACE, texts, vectors, lengths)
    assert cache.get(SPACE, texts, WIDTH).found.tolist() == [True, False, True, True]
    half = EmbeddingCache(tmp_path / "cache", dtype="float16")
    half.put(FLOAT16, texts, vectors, lengths)
    assert half.get(FLOAT16, texts, WIDTH).found.tolist() == [True, False, False, True]


@pytest.mark.parametrize("at_once", [1, 37, 4000])
def test_max_bytes_drops_the_oldest_first(tmp_path, at_once):
    bound = 400_000
    cache = EmbeddingCache(tmp_path / "cache", max_bytes=bound)
    for start in range(0, 4000, at_once):
        if at_once > 1 or start < 1500:
            put(cache, range(start, start + at_once))
            assert cache.stats().bytes <= bound
    written = 1500 if at_once == 1 else start + at_once
    there = held(cache, range(written))
    assert there == list(range(written - len(there), written))
    # A single write of more than the bound may leave nothing; many smaller ones fill it.
    assert len(there) > 500 or at_once == 4000


def test_a_bound_below_one_row_still_answers(tmp_path):
    cache = EmbeddingCache(tmp_path / "cache", max_bytes=1)
    for _ in range(2):
        put(cache, range(10))
        assert held(cache, range(10)) in ([], [9])


def test_prune_gives_room_back_and_keeps_the_youngest(cache):
    for start in range(0, 20_000, 1000):
        put(cache, range(start, start + 1000))
    data = cache.folder / "data.mdb"
    before = data.stat().st_blocks
    cache.prune(cache.stats().bytes // 4)
    there = held(cache, range(20_000))
    assert there == list(range(20_000 - len(there), 20_000))
    assert 1000 < len(there) < 6000
    assert data.stat().st_blocks < before / 2
    assert sorted(path.name for path in cache.folder.iterdir() if path.is_dir()) == []
    put(cache, [0])
    assert held(cache, [0]) == [0]


def test_prune_to_nothing_and_clear_leave_a_working_cache(cache):
    for empty in (lambda: cache.prune(0), cache.clear):
        put(cache, range(2000))
        empty()
        assert cache.stats().rows == 0
        assert held(cache, range(2000)) == []
        put(cache, range(100))
        assert held(cache, range(2000)) == list(range(100))


@pytest.mark.parametrize("maintenance", ["clear", "prune"])
def test_reading_while_another_thread_clears_or_prunes(cache, maintenance):
    done = threading.Event()

    def write():
        for start in range(0, 9000, 300):
            put(cache, range(start, start + 300))
        done.set()

    def read():
        while not done.is_set():
            held(cache, range(0, 9000, 7))

    def maintain():
        while not done.is_set():
            cache.clear() if maintenance == "clear" else cache.prune(500_000)

    in_threads(write, read, read, maintain)
    cache.clear()
    put(cache, range(10))
    assert held(cache, range(10)) == list(range(10))


def test_threads_write_and_read_the_same_and_other_rows(cache):
    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(40):
            numbers = rng.integers(0, 1000, 30).tolist()
            put(cache, numbers)
            assert held(cache, numbers) == numbers

    in_threads(*(lambda seed=seed: work(seed) for seed in range(6)))


def test_two_names_of_one_folder_are_one_cache(tmp_path):
    (tmp_path / "other").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "below").mkdir()
    names = ["cache", "other/cache", "below/../cache"]
    caches = [EmbeddingCache(tmp_path / name) for name in names]
    for number, cache in enumerate(caches):
        put(cache, [number])
    for cache in caches:
        assert held(cache, range(5)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"path": ""}, "path must name a folder or be None; got ''"),
        ({"path": 3}, "path must name a folder"),
        ({"max_bytes": 0}, "max_bytes must be a positive integer or None; got 0"),
        ({"max_bytes": 1.5}, "max_bytes must be a positive integer"),
        ({"max_bytes": True}, "max_bytes must be a positive integer"),
        ({"dtype": "int8"}, "dtype must be one of float32, float16; got 'int8'"),
    ],
)
def test_parameters_that_cannot_be_used(parameters, message):
    with pytest.raises(ParameterError, match=message):
        EmbeddingCache(**parameters)


def test_prune_refuses_what_is_no_size(cache):
    for size in (-1, 1.5, "500M", None):
        with pytest.raises(ParameterError, match="max_bytes must be an integer from 0 on"):
            cache.prune(size)
