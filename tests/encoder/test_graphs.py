"""Filled buckets give what plain batches give; recorded steps are kept, replayed and let go."""

import copy
import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skencoder.encoder import Boundaries, pool
from skencoder.encoder.buckets import FREE_PLACES, LEAST_LENGTH, Bucket
from skencoder.encoder.fused import fuse_for_gpu
from skencoder.encoder.graphs import BucketedEncoder
from skencoder.encoder.readout import Readout
from tests.encoder.gpu import on_gpu
from tests.encoder.test_fused import FAMILIES, make

LENGTHS = st.one_of(
    st.lists(st.integers(1, 512), min_size=1, max_size=60),
    st.lists(st.integers(1, 9), min_size=1, max_size=300),
    st.integers(1, 512).flatmap(lambda n: st.lists(st.just(n), min_size=1, max_size=40)),
)


@settings(max_examples=100, deadline=None)
@given(lengths=LENGTHS, limit=st.sampled_from([512, 513, 8192]))
def test_a_bucket_holds_its_batch_and_little_else(lengths, limit):
    bucket = Bucket.around(lengths, limit)
    places = len(lengths) * max(lengths)
    if bucket is None:
        # Only rounding up may add to what is empty already.
        assert places > 1.05 * sum(lengths) or max(lengths) < LEAST_LENGTH
        assert 3 * (places + max(lengths)) > FREE_PLACES
        return
    assert max(lengths) <= bucket.longest <= min(limit, max(LEAST_LENGTH, max(lengths) * 1.25))
    assert bucket.texts > len(lengths)
    assert bucket.texts * bucket.longest <= max(2 * sum(lengths), FREE_PLACES)
    added = bucket.texts - len(lengths)
    assert added <= bucket.tokens - sum(lengths) <= added * bucket.longest
    input_ids = torch.arange(1, sum(lengths) + 1)
    found, boundaries = bucket.unpack(bucket.pack(input_ids, lengths))
    assert torch.equal(found[: len(input_ids)], input_ids.int())
    assert not found[len(input_ids) :].any()
    counted = boundaries.lengths.tolist()
    assert counted[: len(lengths)] == lengths
    assert sum(counted) == bucket.tokens == len(found)
    assert len(counted) == bucket.texts
    assert min(counted) >= 1
    assert max(counted) <= boundaries.longest == bucket.longest
    expected = torch.cat([torch.arange(n) for n in counted])
    assert torch.equal(boundaries.position_ids().long(), expected)


def test_limits_of_a_few_tokens():
    for limit in (2, 3, 5):
        for count in (1, 2, 7, 50):
            bucket = Bucket.around([limit] * count, limit)
            assert bucket.longest == limit
            assert (
                max(
                    bucket.unpack(bucket.pack(torch.zeros(limit * count), [limit] * count))[
                        1
                    ].lengths
                )
                <= limit
            )
    # Texts of one token only: nothing could be filled.
    assert Bucket.around([1, 1], 1) is None


