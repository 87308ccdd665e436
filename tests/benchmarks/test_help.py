"""Every command's help: says what it does, and something of each option; read in this process."""

import re
from pathlib import Path

import pytest

from benchmarks.cli import app

ROOT = Path(__file__).parents[2]
COMMANDS = [name for name in app if not name.startswith("-")]
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]


def shown_help(capsys, *command):
    app([*command, "--help"], result_action="return_value")
    return capsys.readouterr().out


def test_the_app_s_help_has_a_line_for_each_command(capsys):
    shown = shown_help(capsys)
    listed = re.findall(r"^│ ([a-z-]+) +[A-Z]", shown, re.MULTILINE)
    assert listed == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_does_and_what_each_option_is(command, capsys):
    shown = shown_help(capsys, command)
    usage, _, first, *_ = shown.splitlines()
    assert usage.startswith("Usage: ")
    assert command in usage
    assert re.match(r"[A-Z].* .* ", first)
    arguments = app[command].assemble_argument_collection(parse_docstring=True)
    # A group of settings is shown as the options it is made of.
    options = [argument for argument in arguments if argument.show]
    assert options
    for option in options:
        assert option.name in shown
        assert option.parameter.help, f"nothing is said of {option.name}"
    # Fields of a docstring, and its marks, are not for a user's eyes.
    assert not re.search(r"Returns\n|Raises\n|----|``|:param", shown)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_shows_how_a_command_is_called(command):
    called = re.compile(rf"(python -m benchmarks|skencoder-bench) {command}\b(?!-)")
    assert any(called.search(page.read_text()) for page in PAGES)
