"""Reports: what is in them, nothing that could run, and the page in a real browser.

Screenshots go to the folder that SKENCODER_TEST_ARTIFACTS names, else to the test's own.
"""

import json
import os
import re
import shlex
import shutil
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchmarks.cli import app, main
from benchmarks.command_report import report_command
from benchmarks.compare_settings import CompareSettings
from benchmarks.errors import MissingDataError, ResultFileError
from benchmarks.pareto_plot import ParetoPanel, ParetoPoint
from benchmarks.report import run_report
from benchmarks.report_content import Cell, Report, Section, Table, number, words
from benchmarks.report_html import render_html
from benchmarks.report_pareto import draw_pareto
from benchmarks.report_plots import Bar, draw_intervals
from benchmarks.report_svg import element, log_ticks, shorten, ticks
from benchmarks.report_text import to_latex, to_markdown
from benchmarks.speed_file import read_speed
from benchmarks.speed_report import EngineMemory, GemmSpeed, SetSpeed, SpeedReport
from benchmarks.speed_settings import SpeedSettings
from benchmarks.speed_statistics import EngineSpeed, Rounds
from skencoder.errors import ParameterError
from tests.benchmarks.results_in_small import MACHINE, write_meta, write_model, write_run

EVIL = "local/<script>document.title='run'</script>&\"'|_$%"
TASKS = ("Banking77Classification", "STSBenchmark", "NFCorpus", "SIB200Classification")
BROWSERS = ("chromium", "google-chrome", "chromium-browser")
VOID = {"meta", "link", "br", "hr", "img", "input"}


def values(mean):
    return [1.0] * round(mean * 200) + [0.0] * (200 - round(mean * 200))


def write_measurement(place, part, name, content):
    (place / part).mkdir(parents=True, exist_ok=True)
    shared = {"machine": MACHINE, "versions": {"torch": "2.9", "numpy": None}}
    (place / part / f"{name}.json").write_text(json.dumps(shared | content))


def figures(**found):
    return {name: dict(zip(("value", "low", "high"), v, strict=True)) for name, v in found.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three models on four tasks, one with a name that would run; perplexity and bias of one."""
    root = tmp_path_factory.mktemp("some results")
    means = {
        "sentence-transformers/all-MiniLM-L6-v2": (0.80, 0.82, 0.31, 0.72),
        "intfloat/multilingual-e5-small-with-a-rather-long-name": (0.79, 0.84, 0.33, 0.70),
        EVIL.replace("/script", "|script"): (0.55, 0.60, 0.21, 0.50),
    }
    for row, (name, scores) in enumerate(means.items(), 1):
        by_task = dict(zip(TASKS, map(values, scores), strict=True))
        place = write_model(root, name, by_task, parameters=row * 22_000_000, seconds=row / 2)
    write_measurement(
        place,
        "perplexity",
        "mine",
        {
            "kind": "perplexity",
            "method": "pll",
            "data": {"name": "python-docs", "checksum": "0"},
            "figures": figures(
                pppl_per_token=(4.5, 4.2, 4.9), mean_pll_per_text=(-9.5, None, None)
            ),
        },
    )
    write_measurement(
        place,
        "bias",
        "weat6-0",
        {
            "kind": "weat",
            "data": {"name": "weat6", "targets": {"Male": 8, "Female": 8}, "attributes": {"A": 8}},
            "figures": figures(effect_size=(1.021, None, None), p_value=(0.0162, None, None)),
        },
    )
    write_measurement(
        place,
        "bias",
        "crows-0",
        {
            "kind": "crows-pairs",
            "data": {"name": "crows-pairs"},
            "figures": figures(all=(60.5, 58.0, 62.9), gender=(55.0, 49.0, 61.0)),
        },
    )
    return root


@pytest.fixture(scope="module")
def report(folder):
    return run_report(folder, CompareSettings(resamples=200))


@pytest.fixture(scope="module")
def page(report):
    return render_html(report)


class Outline(HTMLParser):
    """Reads a page: open elements, what is loaded, headings, cells, and that all is closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.seen, self.text, self.scripts = [], [], [], 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.seen if name == tag]


