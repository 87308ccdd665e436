"""Packaging starts here; metadata and tool configuration stand in pyproject.toml.

Only what needs code is here: the folder ``benchmarks`` of the checkout is installed
as ``skencoder_benchmarks``, so that it never shadows a user's own ``benchmarks``.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["skencoder", "skencoder.*"]), "skencoder_benchmarks"],
    package_dir={"skencoder_benchmarks": "benchmarks"},
)
