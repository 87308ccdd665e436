"""The page of a report: its style sheet, its little script, and the template around the content.

Everything is in the page itself; nothing is loaded when it is looked at.
"""

STYLE = """
:root { color-scheme: light dark; --page: #ffffff; --panel: #f5f6f8; --ink: #1b1d21;
  --soft: #565c66; --rule: #d3d7de; --grid: #e3e6eb; --accent: #1f5fbf; --beaten: #7d848f;
  --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14161a; --panel: #1d2026; --ink: #e9ebee; --soft: #a9b0bb; --rule: #3a404a;
    --grid: #2b3038; --accent: #7fb0ff; --beaten: #8d95a1; --bad: #ff8a80; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; background: var(--page);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .5rem;
  border-top: 1px solid var(--rule); }
p { max-width: 46rem; margin: .5rem 0; }
a { color: var(--accent); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0; }
.skip { position: absolute; left: -999rem; }
.skip:focus { position: static; }
.problems { border: 1px solid var(--bad); border-radius: .4rem; padding: .25rem 1rem; }
.problems h2 { border: 0; margin: .5rem 0 0; padding: 0; font-size: 1rem; color: var(--bad); }
.pictures { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); margin: 1rem 0; }
figure { margin: 0; padding: .75rem; background: var(--panel); border-radius: .4rem;
  min-width: 0; }
figcaption { font-weight: 600; margin-bottom: .5rem; }
svg { display: block; width: 100%; max-width: 30rem; height: auto; overflow: visible; }
svg text { font: 13px system-ui, sans-serif; fill: var(--ink); stroke: var(--panel);
  stroke-width: 4px; stroke-linejoin: round; paint-order: stroke; }
svg .tick, svg .axis { fill: var(--soft); font-size: 12px; }
svg .value { font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--grid); }
svg .reference { stroke: var(--soft); stroke-dasharray: 4 3; }
svg .interval { stroke: var(--accent); stroke-width: 3; stroke-opacity: .55; }
svg .group { stroke: var(--accent); stroke-width: 4; }
svg .front { stroke: var(--accent); stroke-dasharray: 5 4; fill: none; }
svg .dot { fill: var(--accent); }
svg .beaten { fill: var(--beaten); }
.scroll { overflow-x: auto; max-width: 100%; margin: 1rem 0; border: 1px solid var(--rule);
  border-radius: .4rem; }
.scroll:focus-visible { outline: 2px solid var(--accent); }
table { border-collapse: collapse; min-width: 100%; font-variant-numeric: tabular-nums;
  font-size: .9rem; overflow-wrap: normal; }
caption { text-align: left; color: var(--soft); padding: .5rem .75rem; }
th, td { padding: .3rem .75rem; text-align: left; vertical-align: top;
  border-top: 1px solid var(--rule); }
td { white-space: nowrap; }
thead th { vertical-align: bottom; background: var(--panel); }
tbody th { font-weight: 400; min-width: 13rem; max-width: 22rem;
  overflow-wrap: break-word; }
.number { text-align: right; }
thead button { font: inherit; color: inherit; background: none; border: 0; padding: 0;
  cursor: pointer; text-align: inherit; text-decoration: underline dotted; }
[aria-sort="ascending"] button::after { content: " \\2191"; }
[aria-sort="descending"] button::after { content: " \\2193"; }
summary { cursor: pointer; font-weight: 600; padding: .5rem 0; }
pre { background: var(--panel); border-radius: .4rem; padding: .75rem; overflow-x: auto;
  overflow-wrap: normal; font-size: .85rem; }
/* On a telephone the names leave room for the numbers, and captions stay where they are read. */
caption span { display: block; position: sticky; left: .75rem;
  max-width: min(46rem, calc(100vw - 4rem)); }
@media (max-width: 40rem) { tbody th { min-width: 13rem; width: 13rem; max-width: 13rem; } }
@media print { .scroll { overflow: visible; border: 0; } nav { display: none; } }
"""