def test_the_page_stands_alone_and_is_well_formed(page):
    outline = Outline(page)
    assert not outline.open
    assert len(outline.all("script")) == len(outline.all("style")) == 1
    for _, attributes in outline.seen:
        assert not {"src", "srcset", "data"} & attributes.keys()
        assert attributes.get("href", "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in page
    assert "@import" not in page
    assert not re.search(r"https?://", page)


def test_the_page_has_a_structure(page, report):
    outline = Outline(page)
    names = [attributes["id"] for _, attributes in outline.seen if "id" in attributes]
    assert len(names) == len(set(names))
    for link in outline.all("a"):
        assert link["href"][1:] in names
    assert len(outline.all("h1")) == 1
    assert len(outline.all("caption")) == len(outline.all("table")) == len(report.tables) > 8
    for drawing in outline.all("svg"):
        assert drawing["role"] == "img"
        assert set(drawing["aria-labelledby"].split()) <= set(names)
    assert {head.get("scope") for head in outline.all("th")} == {"col", "row"}


def test_what_is_told(page, report):
    told = " ".join(" ".join(Outline(page).text).split())
    for part in (
        "4 tasks, 1 measurement of perplexity and 2 measurements of bias",
        "Best mean over 4 tasks",
        "0.8000",
        "Critical difference",
        "22.0",
        "python-docs",
        "4.5000",
        "+1.021",
        "60.5 (58.0..62.9)",
        "Test CPU",
        "not installed",
        "skencoder-bench mteb --model all-MiniLM-L6-v2 --tasks Banking77Classification",
        "skencoder-bench perplexity",
        "--dataset python-docs --method pll",
        "--tests crows-pairs weat6",
    ):
        assert part in told, part
    assert not report.problems


def test_commands_repeat_what_was_set(tmp_path):
    place = tmp_path / "results" / "local__tiny" / ("f" * 12)
    write_meta(place, "local/tiny")
    shared = {"kind": "perplexity", "method": "pll", "figures": figures(x=(1.0, None, None))}
    for name, data, more in (
        ("python-docs-0a1b2c3d.pll", {"name": "python-docs", "texts": 2}, {}),
        (
            "python-docs-0a1b2c3d.mlm-loss.mask_probability=0.3.precision=bfloat16",
            {"name": "python-docs", "texts": 2},
            {"method": "mlm-loss", "settings": {"precision": "bfloat16", "stride": 9}},
        ),
        (
            "t-0a1b2c3d.left-to-right",
            {"name": "t", "texts": 3},
            {"method": "left-to-right", "model_kind": "autoregressive"},
        ),
    ):
        write_measurement(place, "perplexity", name, shared | {"data": data} | more)
    for name, settings in (("weat6", {"samples": 5, "seed": 3}), ("weat7", {"seed": 0})):
        content = {"kind": "weat", "data": {"name": name}, "settings": settings}
        found = figures(effect_size=(1.0, None, None))
        write_measurement(place, "bias", f"{name}-0", content | {"figures": found})
    report = run_report(tmp_path)
    commands = {section.name: section.code for section in report.sections}["repeat"]
    ends = f"--data-root DATA --results {tmp_path}"
    assert set(commands) == {
        "skencoder-bench perplexity --model ./tiny --dataset python-docs --first 2 --method pll "
        + ends,
        "skencoder-bench perplexity --model ./tiny --dataset python-docs --first 2 "
        f"--method mlm-loss --mask-probability 0.3 --precision bfloat16 {ends}",
        f"skencoder-bench perplexity --model ./tiny --texts FILES/t {ends}",
        f"skencoder-bench bias --model ./tiny --tests weat6 --samples 5 --seed 3 {ends}",
        f"skencoder-bench bias --model ./tiny --tests weat7 {ends}",
        f"skencoder-bench report {tmp_path}",
    }
    # Each is one that this program takes.
    for command in commands:
        _, name, *rest = shlex.split(command)
        app.parse_args([name, *rest], exit_on_error=False, print_error=False)
    (table,) = [table for table in report.tables if table.name == "perplexities"]
    told = {row[3].text for row in table.rows}
    assert told == {"2 texts", "2 texts, bfloat16, stride 9", "3 texts"}
    with pytest.raises(ParameterError, match="models='nosuch' is not in .*there are 'tiny'"):
        run_report(tmp_path, CompareSettings(models=["nosuch"]))
    with pytest.raises(ParameterError, match="tasks='nosuch': there is no task in"):
        run_report(tmp_path, CompareSettings(tasks=["nosuch"]))


def test_names_are_text(page):
    assert "<script>document" not in page
    assert "&lt;script&gt;document.title=" in page
    # Nothing but the one that sorts, by its hash.
    assert "script-src 'sha256-" in page or "script-src &#39;sha256-" in page


def test_markdown_and_latex(report):
    markdown, latex = to_markdown(report), to_latex(report)
    assert "| task \\(main" not in markdown
    assert "<script>" not in re.sub(r"```.*?```", "", markdown, flags=re.DOTALL).replace("\\<", "")
    rows = [line for line in markdown.splitlines() if line.startswith("| Banking77")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5, 8}
    assert "**0.8000**" in rows[0]
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == len(report.tables)
    body = re.sub(r"\\.", "", latex.split("\n", 2)[2])
    assert not set("$#^~") & set(body)
    assert r"\textbf{0.8000}" in latex


def test_latex_rows_have_as_many_cells_as_columns(report):
    for table in to_latex(report).split(r"\end{table}")[:-1]:
        columns = re.search(r"\\begin\{tabular\}\{([lr]+)\}", table)[1]
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(columns)}


