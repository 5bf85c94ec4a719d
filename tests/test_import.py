"""`import gradus` is cheap, and offers what it says."""

import json
import subprocess
import sys

import gradus

HEAVY = ("torch", "sklearn", "matplotlib", "pyarrow", "numpy", "pydantic", "typer")


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_loads_nothing_heavy() -> None:
    assert loaded_after("import gradus").isdisjoint(HEAVY)


def test_help_loads_no_torch() -> None:
    statement = "import sys\nfrom gradus.cli.main import main\nsys.argv = ['gradus', '--help']\n"
    statement += "try: main()\nexcept SystemExit: pass"
    assert loaded_after(statement).isdisjoint({"torch", "sklearn", "numpy", "pydantic"})


def test_every_public_name_is_there() -> None:
    for name in gradus.__all__:
        assert getattr(gradus, name) is not None
    assert set(gradus.__all__) <= set(dir(gradus))
