"""REINFORCE with a learned baseline: a network that draws where to look learns it from whether it was right."""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from gradus.core.batch import Batch
from gradus.core.errors import InputError
from gradus.core.untouched import untouched
from gradus.training.objective import Phase, Signs, networks, output_of, penalty
from gradus.training.objectives import Parts, objectives

_OWNER = "objective `reinforce`"

# N examples times paths, K choices


def rewards(output: Tensor, target: Tensor) -> Tensor:
    """1 where the most probable class is the target's, else 0, (N,); of mixed examples the share of that class.

    Shapes: logits (N, C), and classes (N,) or shares of them (N, C).
    """
    chosen = output.detach().argmax(1)
    if target.is_floating_point():
        return target.gather(1, chosen[:, None]).squeeze(1)
    return (chosen == target).to(torch.promote_types(output.dtype, torch.float32))


def policy_loss(log_probs: Tensor, reward: Tensor, baselines: Tensor) -> Tensor:
    """A surrogate whose gradient is that of the expected reward, estimated and negative; its value means nothing.

        -mean_n sum_k (R_n - b_nk) log p(choice_nk)         (equations 2 and 3; R - b is held fixed)

    A baseline that does not depend on the choice, nor on later ones, leaves the estimate's mean as it is, and lessens
    its variance.

    Args:
        log_probs: of what was chosen, (N, K).
        reward: (N,).
        baselines: the reward expected at each choice, (N, K).
    Source: Williams (1992), Machine Learning 8; Mnih et al. (2014), arXiv:1406.6247, section 3.2.
    """
    advantage = (reward[:, None] - baselines).detach()
    return -(advantage * log_probs).sum(1).mean()


class Reinforce:
    """Classification teaches a network what it sees, and reward where to look: one phase, one hybrid loss.

        loss = criterion(output, target) + mean (R - b)^2 + weight * policy_loss        (section 3.2)

    R is 1 for an example that is classified rightly, else 0. The model returns, in training, a tuple that begins with
    the output and has `log_probs` and `baselines`, as `gradus.models.recurrent_attention.Gaze`. Signs are the mean
    reward, and the root of the mean square of what the baseline is off by.

    Args:
        parts: the criterion gives one number.
        samples: paths drawn for each example of a batch; more of them estimate the gradient better.
        weight: of the policy's part.
    """

    def __init__(self, parts: Parts, *, samples: int = 1, weight: float = 1.0) -> None:
        self.model = parts.model
        self.criterion = parts.criterion
        self.penalties = tuple(parts.penalties)
        self.samples = samples
        self.weight = weight
        parameters = tuple(each for group in parts.optimizer.param_groups for each in group["params"])
        self.phases = (Phase("train", parameters, parts.optimizer, closure=parts.closure, scheduler=parts.scheduler),)

    def modules(self) -> Mapping[str, nn.Module]:
        return networks(self.model, self.criterion)

    def compute(self, phase: Phase, batch: Batch) -> tuple[Tensor, Signs]:
        inputs, target = batch.inputs, batch.target
        if self.samples > 1:
            inputs = tuple(each.repeat_interleave(self.samples, 0) for each in inputs)
            target = target.repeat_interleave(self.samples, 0)
        result = self.model(*inputs)
        output, log_probs, baselines = output_of(result), *choices(result)
        reward = rewards(output, target)
        error = (reward[:, None] - baselines).square().mean()
        loss = self.criterion(output, target) + error + self.weight * policy_loss(log_probs, reward, baselines)
        signs = {"reward": reward.mean(), "baseline_error": error.detach().sqrt()}
        if self.penalties:
            signs["penalty"] = penalty(self.penalties, loss.device)
            loss = loss + signs["penalty"]
        return loss, signs

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


def choices(result: Any) -> tuple[Tensor, Tensor]:
    """`log_probs` and `baselines`, both (N, K), of what a model returned in training.

    Raises:
        InputError: if it has none, or makes no choice.
    """
    log_probs, baselines = (getattr(result, name, None) for name in ("log_probs", "baselines"))
    if not isinstance(log_probs, Tensor) or not isinstance(baselines, Tensor) or not log_probs.numel():
        raise InputError(
            _OWNER,
            "needs a model that chooses where to look, and gives `log_probs` and `baselines` of that in training",
            type(result).__name__,
            "Choose `recurrent_attention` with two glimpses or more, or the objective `supervised`.",
        )
    wanted = (len(output_of(result)), log_probs.shape[-1])
    for name, each in (("log_probs", log_probs), ("baselines", baselines)):
        if tuple(each.shape) != wanted:  # or one of them would be spread over the other
            raise InputError(_OWNER, f"needs `{name}` of shape (examples, choices), {wanted}", tuple(each.shape))
    return log_probs, baselines


@objectives.register(
    source="Williams (1992), Simple statistical gradient-following algorithms for connectionist reinforcement "
    "learning, Machine Learning 8; with classification: Mnih et al. (2014), arXiv:1406.6247, section 3.2",
    surrogate=True,
    formula="L(y, t) + mean (R - b)^2 - weight * sum_k (R - b_k) log p_k",
    notes="The baseline's error is a mean over the choices, the policy's part a sum. A recurrent attention model lets "
    "neither change more than its own layer.",
)
def reinforce(parts: Parts, *, samples: PositiveInt = 1, weight: Annotated[float, Field(gt=0)] = 1.0) -> Reinforce:
    """A model that draws where to look learns it from whether it was right: REINFORCE with a learned baseline.

    Args:
        samples: paths drawn for each example of a batch.
        weight: of the policy's part, beside those of classification and baseline.
    """
    if parts.spec.task != "classification" or parts.spec.steps is not None:
        raise InputError(_OWNER, "rewards one right class for each example", parts.spec.task, "Choose `supervised`.")
    if getattr(parts.optimizer, "wants", "gradients") == "residuals":
        raise InputError(_OWNER, "has no residuals", type(parts.optimizer).__name__, "Use `adamw` or `sgd`.")
    device = next((each.device for each in parts.model.parameters()), torch.device("cpu"))
    two = [each.repeat_interleave(2, 0) for each in parts.spec.example(device)]
    with torch.no_grad(), torch.random.fork_rng(), untouched(parts.model):
        choices(parts.model.train()(*two))
    return Reinforce(parts, samples=samples, weight=weight)