def test_a_cell_of_everything_special():
    table = Table(
        "t", "c", ("a", "b"), ((words("a&b_c|d\\e"), number(1.5)), (Cell("x"), Cell("-")))
    )
    report = Report("r", (Section("s", "s", tables=(table,)),))
    assert r"a\&b\_c\textbar{}d\textbackslash{}e & 1.5000 \\" in to_latex(report)
    assert r"| a&b\_c\|d\\e | 1.5000 |" in to_markdown(report)
    assert table.is_numeric(1)
    assert not table.is_numeric(0)


def test_pictures():
    assert ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert ticks(0.71, 0.73) == pytest.approx([0.71, 0.715, 0.72, 0.725, 0.73])
    assert log_ticks(3, 120) == [5, 10, 20, 50, 100]
    assert log_ticks(30, 48) == [30, 35, 40, 45]
    assert shorten("abcdefghij", 45) == "abcde…"
    assert element("text", "<&>", stroke_width=1) == '<text stroke-width="1">&lt;&amp;&gt;</text>'
    one = draw_intervals("n", "t", [Bar("same", 0.5), Bar("as this", 0.5)])
    assert "same 0.5000" in one.description
    assert one.svg.count("<circle") == 2


def test_perplexity_alone_is_a_report(tmp_path):
    place = tmp_path / "results" / "o__m" / "r"
    content = {"kind": "perplexity", "figures": figures(pppl_per_token=(4.5, None, None))}
    write_measurement(place, "perplexity", "mine", content)
    report = run_report(tmp_path)
    assert [section.name for section in report.sections] == [
        "summary",
        "perplexity",
        "machines",
        "repeat",
    ]
    assert "4.5000" in render_html(report)


def test_one_model_on_one_task(tmp_path):
    write_model(tmp_path, "o/m", {"STSBenchmark": values(0.5)})
    page = render_html(run_report(tmp_path, CompareSettings(resamples=100)))
    assert "Best mean on STSBenchmark: m, 0.5000" in page


def test_damaged_files_are_told_and_exit_1(folder, tmp_path, capsys):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (path,) = copy.rglob("mine.json")
    path.write_text("{")
    files = [tmp_path / name for name in ("r.html", "r.md", "r.tex")]
    arguments = dict(zip(("html", "markdown", "latex"), files, strict=True))
    what = CompareSettings(resamples=100)
    assert report_command(copy, what=what, **arguments) == 1
    shown, told = capsys.readouterr()
    assert str(path) in told
    for file in files:
        assert str(file) in shown
        assert file.stat().st_size > 1000
    assert "Problems" in files[0].read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy", "r.html", "r.md", "r.tex"]


def test_models_are_chosen_and_files_refused(folder, tmp_path):
    chosen = run_report(folder, CompareSettings(models=["all-MiniLM-L6-v2"], resamples=100))
    assert "e5" not in render_html(chosen)
    with pytest.raises(MissingDataError):
        run_report(tmp_path / "nothing")
    with pytest.raises(ParameterError, match="no folder"):
        report_command(folder, html=tmp_path / "nowhere" / "r.html")
    with pytest.raises(ParameterError, match="is a folder"):
        report_command(folder, html=tmp_path)


def test_the_command_line(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(folder), "--resamples", "100", "--title", "Mine & yours"]) == 0
    assert capsys.readouterr().out == "report.html\n"
    assert "<title>Mine &amp; yours</title>" in (tmp_path / "report.html").read_text()
    assert main(["report", str(folder), "--markdown", "r.md", "--resamples", "100"]) == 0
    assert (tmp_path / "r.md").read_text().startswith("# Text encoders")
    assert main(["report", str(tmp_path / "nothing")]) == 2


