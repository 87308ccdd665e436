"""Every public docstring is whole numpydoc, and every example in one runs."""

import doctest
import inspect
import pkgutil
from importlib import import_module

import pytest
from numpydoc.validate import validate

# Sections that not every function needs, and rules that know no dataclass or property.
NOT_ASKED_FOR = {
    "EX01",  # no example
    "SA01",  # no See Also
    "ES01",  # no extended summary
    "GL08",  # no docstring: ruff asks for those where they are due
    "SS05",  # takes a noun's plural for a verb
    "PR06",  # str and int are the words used
    "RT02",  # "float32 of shape (n,)" names a type, not a variable
    "SA04",
    "YD01",
}


def modules():
    for package in ("skencoder", "benchmarks"):
        root = import_module(package)
        yield package
        yield from (m.name for m in pkgutil.walk_packages(root.__path__, f"{package}."))


MODULES = sorted(name for name in modules() if not name.endswith("__main__"))
# What cannot be loaded without a package that is not always there.
NEEDS = {
    f"skencoder.encoder.kernels.{name}": "triton"
    for name in ("pooling", "row_norms", "short_attention")
}


def load(module):
    if module in NEEDS:
        pytest.importorskip(NEEDS[module])
    return import_module(module)


def public_names(module):
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        # A protocol's own parameters are typing's; it is called by nobody.
        if inspect.isroutine(value) or (
            inspect.isclass(value) and not getattr(value, "_is_protocol", False)
        ):
            yield name
        if inspect.isclass(value):
            yield from (
                f"{name}.{member}"
                for member, function in vars(value).items()
                if not member.startswith("_") and isinstance(function, FUNCTIONS)
            )


FUNCTIONS = (type(public_names), property, classmethod, staticmethod)


@pytest.mark.parametrize("module", MODULES)
def test_docstrings_are_whole(module):
    problems = [
        f"{module}.{name}: {code} {text}"
        for name in public_names(load(module))
        for code, text in validate(f"{module}.{name}")["errors"]
        if code not in NOT_ASKED_FOR
    ]
    assert not problems


def test_the_check_finds_something():
    """A wrong docstring, as this test's own, does not pass."""
    codes = {code for code, _ in validate(f"{__name__}.misleading")["errors"]}
    assert {"PR01", "PR02"} <= codes


def misleading(x):
    """Do one thing.

    Parameters
    ----------
    y : int
        Not there.
    """
    return x


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_run(module):
    results = doctest.testmod(load(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0


def test_the_public_classes_have_examples():
    finder = doctest.DocTestFinder(recurse=False)
    for module, name in (
        ("skencoder.estimators", "EncoderVectorizer"),
        ("skencoder.estimators", "EncoderRetriever"),
        ("skencoder.estimators", "FixedCorpusRetriever"),
        ("skencoder.estimators", "Corpus"),
        ("skencoder.text_encoder", "TextEncoder"),
        ("skencoder.encoder", "Encoder"),
        ("skencoder.checkpoints", "load_checkpoint"),
        ("skencoder.datasets", "load_python_docs"),
        ("skencoder.datasets", "load_text_csv"),
    ):
        (test,) = finder.find(getattr(import_module(module), name))
        assert test.examples, name
