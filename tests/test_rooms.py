"""The house's rules: who may import whom, what is loaded when, what is written where."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]

# A room may import itself, the rooms named here, and nothing else of ours.
ROOMS = {
    "skencoder.errors": set(),
    "skencoder.encoding_options": {"skencoder.errors"},
    "skencoder.encoder.kernels": set(),
    "skencoder.encoder": {"skencoder.encoder.kernels"},
    "skencoder.files": {"skencoder.errors"},
    "skencoder.static_files": {"skencoder.files"},
    "skencoder.checkpoint_files": {
        "skencoder.errors",
        "skencoder.files",
        "skencoder.static_files",
    },
    "skencoder.checkpoints": {
        "skencoder.checkpoint_files",
        "skencoder.encoder",
        "skencoder.errors",
        "skencoder.files",
        "skencoder.static_files",
    },
    "skencoder.tokenizer_files": {
        "skencoder.errors",
        "skencoder.files",
        "skencoder.static_files",
    },
    "skencoder.frames": set(),
    "skencoder.text_checks": {"skencoder.errors", "skencoder.frames"},
    "skencoder.model_source": set(),
    "skencoder.parameter_checks": {"skencoder.errors"},
    "skencoder.sentences": {"skencoder.errors", "skencoder.text_checks"},
    "skencoder.summarization": {"skencoder.errors", "skencoder.parameter_checks"},
    "skencoder.thresholds": {"skencoder.errors", "skencoder.parameter_checks"},
    "skencoder.bitext": {
        "skencoder.encoding_options",
        "skencoder.errors",
        "skencoder.indexes",
    },
    "skencoder.token_vectors": {
        "skencoder.encoder",
        "skencoder.encoding_options",
        "skencoder.errors",
        "skencoder.text_checks",
        "skencoder.text_encoder",
        "skencoder.tokenization",
    },
    "skencoder.word_alignment": {
        "skencoder.bitext",
        "skencoder.encoding_options",
        "skencoder.errors",
        "skencoder.sentences",
        "skencoder.text_checks",
        "skencoder.text_encoder",
        "skencoder.token_vectors",
    },
    "skencoder.tokenization": {
        "skencoder.errors",
        "skencoder.fork_lock",
        "skencoder.frames",
        "skencoder.text_checks",
        "skencoder.tokenizer_files",
    },
    "skencoder.batching": set(),
    "skencoder.devices": {"skencoder.encoder", "skencoder.errors"},
    "skencoder.encoding_plan": {
        "skencoder.checkpoint_files",
        "skencoder.encoding_options",
        "skencoder.errors",
    },
    "skencoder.vocabulary": {
        "skencoder.checkpoints",
        "skencoder.errors",
        "skencoder.tokenization",
    },
    "skencoder.engines": {
        "skencoder.checkpoints",
        "skencoder.devices",
        "skencoder.encoder",
        "skencoder.errors",
    },
    "skencoder.work_sharing": {
        "skencoder.batching",
        "skencoder.encoder",
        "skencoder.engines",
        "skencoder.errors",
        "skencoder.tokenization",
    },
    "skencoder.encoding_pass": {
        "skencoder.batching",
        "skencoder.devices",
        "skencoder.encoder",
        "skencoder.encoding_plan",
        "skencoder.engines",
        "skencoder.errors",
        "skencoder.tokenization",
        "skencoder.work_sharing",
    },
    "skencoder.text_encoder": {
        "skencoder.batching",
        "skencoder.checkpoint_files",
        "skencoder.checkpoints",
        "skencoder.devices",
        "skencoder.encoder",
        "skencoder.encoding_options",
        "skencoder.encoding_pass",
        "skencoder.encoding_plan",
        "skencoder.engines",
        "skencoder.errors",
        "skencoder.model_source",
        "skencoder.text_checks",
        "skencoder.tokenization",
        "skencoder.vocabulary",
    },
    "skencoder.pseudo_likelihood": {
        "skencoder.batching",
        "skencoder.checkpoint_files",
        "skencoder.checkpoints",
        "skencoder.devices",
        "skencoder.encoder",
        "skencoder.engines",
        "skencoder.errors",
        "skencoder.files",
        "skencoder.text_checks",
        "skencoder.tokenization",
        "skencoder.vocabulary",
        "skencoder.work_sharing",
    },
    "skencoder.distillation": {
        "skencoder.checkpoint_files",
        "skencoder.checkpoints",
        "skencoder.encoder",
        "skencoder.encoding_options",
        "skencoder.encoding_plan",
        "skencoder.errors",
        "skencoder.session",
        "skencoder.text_checks",
        "skencoder.text_encoder",
        "skencoder.tokenizer_files",
    },
    "skencoder.training": {
        "skencoder.batching",
        "skencoder.checkpoint_files",
        "skencoder.checkpoints",
        "skencoder.devices",
        "skencoder.encoder",
        "skencoder.encoding_options",
        "skencoder.encoding_plan",
        "skencoder.errors",
        "skencoder.files",
        "skencoder.fork_lock",
        "skencoder.parameter_checks",
        "skencoder.text_checks",
        "skencoder.tokenization",
    },
    "skencoder.objectives": {
        "skencoder.checkpoints",
        "skencoder.distillation",
        "skencoder.encoder",
        "skencoder.encoding_options",
        "skencoder.errors",
        "skencoder.frames",
        "skencoder.parameter_checks",
        "skencoder.pseudo_likelihood",
        "skencoder.text_encoder",
        "skencoder.tokenization",
        "skencoder.training",
    },
    "skencoder.fork_lock": set(),
    "skencoder.session": {"skencoder.fork_lock"},
    "skencoder.cache": {
        "skencoder.errors",
        "skencoder.fork_lock",
        "skencoder.frames",
        "skencoder.session",
    },
    "skencoder.encode_once": {
        "skencoder.cache",
        "skencoder.checkpoint_files",
        "skencoder.devices",
        "skencoder.encoding_plan",
        "skencoder.errors",
        "skencoder.fork_lock",
        "skencoder.frames",
        "skencoder.model_source",
        "skencoder.session",
        "skencoder.text_checks",
        "skencoder.text_encoder",
        "skencoder.tokenization",
    },
    "skencoder.estimators": {
        "skencoder.bitext",
        "skencoder.cache",
        "skencoder.checkpoint_files",
        "skencoder.checkpoints",
        "skencoder.encode_once",
        "skencoder.encoder",
        "skencoder.encoding_options",
        "skencoder.encoding_plan",
        "skencoder.errors",
        "skencoder.files",
        "skencoder.frames",
        "skencoder.indexes",
        "skencoder.listed_files",
        "skencoder.metrics",
        "skencoder.model_source",
        "skencoder.objectives",
        "skencoder.parameter_checks",
        "skencoder.pseudo_likelihood",
        "skencoder.retrieval",
        "skencoder.sentences",
        "skencoder.session",
        "skencoder.summarization",
        "skencoder.text_checks",
        "skencoder.text_encoder",
        "skencoder.thresholds",
        "skencoder.training",
    },
    "skencoder.plotting": {
        "skencoder.errors",
        "skencoder.estimators",
        "skencoder.parameter_checks",
    },
    "skencoder.testing": set(),
    "skencoder.datasets": {"skencoder.errors"},
    "skencoder.indexes": {"skencoder.errors", "skencoder.files", "skencoder.listed_files"},
    "skencoder.listed_files": {"skencoder.errors", "skencoder.files"},
    "skencoder.metrics": {"skencoder.errors"},
    "skencoder.retrieval": {"skencoder.errors"},
}
# What a room may use from elsewhere where the answer is not "anything installed with us".
OUTSIDE = {
    "skencoder.encoder": {"torch"},
    "skencoder.encoder.kernels": {"torch", "triton"},
    "skencoder.batching": {"numpy"},
    "skencoder.session": {"filelock"},
    "skencoder.cache": {"filelock", "lmdb", "numpy"},
    "skencoder.metrics": {"numpy"},
    "skencoder.retrieval": {"numpy"},
    "skencoder.testing": {"numpy", "pytest", "scipy", "sklearn"},
}
BASE_CLASSES = ("sklearn.base",)
PUBLIC = {
    "skencoder",
    "skencoder.bitext",
    "skencoder.cache",
    "skencoder.checkpoints",
    "skencoder.datasets",
    "skencoder.encoder",
    "skencoder.errors",
    "skencoder.indexes",
    "skencoder.metrics",
    "skencoder.objectives",
    "skencoder.plotting",
    "skencoder.pseudo_likelihood",
    "skencoder.retrieval",
    "skencoder.sentences",
    "skencoder.summarization",
    "skencoder.testing",
    "skencoder.thresholds",
}


def imported_modules(path):
    """Every module a file imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def room_of(module):
    # A room within a room is the longer name.
    rooms = [r for r in ROOMS if module == r or module.startswith(f"{r}.")]
    return max(rooms, key=len, default=module)


