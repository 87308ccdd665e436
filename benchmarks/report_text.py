"""The tables of a report in Markdown and in LaTeX, for pages and papers of one's own."""

import re

from .report_content import Cell, Report, Table

MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~])")
LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}


def to_markdown(report: Report) -> str:
    """Write sentences and tables in Markdown, as GitHub reads it.

    Parameters
    ----------
    report : Report
        Its content.

    Returns
    -------
    str
        With a final newline.
    """
    parts = [f"# {_markdown(report.title)}"]
    if report.problems:
        problems = "\n".join(f"- {_markdown(problem)}" for problem in report.problems)
        parts += ["## Problems", problems]
    for section in report.sections:
        parts += [f"## {_markdown(section.title)}", *map(_markdown, section.sentences)]
        if section.code:
            parts.append("\n".join(["```", *section.code, "```"]))
        for table in section.tables:
            parts += [_markdown(table.caption), _markdown_table(table)]
    return "\n\n".join(parts) + "\n"


def _markdown(text: str) -> str:
    return MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _markdown_table(table: Table) -> str:
    rules = ["--:" if table.is_numeric(c) else "---" for c in range(len(table.header))]
    rows = [[_markdown_cell(cell) for cell in row] for row in table.rows]
    lines = [[_markdown(title) for title in table.header], rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _markdown_cell(cell: Cell) -> str:
    return f"**{_markdown(cell.text)}**" if cell.is_best else _markdown(cell.text)


def to_latex(report: Report) -> str:
    r"""Write all tables in LaTeX; they need ``\usepackage{booktabs}``.

    Parameters
    ----------
    report : Report
        Its content.

    Returns
    -------
    str
        A ``table`` environment each, to be read by ``\input``.
    """
    head = f"% {' '.join(report.title.split())}. Needs \\usepackage{{booktabs}}.\n\n"
    return head + "\n".join(map(_latex_table, report.tables))


def _latex_table(table: Table) -> str:
    columns = "".join("r" if table.is_numeric(c) else "l" for c in range(len(table.header)))
    header = " & ".join(map(_latex, table.header))
    rows = "\n".join(f"{' & '.join(map(_latex_cell, row))} \\\\" for row in table.rows)
    return (
        f"\\begin{{table}}\n\\centering\n\\caption{{{_latex(table.caption)}}}\n"
        f"\\label{{tab:{table.name}}}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n"
        f"{header} \\\\\n\\midrule\n{rows}\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
    )


def _latex(text: str) -> str:
    return "".join(LATEX.get(letter, letter) for letter in " ".join(text.split()))


def _latex_cell(cell: Cell) -> str:
    return f"\\textbf{{{_latex(cell.text)}}}" if cell.is_best else _latex(cell.text)
