"""What is treated: a network, and whatever goes by its parameters."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from gradus.core.errors import InputError
from gradus.core.graph import Trace, trace, unwrapped


class Patient:
    """A network in training, with what hangs on its parameters. Whatever is left out is not kept in step.

    Args:
        model: weights and settings may also be treated within DistributedDataParallel. To change its layers, give the
            module within, and wrap it anew afterwards.
        optimizers: all that hold its parameters.
        schedulers: all that change their rates.
        averages: moving averages of the weights.
        example: what the model is called with, a tensor or a tuple: a batch of the size that it is trained on. The
            numbers matter to "revive-units", else only shapes.
        closure: takes the next batch, zeroes the gradients, computes the loss, calls backward and returns the loss.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: Optimizer | Sequence[Optimizer] = (),
        *,
        schedulers: LRScheduler | Sequence[LRScheduler] = (),
        averages: AveragedModel | Sequence[AveragedModel] = (),
        example: Any = None,
        closure: Callable[[], Any] | None = None,
    ) -> None:
        self.model = model
        self.optimizers = [optimizers] if isinstance(optimizers, Optimizer) else list(optimizers)
        self.schedulers = [schedulers] if isinstance(schedulers, LRScheduler) else list(schedulers)
        self.averages = [averages] if isinstance(averages, AveragedModel) else list(averages)
        self.example = None if example is None else tuple(example) if isinstance(example, list | tuple) else (example,)
        self.closure = closure

    @property
    def network(self) -> nn.Module:
        """The model without what torch wraps around it."""
        return unwrapped(self.model)

    @property
    def bodies(self) -> list[nn.Module]:
        """The network, and those of the averages, which have the same places."""
        return [self.network, *(unwrapped(each.module) for each in self.averages)]

    @property
    def groups(self) -> list[dict[str, Any]]:
        """Of all optimizers."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    @property
    def optimizer(self) -> Optimizer:
        """The only one.

        Raises:
            InputError: if there are none or several.
        """
        if len(self.optimizers) != 1:
            raise InputError("patient", "needs one optimizer for this treatment", len(self.optimizers))
        return self.optimizers[0]

    def inputs(self) -> tuple[Any, ...]:
        """The example.

        Raises:
            InputError: if none was given.
        """
        if self.example is None:
            raise InputError("patient", "needs an example of the input for this treatment", repair="Give `example=`.")
        return self.example

    def seen(self) -> Trace:
        """A forward pass of the example, on shapes alone where that goes.

        Raises:
            InputError: if the network cannot be followed.
        """
        seen = trace(self.network, self.inputs(), run=True)
        if seen.unresolved:
            raise InputError("model", f"cannot be followed: {seen.unresolved}")
        return seen

    def agree(self, value: Tensor, how: Any = distributed.ReduceOp.MIN) -> Tensor:
        """`value` reduced over the ranks that share the model."""
        if isinstance(self.model, DistributedDataParallel):
            distributed.all_reduce(value, how, group=self.model.process_group)
        return value

    def broadcast(self) -> None:
        """All ranks that share the model get the parameters of the first."""
        if isinstance(self.model, DistributedDataParallel):
            with torch.no_grad():
                for each in self.network.parameters():
                    distributed.broadcast(each.detach(), group=self.model.process_group, group_src=0)

    def check(self, *, layers: bool) -> None:
        """Refuse what cannot be treated.

        Args:
            layers: whether modules are to be changed.
        """
        for name, module in self.model.named_modules():
            if isinstance(module, torch.jit.ScriptModule):
                raise InputError(name or "model", "must not be scripted", repair="Treat what it was scripted from.")
            compiled = "_orig_mod" in module._modules or module._compiled_call_impl is not None
            if layers and compiled:
                raise InputError(name or "model", "must not be compiled", repair="Treat it first, then compile it.")
        if any(is_lazy(each) for each in self.model.parameters()):
            raise InputError("model", "has lazy parameters", repair="Call it once before.")
        if layers and isinstance(self.model, nn.DataParallel | DistributedDataParallel):
            repair = "Treat `model.module`, then wrap it anew."
            raise InputError("model", f"must not be within {type(self.model).__name__}", repair=repair)
        if layers and any(hasattr(each, "_pieces") for each in self.optimizers):
            raise InputError("optimizer", "keeps all parameters in one tensor, so that none can be added or removed")
