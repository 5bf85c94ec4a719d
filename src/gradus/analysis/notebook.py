"""An inspection as a notebook shows it."""

from jinja2 import Environment

from gradus.analysis.inspect import Inspection
from gradus.analysis.summary import totals, warnings
from gradus.analysis.table import COLUMNS, rows

_TEMPLATE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""\
<table>
<thead><tr>{% for column in columns %}<th style="text-align: {{ column.side }}">{{ column.heading }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in rows %}
<tr>{% for column in columns %}<td style="text-align: {{ column.side }}; white-space: pre">{{ column.text(row) }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
<table>
{% for name, said in totals %}
<tr><th style="text-align: left">{{ name }}</th><td style="text-align: left">{{ said }}</td></tr>
{% endfor %}
</table>
""")  # noqa: E501


def html(found: Inspection, depth: int = 2) -> str:
    """Two tables, a line for each module that is within at most `depth` others and the totals; all text is escaped."""
    sums = [*totals(found).items(), *(("note", each) for each in warnings(found))]
    return _TEMPLATE.render(columns=list(COLUMNS.values()), rows=rows(found, depth), totals=sums)
