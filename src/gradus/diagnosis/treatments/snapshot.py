"""Everything about a patient as it was: to find out what has changed, and to undo it."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from gradus.diagnosis.treatments.patient import Patient


class Snapshot:
    """Modules, hooks, weights, buffers, gradients, optimizers and schedules of a patient, by what they hold.

    `restore` puts the contents back into the very objects that held them, so that whoever has one goes on with it.
    """

    def __init__(self, patient: Patient) -> None:
        self._patient = patient
        self._containers: list[tuple[dict[Any, Any] | list[Any], Any]] = []
        self._tensors: dict[int, tuple[Tensor, Tensor, bool, Tensor | None]] = {}
        self._seen: set[int] = set()
        self.names = dict(patient.network.named_parameters(remove_duplicate=False))
        self.held = {
            id(parameter): (optimizer, number)
            for optimizer in patient.optimizers
            for number, group in enumerate(optimizer.param_groups)
            for parameter in group["params"]
        }
        for each in (patient.optimizers, patient.schedulers, patient.averages, patient.model):
            self._keep(each)

    def before(self, tensor: Tensor) -> Tensor | None:
        """The numbers a tensor had; None if it is new."""
        kept = self._tensors.get(id(tensor))
        return None if kept is None else kept[1]

    def restore(self) -> None:
        """All is as it was."""
        for container, content in self._containers:
            container.clear()
            container.extend(content) if isinstance(container, list) else container.update(content)
        with torch.no_grad():
            for tensor, numbers, learns, gradient in self._tensors.values():
                tensor.copy_(numbers)
                if tensor.is_leaf:
                    tensor.requires_grad_(learns)
                    tensor.grad = gradient

    def _keep(self, value: Any) -> None:
        if id(value) in self._seen:
            return
        match value:
            case Tensor():
                gradient = value.grad if value.is_leaf else None
                self._seen.add(id(value))
                self._tensors[id(value)] = (value, value.detach().clone(), value.requires_grad, gradient)
                if gradient is not None:
                    self._keep(gradient)
            case dict():
                self._seen.add(id(value))
                self._containers.append((value, dict(value)))
                for key, each in value.items():
                    self._keep(key)
                    self._keep(each)
            case list():
                self._seen.add(id(value))
                self._containers.append((value, list(value)))
                for each in value:
                    self._keep(each)
            case tuple():
                for each in value:
                    self._keep(each)
            case nn.Module() | Optimizer() | LRScheduler():
                self._keep(vars(value))