def engine(name, ratio, **changed):
    shared = {"precision": "float32", "seconds": (1.0, 1.25), "description": "as it comes"}
    figures = {"texts_per_second": 7.5, "slowest": 6.5, "fastest": 8.25, "worst_cosine": 0.999}
    bounds = {"ratio": ratio, "ratio_low": ratio - 0.25, "ratio_high": ratio + 0.25}
    rest = {"mean_cosine": 1.0, "gemm_share": None}
    return EngineSpeed(name, **shared, **bounds, **figures, **rest, **changed)


@pytest.fixture
def timed():
    """A run on 8 texts, as `speed` would give it."""
    engines = (engine("sentence-transformers", 1.0), engine("mine <&>", 2.5))
    gemm = (GemmSpeed("float32", "model", "linear", 1e9, (1.0, 2.0), 7e8),)
    return SpeedReport(
        settings={**asdict(SpeedSettings(rounds=2, lengths=["short"])), "gguf": None},
        machine={**MACHINE, "cpu": "A speedy CPU"},
        versions={"torch": "2.9", "onnx": None},
        sets=(SetSpeed("short", "ten words", 8, 16.0, 128, None, engines, gemm),),
        latency=(Rounds("mine <&>", "float32", (0.002, 0.004), 3.5, 3.0, 4.0),),
        memory=(EngineMemory("mine <&>", (2, 8), (None, 3 * 1024**2)),),
        memory_texts="short",
        left_out={"openvino": "it is not installed"},
    )


def test_a_speed_file_is_read_as_it_was_written(timed, tmp_path):
    path = tmp_path / "speed.json"
    path.write_text(timed.to_json())
    assert read_speed(path) == timed


def test_speed_stands_in_the_report_with_where_it_was_measured(timed, folder, tmp_path, capsys):
    speed, page = tmp_path / "speed.json", tmp_path / "r.md"
    speed.write_text(timed.to_json())
    options = ["--markdown", str(page), "--resamples", "100", "--speed", str(speed)]
    assert main(["report", str(folder), *options]) == 0
    text = page.read_text()
    row = next(line for line in text.splitlines() if line.startswith("| mine"))
    assert [cell.strip() for cell in row.split("|")[2:-1]] == [
        *("7.5", "6.5..8.2", "2.50", "2.25..2.75", "0.999000", "-"),
    ]
    for told in (
        "3.00 |",
        "3.00..4.00",
        "A speedy CPU",
        "torch 2.9",
        "8 texts, ten words",
        "openvino",
    ):
        assert told in text
    assert "skencoder-bench speed --lengths short --rounds 2 --json speed.json" in text
    shown = render_html(run_report(folder, CompareSettings(resamples=100), speed=[speed]))
    assert "mine &lt;&amp;&gt;" in shown


def spoil(content, how):
    if how == "scaling":
        del content["sets"]
    elif how == "cut":
        del content["sets"][0]["engines"][1]["ratio"]
    elif how == "text":
        content["sets"][0]["engines"][1]["ratio"] = "fast"
    else:
        content["latency"][0]["seconds"][0] = float("nan")
    return content


@pytest.mark.parametrize("how", ["scaling", "cut", "text", "nan"])
def test_a_speed_file_that_cannot_be_read_is_refused(timed, tmp_path, how):
    path = tmp_path / "speed.json"
    with pytest.raises(MissingDataError, match="speed --json"):
        read_speed(path)
    path.write_text(json.dumps(spoil(json.loads(timed.to_json()), how)))
    with pytest.raises(ResultFileError, match=re.escape(str(path))):
        read_speed(path)


def test_many_models_in_one_picture():
    """Names do not cover points or each other, as long as there is room."""
    points = tuple(ParetoPoint(f"model-{n}", 10.0 * n, 0.5 + n % 3 / 50) for n in range(1, 13))
    svg = draw_pareto("p", ParetoPanel("texts per second", True, points), "mean score").svg
    names = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="label"[^>]*>model-', svg)
    assert len(names) == len(points)
    assert len({y for _, y in names}) > 3


def test_other_settings_are_repeated_from_python(tmp_path):
    place = write_model(
        tmp_path, "o/m", {"STSBenchmark": values(0.5)}, settings={"pooling": "cls"}
    )
    write_run(place, "STSBenchmark", texts=5)
    page = to_markdown(run_report(tmp_path, CompareSettings(resamples=100)))
    assert "# o/m with pooling set: run_mteb" in page


