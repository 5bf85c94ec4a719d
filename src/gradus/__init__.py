"""gradus: build, inspect, train, diagnose and study neural networks on PyTorch.

Importing gradus is cheap: every public name is loaded at its first use (PEP 562), so nothing here pulls in torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gradus.analysis.gradcheck import gradcheck
    from gradus.analysis.inspect import Inspection, inspect
    from gradus.core.batch import Batch
    from gradus.core.errors import GradusError, InputError, ResourceError
    from gradus.core.spec import DataSpec
    from gradus.data.arrays import from_arrays
    from gradus.diagnosis.treatments.treat import Patient, Treatment, treat
    from gradus.diagnosis.watch import Watch, watch
    from gradus.integrations.health import assert_healthy
    from gradus.models import create_model, list_models
    from gradus.nn.initialization import initialize
    from gradus.report.html import write_report
    from gradus.training.objective import Objective, Phase
    from gradus.training.recipe import Recipe
    from gradus.training.run import Run, load_run
    from gradus.training.train import resume, train

_HOMES = {
    "Batch": "gradus.core.batch",
    "DataSpec": "gradus.core.spec",
    "GradusError": "gradus.core.errors",
    "InputError": "gradus.core.errors",
    "Inspection": "gradus.analysis.inspect",
    "Objective": "gradus.training.objective",
    "Patient": "gradus.diagnosis.treatments.treat",
    "Phase": "gradus.training.objective",
    "Recipe": "gradus.training.recipe",
    "ResourceError": "gradus.core.errors",
    "Run": "gradus.training.run",
    "Treatment": "gradus.diagnosis.treatments.treat",
    "Watch": "gradus.diagnosis.watch",
    "assert_healthy": "gradus.integrations.health",
    "create_model": "gradus.models",
    "from_arrays": "gradus.data.arrays",
    "gradcheck": "gradus.analysis.gradcheck",
    "initialize": "gradus.nn.initialization",
    "inspect": "gradus.analysis.inspect",
    "list_models": "gradus.models",
    "load_run": "gradus.training.run",
    "resume": "gradus.training.train",
    "train": "gradus.training.train",
    "treat": "gradus.diagnosis.treatments.treat",
    "watch": "gradus.diagnosis.watch",
    "write_report": "gradus.report.html",
}

__all__ = [
    "Batch",
    "DataSpec",
    "GradusError",
    "InputError",
    "Inspection",
    "Objective",
    "Patient",
    "Phase",
    "Recipe",
    "ResourceError",
    "Run",
    "Treatment",
    "Watch",
    "assert_healthy",
    "create_model",
    "from_arrays",
    "gradcheck",
    "initialize",
    "inspect",
    "list_models",
    "load_run",
    "resume",
    "train",
    "treat",
    "watch",
    "write_report",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'gradus' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