def test_few_buckets_serve_batches_of_one_budget():
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(8, 256, (20_000,), generator=generator).sort().values.tolist()
    batches, start = [], 0
    for end in range(len(lengths)):
        if sum(lengths[start : end + 1]) > 8192:
            batches.append(lengths[start:end])
            start = end
    buckets = [Bucket.around(batch, 512) for batch in batches]
    assert None not in buckets
    assert len(batches) > 250
    assert len(set(buckets)) < 60
    filled = sum(bucket.tokens for bucket in buckets) / sum(map(sum, batches))
    assert filled < 1.13


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("lengths", [[9, 9, 7, 2, 1], [1], [40] * 12, [200, 1, 1, *[3] * 90]])
@torch.no_grad()
def test_bucketed_equals_plain(family, lengths):
    plain = make(FAMILIES[family][0])
    input_ids, boundaries = torch.arange(sum(lengths)) % 50, Boundaries.from_lengths(lengths)
    readouts = [Readout(-1, ("mean", "max")), Readout(1, ("cls",)), Readout(-1, ("last",))]
    bucketed = BucketedEncoder(fuse_for_gpu(copy.deepcopy(plain)))
    found = bucketed.encode(input_ids, lengths, readouts)
    for vectors, readout in zip(found, readouts, strict=True):
        hidden_states = plain.forward_packed(input_ids, boundaries, layer=readout.layer)
        expected = pool(hidden_states, boundaries.cu_seqlens, readout.poolings)
        torch.testing.assert_close(vectors, expected, atol=5e-6, rtol=0)
    (alone,) = bucketed.encode(input_ids, lengths, readouts[:1])
    torch.testing.assert_close(alone, found[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [([], "needs 1 to 512"), ([2, 0], "needs 1 to 512"), ([513], r"got lengths \[513\]")],
)
def test_texts_that_do_not_fit_are_refused(lengths, message):
    with pytest.raises(ValueError, match=message):
        BucketedEncoder(fuse_for_gpu(make({}))).encode(
            torch.zeros(sum(lengths)), lengths, [Readout()]
        )


def test_an_encoder_of_plain_parts_is_refused():
    with pytest.raises(ValueError, match=r"call fuse_for_gpu\(encoder\) first"):
        BucketedEncoder(make({}))


class Recorder:
    """Stands for CUDA graphs: a recorded step sees its own copy of the input and nothing else."""

    def __init__(self):
        self.recorded, self.replayed = 0, 0

    def __call__(self, step, packed):
        self.recorded += 1
        static = packed.clone()

        def replay(packed):
            self.replayed += 1
            static.copy_(packed)
            return step(static)

        return replay


def ids(lengths, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 50, (sum(lengths),), generator=generator)


def test_a_shape_is_recorded_when_it_comes_again():
    encoder, recorder = fuse_for_gpu(make({})), Recorder()
    bucketed, eager = BucketedEncoder(encoder, capture=recorder), BucketedEncoder(encoder)
    # Four batches of one bucket, each with lengths and ids of its own.
    batches = [[5, 4, 3], [5, 5, 2], [6, 3, 3], [4, 4, 4]]
    assert len({Bucket.around(lengths, 512) for lengths in batches}) == 1
    counts = []
    for seed, lengths in enumerate(batches):
        (found,) = bucketed.encode(ids(lengths, seed), lengths, [Readout()])
        (expected,) = eager.encode(ids(lengths, seed), lengths, [Readout()])
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
        counts.append((recorder.recorded, recorder.replayed))
    assert counts == [(0, 0), (1, 1), (1, 2), (1, 3)]
    # What is read out belongs to the shape.
    bucketed.encode(ids(batches[0]), batches[0], [Readout(0)])
    assert recorder.recorded == 1
    bucketed.encode(ids(batches[0]), batches[0], [Readout(0)])
    assert recorder.recorded == 2


def test_the_graph_used_longest_ago_goes_first():
    recorder = Recorder()
    bucketed = BucketedEncoder(fuse_for_gpu(make({})), most_graphs=2, capture=recorder)

    def encode(length):
        before = recorder.recorded, recorder.replayed
        bucketed.encode(ids([length]), [length], [Readout()])
        return recorder.recorded - before[0], recorder.replayed - before[1]

    first, second, third = 20, 100, 300
    for length in (first, second):
        assert [encode(length), encode(length)] == [(0, 0), (1, 1)]
    assert encode(first) == (0, 1)
    assert [encode(third), encode(third)] == [(0, 0), (1, 1)]
    assert encode(first) == (0, 1)
    # The second one went, and is new again.
    assert [encode(second), encode(second)] == [(0, 0), (1, 1)]


def test_what_cannot_be_recorded_is_computed_and_said_once(recwarn):
    def capture(step, packed):
        raise RuntimeError("operation not permitted when stream is capturing")

    encoder = fuse_for_gpu(make({}))
    bucketed = BucketedEncoder(encoder, capture=capture)
    expected = BucketedEncoder(encoder).encode(ids([4, 4]), [4, 4], [Readout()])
    for _ in range(4):
        assert torch.equal(bucketed.encode(ids([4, 4]), [4, 4], [Readout()])[0], expected[0])
    assert [str(w.message) for w in recwarn] == [
        f"This encoder goes on without CUDA graphs, with the same results; recording "
        f"{Bucket.around([4, 4], 512)} failed: operation not permitted when stream is capturing"
    ]


def test_graphs_give_their_memory_back_when_it_is_missing(monkeypatch):
    encoder, recorder = fuse_for_gpu(make({})), Recorder()
    bucketed = BucketedEncoder(encoder, capture=recorder)
    for _ in range(2):
        bucketed.encode(ids([5, 4]), [5, 4], [Readout()])
    (expected,) = BucketedEncoder(encoder).encode(ids([40, 40]), [40, 40], [Readout()])
    forward = encoder.forward_packed

    def fits_once_the_graphs_are_gone(*arguments, **options):
        if bucketed._graphs:
            raise torch.OutOfMemoryError
        return forward(*arguments, **options)

    monkeypatch.setattr(encoder, "forward_packed", fits_once_the_graphs_are_gone)
    (found,) = bucketed.encode(ids([40, 40]), [40, 40], [Readout()])
    torch.testing.assert_close(found, expected)

    def never_fits(*arguments, **options):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(encoder, "forward_packed", never_fits)
    with pytest.raises(torch.OutOfMemoryError):
        bucketed.encode(ids([40, 40]), [40, 40], [Readout()])


def test_threads_take_turns():
    encoder = fuse_for_gpu(make({}))
    bucketed = BucketedEncoder(encoder, capture=Recorder())
    lengths = [5, 4, 3]
    expected = [
        BucketedEncoder(encoder).encode(ids(lengths, n), lengths, [Readout()])[0] for n in range(8)
    ]
    wrong = []

    def work(seed):
        for _ in range(10):
            (found,) = bucketed.encode(ids(lengths, seed), lengths, [Readout()])
            if not torch.allclose(found, expected[seed], atol=1e-6):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@on_gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_graphs_on_a_gpu(family, dtype, recwarn):
    encoder = fuse_for_gpu(make(FAMILIES[family][0]).to("cuda", dtype))
    graphs = BucketedEncoder(encoder, most_graphs=2)
    eager = BucketedEncoder(encoder)
    eager._capture = None
    readouts = [Readout(), Readout(1, ("cls", "max"), 1)]
    kept = []
    for seed in range(12):
        lengths = [[5, 4, 3], [60, 60, 50], [200, 3], [512, 400]][seed % 4 if seed > 5 else 0]
        found = graphs.encode(ids(lengths, seed), lengths, readouts)
        kept.append((found, eager.encode(ids(lengths, seed), lengths, readouts)))
    assert bool(graphs._graphs) is (family != "alibi")
    assert not [w for w in recwarn if "CUDA graphs" in str(w.message)]
    # Looked at last: a later replay must not write over what was given before.
    for found, expected in kept:
        for ours, theirs in zip(found, expected, strict=True):
            # A graph's matrix products may be split in another way.
            near = {torch.float32: 1e-4, torch.float16: 5e-3, torch.bfloat16: 5e-2}[dtype]
            torch.testing.assert_close(ours, theirs, atol=near, rtol=0)


@on_gpu
def test_encoding_does_not_wait_for_a_gpu():
    bucketed = BucketedEncoder(fuse_for_gpu(make({}).to("cuda", torch.float16)))
    for _ in range(3):
        bucketed.encode(ids([9, 8]), [9, 8], [Readout()])
    torch.cuda.set_sync_debug_mode("error")
    try:
        bucketed.encode(ids([9, 8]), [9, 8], [Readout()])
    finally:
        torch.cuda.set_sync_debug_mode("default")
