"""What a run's results depend on besides its recipe."""

import platform
import sys
from collections.abc import Mapping
from typing import Any

import numpy
import torch

import gradus

FORMAT = 1


def describe_environment(device: torch.device) -> dict[str, Any]:
    """The document ``environment.json``."""
    import sklearn

    return {
        "format": FORMAT,
        "versions": {
            "gradus": gradus.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": numpy.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "threads": torch.get_num_threads(),
        "cpu": {"machine": platform.machine(), "capability": torch.backends.cpu.get_cpu_capability()},
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "command": sys.argv,
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two environments and may change the bits of a result, as "threads 2 -> 4"."""
    found = []
    for name in ("versions", "threads", "cpu", "device"):
        old, new = before.get(name), now[name]
        if isinstance(old, dict):
            found += [f"{key} {old.get(key)} -> {new[key]}" for key in new if old.get(key) != new[key]]
        elif old != new:
            found.append(f"{name} {old} -> {new}")
    return found