def files_of(room):
    base = REPOSITORY.joinpath(*room.split("."))
    inner = {REPOSITORY.joinpath(*r.split(".")) for r in ROOMS if r.startswith(f"{room}.")}
    files = [file for file in sorted(base.rglob("*.py")) if not inner & {*file.parents}]
    return files or [base.with_suffix(".py")]


def test_every_file_stands_in_a_room():
    files = set((REPOSITORY / "skencoder").rglob("*.py")) - {REPOSITORY / "skencoder/__init__.py"}
    assert files == {file for room in ROOMS for file in files_of(room)}


@pytest.mark.parametrize("room", ROOMS)
def test_data_flows_one_way(room):
    wrong = [
        f"{file.relative_to(REPOSITORY)} imports {module}"
        for file in files_of(room)
        for module in imported_modules(file)
        if module.split(".")[0] in ("skencoder", "benchmarks", "skencoder_benchmarks")
        and room_of(module) not in ROOMS[room] | {room}
    ]
    assert not wrong


def test_no_two_rooms_import_each_other():
    def reach(room, seen):
        for other in ROOMS[room] - seen:
            seen.add(other)
            reach(other, seen)
        return seen

    assert not [room for room in ROOMS if room in reach(room, set())]


@pytest.mark.parametrize("room", OUTSIDE)
def test_narrow_rooms_use_little_from_outside(room):
    used = {
        module.split(".")[0] for file in files_of(room) for module in imported_modules(file)
    } - set(sys.stdlib_module_names)
    assert used <= OUTSIDE[room] | {"skencoder"}


