"""``python -m skencoder.cache info|prune|verify PATH``: look at a cache, shrink it, check it."""

import argparse
import re
import sys
from pathlib import Path

import lmdb

from skencoder.cache.environment import DATA_FILE
from skencoder.cache.report import inspect
from skencoder.cache.store import open_folder

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the process if not given.

    Returns
    -------
    int
        0 if all is well, 1 if the cache is damaged, 2 if there is none.
    """
    parsed = _parser().parse_args(arguments)
    data = parsed.path / DATA_FILE
    if not data.is_file():
        print(f"{parsed.path} holds no cache: there is no {DATA_FILE} in it.", file=sys.stderr)
        return 2
    try:
        return int(parsed.run(parsed))
    except (lmdb.Error, OSError) as error:
        print(f"The cache at {parsed.path} cannot be read: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m skencoder.cache", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, text in (
        ("info", _info, "what a cache holds"),
        ("prune", _prune, "drop the oldest rows and give their room back"),
        ("verify", _verify, "read every row and check it; 1 if something is damaged"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("path", type=Path, help="the cache's folder")
        command.set_defaults(run=run)
        if name == "prune":
            command.add_argument(
                "--max-bytes", type=_size, required=True, help="what may remain: 500M, 2G, ..."
            )
    return parser


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip().upper())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 1000000, 500M or 2G.")
    return int(float(found[1]) * UNITS[found[2]])


def _info(parsed: argparse.Namespace) -> int:
    folder = open_folder(parsed.path.resolve(), durable=True, read_only=True)
    rows, used = folder.store.size()
    print(f"{rows:,} rows, {used:,} bytes in use, {_on_disk(parsed.path):,} on disk")
    for name, number in folder.counters.total().items():
        print(f"{name.replace('_', ' ')}: {number:,}")
    for described, number in inspect(folder.store).spaces.items():
        print(f"{number:,} rows: {described}")
    return 0


def _prune(parsed: argparse.Namespace) -> int:
    store = open_folder(parsed.path.resolve(), durable=True).store
    before = store.size()
    store.prune(parsed.max_bytes)
    after = store.size()
    print(
        f"{before[0] - after[0]:,} rows dropped; {after[0]:,} rows, {after[1]:,} bytes in use, "
        f"{_on_disk(parsed.path):,} on disk"
    )
    return 0


def _verify(parsed: argparse.Namespace) -> int:
    condition = inspect(open_folder(parsed.path.resolve(), durable=True, read_only=True).store)
    print(
        f"{condition.whole:,} rows are whole, {condition.damaged:,} damaged, "
        f"{condition.unreadable:,} blocks unreadable"
    )
    return 0 if condition.is_sound else 1


def _on_disk(path: Path) -> int:
    status = (path / DATA_FILE).stat()
    # Not every system counts blocks.
    return getattr(status, "st_blocks", status.st_size // 512) * 512


if __name__ == "__main__":
    sys.exit(main())
