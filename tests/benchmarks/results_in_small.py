"""Writes small results folders in the form of real ones, for tests of what reads them."""

import json

import numpy as np

MACHINE = {"cpu": "Test CPU", "cores": 2, "threads": 2, "gpu": None, "system": "Linux x86_64"}


def write_task(place, task, rows, *, revision="data-1"):
    """Write mteb's file of scores; rows are (split, subset, score)."""
    scores = {}
    for split, subset, score in rows:
        entry = {"main_score": score, "hf_subset": subset, "languages": ["eng-Latn"]}
        scores.setdefault(split, []).append(entry)
    content = {
        "dataset_revision": revision,
        "task_name": task,
        "mteb_version": "2.26.24",
        "scores": scores,
        "evaluation_time": 1.5,
        "kg_co2_emissions": None,
    }
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{task}.json").write_text(json.dumps(content))


def write_examples(place, task, sets):
    """Write examples; sets are dictionaries without metric and data revision."""
    folder = place / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    content = {"task": task, "metric": "main", "data_revision": "data-1", "sets": sets}
    (folder / f"{task}.json").write_text(json.dumps(content))


def mean_set(values, split="test", subset="default"):
    """A set of examples whose mean is the score."""
    return {
        "split": split,
        "subset": subset,
        "statistic": "mean",
        "score": float(np.mean(values)),
        "ids": [str(row) for row in range(len(values))],
        "values": [float(value) for value in values],
    }


def write_meta(place, name, *, settings=None, parameters=1_000_000):
    """Write mteb's record of a model, as far as it is read."""
    place.mkdir(parents=True, exist_ok=True)
    content = {
        "name": name,
        "revision": "f" * 12,
        "n_parameters": parameters,
        "experiment_kwargs": settings,
    }
    (place / "model_meta.json").write_text(json.dumps(content))


def write_run(place, task, *, texts=100, seconds=2.0, machine=None, **settings):
    """Add a line to the file of runs."""
    entry = {
        "task": task,
        "settings": {"precision": "float32", "cache": "None"} | settings,
        "evaluation_seconds": 3.0,
        "encoding": [
            {
                "split": "test",
                "subset": "default",
                "n_texts": texts,
                "n_truncated": 0,
                "seconds": seconds,
            }
        ],
        "versions": {"mteb": "2.26.24"},
        "machine": machine or MACHINE,
    }
    place.mkdir(parents=True, exist_ok=True)
    with (place / "skencoder_runs.jsonl").open("a") as stream:
        stream.write(json.dumps(entry) + "\n")


def write_model(folder, name, values_by_task, *, settings=None, parameters=1_000_000, seconds=2.0):
    """Write a model with a mean of values on the test split of each task, and its runs."""
    place = folder / "results" / name.replace("/", "__") / ("f" * 12)
    if settings:
        place = place / "experiments" / "_".join(f"{k}_{v}" for k, v in settings.items())
    write_meta(place, name, settings=settings, parameters=parameters)
    for task, values in values_by_task.items():
        write_task(place, task, [("test", "default", float(np.mean(values)))])
        write_examples(place, task, [mean_set(values)])
        write_run(place, task, texts=len(values), seconds=seconds)
    return place