def test_only_what_has_parameters_knows_scikit_learn_s_base_classes():
    knowing = {
        room
        for room in ROOMS
        for file in files_of(room)
        for module in imported_modules(file)
        if module.startswith(BASE_CLASSES)
    }
    assert knowing == {"skencoder.estimators", "skencoder.objectives"}


@pytest.mark.parametrize("folder", ["benchmarks", "examples"])
def test_outside_the_package_only_public_names_are_used(folder):
    wrong = [
        f"{file.relative_to(REPOSITORY)} imports {module}"
        for file in (REPOSITORY / folder).rglob("*.py")
        for module in imported_modules(file)
        if module.split(".")[0] == "skencoder" and module not in PUBLIC
    ]
    assert not wrong


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    ).stdout


@pytest.mark.parametrize(
    "code",
    [
        "import skencoder",
        "import skencoder; dir(skencoder); skencoder.__version__",
        "from skencoder import EncoderVectorizer; EncoderVectorizer().get_params()",
        "from skencoder.datasets import load_python_docs",
        "from skencoder import EncodingOptions; EncodingOptions()",
        "from skencoder import EncoderRetriever; EncoderRetriever().get_params()",
        "from skencoder import EncoderClassifier; EncoderClassifier().get_params()",
        "import skencoder.metrics, skencoder.retrieval",
    ],
)
def test_torch_is_not_loaded_before_it_is_needed(code):
    assert run(f"import sys; {code}; print('torch' in sys.modules)").strip() == "False"


def test_import_is_quick():
    # The best of five: the machine may be busy, the package is not slower for it.
    code = "import time; t = time.perf_counter(); import skencoder; print(time.perf_counter() - t)"
    assert min(float(run(code)) for _ in range(5)) < 0.3


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="'skencoder' has no attribute 'Nothing'"):
        getattr(import_module("skencoder"), "Nothing")  # noqa: B009 - asked for by name
