"""Damaged files: what is wrong is not given back, and texts are encoded all the same."""

import json
import shutil

import numpy as np
import pytest

from skencoder import EmbeddingCache, EncoderVectorizer
from skencoder.cache.__main__ import main
from skencoder.errors import CacheWarning
from tests.cache.scripts import SPACE, rows_of, run

# Encodes the same texts with each of some folders as cache, in a process that may crash.
ENCODE = """
import json, sys, warnings
import numpy as np
from skencoder import EncoderVectorizer
from skencoder.errors import CacheWarning
model, texts, folders = json.load(open(sys.argv[1]))
expected = EncoderVectorizer(model, cache=None, precision="float32").fit_transform(texts)
for folder in folders:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vectorizer = EncoderVectorizer(model, cache=folder, precision="float32")
        vectors = [vectorizer.fit_transform(texts), vectorizer.transform(texts)]
    for found in vectors:
        np.testing.assert_allclose(found, expected, atol=1e-6)
    given = [str(w.message) for w in caught if issubclass(w.category, CacheWarning)]
    print(json.dumps([given, vectorizer._prepared.cache.stats().texts_encoded]), flush=True)
"""


@pytest.fixture(scope="module")
def texts(docs):
    return [text for text in docs.data if len(text.split()) < 25][:60]


@pytest.fixture(scope="module")
def whole(tiny_bert, texts, tmp_path_factory):
    """A folder with the vectors of all texts, written by a process that has ended."""
    folder = tmp_path_factory.mktemp("whole")
    given = encode_with(folder, tiny_bert, texts, [folder / "cache"])
    assert given == [([], 60)]
    return folder / "cache"


def encode_with(folder, model, texts, caches):
    """For each cache: its warnings, and how many texts were ever encoded for it."""
    (folder / "job.json").write_text(json.dumps([str(model), texts, [str(one) for one in caches]]))
    lines = run(folder, ENCODE, folder / "job.json").splitlines()
    return [tuple(json.loads(line)) for line in lines]


def copy(whole, folder):
    return shutil.copytree(whole, folder, ignore=shutil.ignore_patterns("*.lock"))


def find(data, vector):
    places, at = [], data.find(vector.tobytes())
    while at >= 0:
        places.append(at)
        at = data.find(vector.tobytes(), at + 1)
    return places


def damage(folder, vectors, byte):
    """Change one byte of the rows that hold these vectors."""
    content = bytearray((folder / "data.mdb").read_bytes())
    for vector in vectors:
        places = find(content, vector)
        assert places
        for place in places:
            # From the key's first byte to the checksum's last.
            start, stop = place - 24, place + vector.nbytes + 8
            content[start + byte % (stop - start)] ^= 0x40
    (folder / "data.mdb").write_bytes(content)


@pytest.mark.parametrize("byte", [0, 15, 16, 24, 25, 100, -1, -8])
def test_a_row_with_a_changed_byte_is_not_an_answer(tmp_path, byte):
    texts, vectors, lengths = rows_of(range(50))
    EmbeddingCache(tmp_path / "whole").put(SPACE, texts, vectors, lengths)
    copy(tmp_path / "whole", tmp_path / "cache")
    damage(tmp_path / "cache", vectors[[3, 30]], byte)
    cache = EmbeddingCache(tmp_path / "cache")
    with pytest.warns(CacheWarning, match="2 rows of the cache at .* are damaged") as caught:
        rows = cache.get(SPACE, texts, 64)
    assert len(caught) == 1
    assert np.flatnonzero(~rows.found).tolist() == [3, 30]
    assert np.array_equal(rows.vectors[rows.found], vectors[rows.found])
    assert cache.stats().damaged == 2
    cache.put(SPACE, texts, vectors, lengths)
    assert cache.get(SPACE, texts, 64).found.all()