@pytest.fixture(scope="module")
def chromium():
    """A real browser without a window; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    named = os.environ.get("SKENCODER_TEST_BROWSER")
    found = next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser found: none of {', '.join(BROWSERS)} is installed")
    with playwright.sync_playwright() as start:
        browser = start.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def artifacts(tmp_path):
    """Where screenshots go."""
    folder = Path(os.environ.get("SKENCODER_TEST_ARTIFACTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def show(chromium, page, tmp_path):
    """Open the page; every request but for the page itself, and every error, is noted."""
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    contexts, noted = [], []

    def show(**options):
        context = chromium.new_context(**options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: noted.append(request.url))
        tab.on("pageerror", lambda error: noted.append(str(error)))
        tab.on("console", lambda message: noted.append(message.text))
        tab.goto(path.as_uri())
        return tab

    yield show
    for context in contexts:
        context.close()
    assert set(noted) <= {path.as_uri()}


PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
# Contrast by WCAG 2.2, of every element that has a text of its own, with its background.
CONTRAST = """() => {
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const read = (s) => s.match(/[\\d.]+/g).map(Number);
  const behind = (e) => { for (; e; e = e.parentElement) {
    const c = read(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    if (!e.checkVisibility() || e.closest("script, title, desc, .skip")) continue;
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const style = getComputedStyle(e);
    const ink = read(e.closest("svg") ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(ink), light(behind(e))].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), e.textContent.slice(0, 40)]);
  }
  return found;
}"""

# Texts that hang over the edge of their drawing.
OVERHANG = """() => [...document.querySelectorAll("svg text")].filter((e) => {
  if (!e.checkVisibility()) return false;
  const [a, b] = [e, e.closest("figure")].map((one) => one.getBoundingClientRect());
  return a.left < b.left || a.right > b.right || a.bottom > b.bottom;
}).map((e) => e.textContent)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_the_page_can_be_read(show, artifacts, scheme, viewport):
    tab = show(viewport=viewport, color_scheme=scheme, java_script_enabled=True)
    wide = tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
    for name in ("summary", "overall", "tasks", "costs", "perplexity", "bias", "repeat"):
        assert tab.locator(f"h2#{name}").is_visible()
    assert tab.locator("figure svg").first.is_visible()
    assert tab.get_by_text("Best mean over 4 tasks").is_visible()
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) > 382) == (scheme == "light")
    contrasts = tab.evaluate(CONTRAST)
    assert len(contrasts) > 200
    assert min(contrasts)[0] >= 4.5, min(contrasts)
    letters = "[...document.querySelectorAll('svg text')].filter((e) => e.checkVisibility())"
    heights = tab.evaluate(f"{letters}.map((e) => e.getBoundingClientRect().height)")
    assert min(heights) >= 12
    assert tab.evaluate(OVERHANG) == []
    shot = artifacts / f"report-{scheme}-{viewport['width']}.png"
    tab.screenshot(path=shot, full_page=True)
    assert shot.stat().st_size > 10_000


def test_wide_tables_scroll_by_themselves(show):
    tab = show(viewport=PHONE)
    inner = "[...document.querySelectorAll('.scroll')].map((e) => [e.scrollWidth, e.clientWidth])"
    sizes = tab.evaluate(inner)
    assert any(whole > seen for whole, seen in sizes)
    tab.locator(".scroll").first.focus()
    assert tab.evaluate("document.activeElement.className") == "scroll"


def column(tab, table, place):
    cells = tab.locator(f"table:has(#table-{table}) tbody tr > :nth-child({place})")
    return cells.all_inner_texts()


def test_tables_sort(show):
    tab = show(viewport=DESK)
    means = column(tab, "overall", 2)
    button = tab.get_by_role("button", name="mean")
    button.click()
    assert column(tab, "overall", 2) == sorted(means, reverse=True)
    button.click()
    assert column(tab, "overall", 2) == sorted(means)
    head = tab.locator("table:has(#table-overall) th[aria-sort]")
    assert head.get_attribute("aria-sort") == "ascending"
    first = tab.get_by_role("button", name="model").first
    first.focus()
    tab.keyboard.press("Enter")
    assert column(tab, "overall", 1) == sorted(column(tab, "overall", 1), key=str.casefold)


def test_the_page_can_be_read_without_javascript(show):
    tab = show(viewport=PHONE, java_script_enabled=False)
    assert tab.get_by_text("Best mean over 4 tasks").is_visible()
    assert tab.locator("table").first.is_visible()
    assert tab.locator("button").count() == 0
    assert len(column(tab, "overall", 2)) == 3


def test_a_name_does_not_run(show, page):
    tab = show(viewport=DESK)
    assert tab.title().startswith("Text encoders")
    assert tab.get_by_text("<script>document.title=").first.is_visible()
