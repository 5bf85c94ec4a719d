"""Pages of one file each: they load nothing, all text in them is escaped, and no script runs but their own."""

import base64
import hashlib
import json
import math
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gradus.report import words


def fill(name: str, *, style: str, script: str, **values: Any) -> str:
    """A page from its template, with what a content security policy needs to know of its style and script."""
    environment = Environment(
        loader=PackageLoader("gradus.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": words.percent, "count": words.count, "figure": words.figure}
    return environment.get_template(name).render(
        style=Markup(style),  # ours, and bundled
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        **values,
    )


def resource(name: str) -> str:
    """A file that pages are made of."""
    return (files("gradus.report") / "page" / name).read_text(encoding="utf-8")


def embedded(document: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(_finite(document), ensure_ascii=True, allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _finite(value: Any) -> Any:
    """`value` with the numbers that JSON lacks left out."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