def test_damaged_rows_are_encoded_again_and_verify_names_them(
    tmp_path, tiny_bert, texts, whole, capsys
):
    folder = copy(whole, tmp_path / "cache")
    assert main(["verify", str(folder)]) == 0
    assert "60 rows are whole, 0 damaged, 0 blocks unreadable" in capsys.readouterr().out
    plain = EncoderVectorizer(
        tiny_bert, cache=whole, normalize=False, precision="float32"
    ).fit_transform(texts)
    again = copy(whole, tmp_path / "damaged")
    damage(again, plain[[5, 50, 59]], 70)
    (found,) = encode_with(tmp_path, tiny_bert, texts, [again])
    assert len(found[0]) == 1
    assert "3 rows" in found[0][0]
    assert found[1] == 63
    assert main(["verify", str(again)]) == 1
    assert "60 rows are whole, 3 damaged" in capsys.readouterr().out


def test_a_damaged_header_of_a_block_hides_its_rows_only(tmp_path, capsys):
    cache = EmbeddingCache(tmp_path / "whole")
    for start in (0, 50):
        texts, vectors, lengths = rows_of(range(start, start + 50))
        cache.put(SPACE, texts, vectors, lengths)
    folder = copy(tmp_path / "whole", tmp_path / "cache")
    content = bytearray((folder / "data.mdb").read_bytes())
    # The width, before the first record of the second block.
    (at,) = find(content, vectors[0])
    content[at - 24 - 24] ^= 0x40
    (folder / "data.mdb").write_bytes(content)
    damaged = EmbeddingCache(folder)
    everything = [f"text {number}" for number in range(100)]
    assert damaged.get(SPACE, everything, 64).found.tolist() == [True] * 50 + [False] * 50
    assert main(["verify", str(folder)]) == 1
    assert "50 rows are whole, 0 damaged, 1 blocks unreadable" in capsys.readouterr().out
    damaged.put(SPACE, texts, vectors, lengths)
    assert damaged.get(SPACE, everything, 64).found.all()


HARMLESS = ("one page less", "one byte less")


def test_files_that_were_cut_short_or_are_something_else(tmp_path, tiny_bert, texts, whole):
    content = (whole / "data.mdb").read_bytes()
    contents = {
        "half": content[: len(content) // 2],
        "one page less": content[:-4096],
        "one byte less": content[:-1],
        "two pages": content[:8192],
        "one page": content[:4096],
        "hundred bytes": content[:100],
        "zeros": bytes(len(content)),
        "text": b"This is no cache.\n" * 1000,
        "one byte": b"x",
    }
    for name, changed in contents.items():
        copy(whole, tmp_path / name)
        (tmp_path / name / "data.mdb").write_bytes(changed)
    (tmp_path / "a file").write_text("not even a folder")
    names = [*contents, "a file"]
    found = encode_with(tmp_path, tiny_bert, texts, [tmp_path / name for name in names])
    for name, (given, n_encoded) in zip(names, found, strict=True):
        # Where only pages were lost that nothing refers to, nothing was lost.
        assert len(given) == 1 or (name in HARMLESS and n_encoded == 60), (name, given)
        assert all(str(tmp_path / name) in one for one in given)
        assert all("Texts are encoded" in one or "encoded again" in one for one in given)


def test_an_empty_file_is_a_new_cache(tmp_path, tiny_bert, texts):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "data.mdb").touch()
    assert encode_with(tmp_path, tiny_bert, texts, [tmp_path / "cache"]) == [([], 60)]


def test_missing_or_damaged_counters_change_no_vector(tmp_path, whole):
    contents = {"none": None, "short": b"x" * 100, "empty": b"", "full": b"\xff" * 2**15}
    texts, vectors, lengths = rows_of(range(10))
    for name, content in contents.items():
        counters = copy(whole, tmp_path / name) / "counters"
        counters.unlink()
        if content is not None:
            counters.write_bytes(content)
        cache = EmbeddingCache(tmp_path / name)
        cache.put(SPACE, texts, vectors, lengths)
        assert np.array_equal(cache.get(SPACE, texts, 64).vectors, vectors)
        assert cache.stats().rows == 70