# A click on a title sorts by it; numbers start with the largest, what is missing comes last.
SCRIPT = """
for (const table of document.querySelectorAll("table")) {
  const titles = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  titles.forEach((title, column) => {
    if (!title.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...title.childNodes);
    title.append(button);
    const isNumber = title.classList.contains("number");
    button.addEventListener("click", () => {
      const was = title.getAttribute("aria-sort");
      const first = isNumber ? "descending" : "ascending";
      const other = isNumber ? "ascending" : "descending";
      const order = was === first ? other : first;
      const sign = order === "ascending" ? 1 : -1;
      const key = (row) => row.cells[column].dataset.sort;
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === "" || y === "") return (x === "") - (y === "");
        return sign * (isNumber ? x - y : x.localeCompare(y));
      });
      titles.forEach((one) => one.removeAttribute("aria-sort"));
      title.setAttribute("aria-sort", order);
      body.append(...rows);
    });
  });
}
"""

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<title>{{ report.title }}</title>
<style>{{ style }}</style>
</head>
<body>
{%- macro draw(picture) %}
<figure id="{{ picture.name }}">
<figcaption>{{ picture.title }}</figcaption>
{{ picture.svg | safe }}
</figure>
{%- endmacro %}
<a class="skip" href="#main">To the content</a>
<header>
<h1>{{ report.title }}</h1>
<nav aria-label="Sections"><ul>
{%- for section in report.sections %}
<li><a href="#{{ section.name }}">{{ section.title }}</a></li>
{%- endfor %}
</ul></nav>
</header>
<main id="main">
{%- if report.problems %}
<section class="problems" aria-labelledby="problems">
<h2 id="problems">Problems</h2>
<ul>
{%- for problem in report.problems %}
<li>{{ problem }}</li>
{%- endfor %}
</ul>
</section>
{%- endif %}
{%- for section in report.sections %}
<section aria-labelledby="{{ section.name }}">
<h2 id="{{ section.name }}">{{ section.title }}</h2>
{%- for sentence in section.sentences %}
<p>{{ sentence }}</p>
{%- endfor %}
{%- if section.code %}
<pre tabindex="0" role="region" aria-label="Commands"><code>
{{- section.code | join("\n") }}</code></pre>
{%- endif %}
{%- if section.pictures %}
<div class="pictures">
{%- for picture in section.pictures %}{{ draw(picture) }}{% endfor %}
</div>
{%- endif %}
{%- for table in section.tables %}
<div class="scroll" role="region" tabindex="0" aria-labelledby="table-{{ table.name }}">
<table>
<caption id="table-{{ table.name }}"><span>{{ table.caption }}</span></caption>
<thead><tr>
{%- for title in table.header %}
<th scope="col"{% if table.is_numeric(loop.index0) %} class="number"{% endif %}>{{ title }}</th>
{%- endfor %}
</tr></thead>
<tbody>
{%- for row in table.rows %}
<tr>
{%- for cell in row %}
{%- set tag = "th" if loop.first else "td" %}
{%- set numeric = table.is_numeric(loop.index0) %}
<{{ tag }}{% if loop.first %} scope="row"{% endif %}{% if numeric %} class="number"{% endif %}
 data-sort="{{ sort_key(cell, numeric) }}">
{%- if cell.is_best %}<strong>{{ cell.text }}</strong>{% else %}{{ cell.text }}{% endif -%}
</{{ tag }}>
{%- endfor %}
</tr>
{%- endfor %}
</tbody>
</table>
</div>
{%- endfor %}
{%- if section.details %}
<details>
<summary>A picture of each of these</summary>
<div class="pictures">
{%- for picture in section.details %}{{ draw(picture) }}{% endfor %}
</div>
</details>
{%- endif %}
</section>
{%- endfor %}
</main>
</body>
</html>
"""
