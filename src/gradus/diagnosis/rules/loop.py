"""What is wrong between one backward pass and the next."""

from collections.abc import Iterator
from itertools import pairwise

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, rules
from gradus.diagnosis.rules.common import falling, learned, supervised, thriving
from gradus.diagnosis.signs import layer_of

_LONG = 50
"""Steps after which, at the end of a run, none will come of an optimizer that has made none."""
_SEEN = 5
"""Steps looked at, each after several gradients that were thrown away, from which on that is no chance."""
_SURE = 30
"""Steps after which what one step's graph has shown each time is no matter of a beginning."""


@rules.register(
    "missing-zero-grad",
    source="torch adds to gradients; TrainCheck's rule: between a step and the next backward pass they must be cleared",
    not_fooled_by="accumulation over several batches before one step; zero_grad anywhere before backward; other "
    "players",
    structural=True,
    severity="critical",
    says=Message(
        en="Gradients are never cleared: every step also uses those of all steps before it.",
        zh="梯度从未清零：每一步都还在使用之前所有步的梯度。",
    ),
)
def missing_zero_grad(history: History) -> Iterator[Sighting]:
    """Several steps used gradients that an earlier one had used already, and none was seen that did not."""
    stale = history.loop.stale_steps
    if len(stale) >= 2 and len(stale) > 2 * history.loop.fresh_steps:
        yield Sighting(since=stale[0], confidence=0.95, evidence={"steps": len(stale)})


@rules.register(
    "missing-step",
    source="gradients that are cleared before anything used them were computed in vain",
    not_fooled_by="accumulation; updates by hand; gradients wanted for themselves, without an optimizer; an optimizer "
    "whose turn comes later in the run; gradients of examples that are gathered by hand; several players",
    structural=True,
    severity="critical",
    says=Message(
        en="Gradients are computed in vain: {backwards:.0f} backward passes have run, and {what}.",
        zh="梯度白算了：已有 {backwards:.0f} 次反向传播，而{what}。",
    ),
    words={
        "never": Message(
            en="the optimizer of these parameters has not stepped once", zh="这些参数的优化器一次也没有执行 step"
        ),
        "seldom": Message(
            en="most of what they give is cleared before the optimizer steps, which it does after many of them",
            zh="优化器要隔很多次才执行一次 step，多数梯度在此之前已被清零",
        ),
    },
)
def missing_step(history: History) -> Iterator[Sighting]:
    """An optimizer is there, gradients are computed and thrown away, and nothing changes; or one of several idles.

    Or an optimizer steps, and most are thrown away.
    """
    loop = history.loop
    if history.ended and loop.steps >= _LONG and loop.waiting:
        where = layer_of(loop.waiting[0])
        yield Sighting(where=where, confidence=0.9, evidence={"backwards": loop.backwards}, reading="never")
    if loop.wasteful_steps >= _SEEN and len(history.optimizers) == 1 and not (history.adversarial or thriving(history)):
        yield Sighting(confidence=0.9, evidence={"backwards": loop.backwards}, reading="seldom")
    if loop.steps or not loop.optimizers_known:
        return
    if loop.unstepped >= 3 or loop.unused >= 100 or (history.ended and loop.unused >= 3):
        yield Sighting(confidence=0.95, evidence={"backwards": loop.backwards}, reading="never")


@rules.register(
    "stale-optimizer",
    source="Accelerate issue 2665: an optimizer made before the model was made anew",
    not_fooled_by="an optimizer whose turn has not come, as of one task's head, while others hold all that is reached; "
    "sparse use of many heads",
    structural=True,
    severity="critical",
    says=Message(
        en="The optimizer was made for another model, or before this one was changed: it steps weights that the loss "
        "does not reach, and those that it reaches it does not hold.",
        zh="优化器是为另一个模型、或在修改该模型之前创建的：它更新的是损失到达不了的权重，而损失到达的权重不在其中。",
    ),
)
def stale_optimizer(history: History) -> Iterator[Sighting]:
    """An optimizer steps and none of its parameters has a gradient, while others have; or some that no model has."""
    loop = history.loop
    if loop.idle_steps >= 3 and not loop.rootless:
        yield Sighting(confidence=0.95, evidence={"steps": loop.idle_steps})
    elif loop.orphans and loop.left_behind and loop.steps:
        yield Sighting(where=layer_of(loop.orphans[0]), confidence=0.95, evidence={"share": loop.orphan_share})


@rules.register(
    "parameters-not-in-optimizer",
    source="what no optimizer holds stays as it was initialized",
    not_fooled_by="pretrained layers left out on purpose: only those that look as initialized count; other players; "
    "what the program moves by hand; teachers that only targets depend on",
    structural=True,
    says=Message(
        en="{share:.0%} of what the loss reaches is in no optimizer and will never learn.",
        zh="损失所到达的参数中有 {share:.0%} 不在任何优化器中，永远不会学习。",
    ),
)
def parameters_not_in_optimizer(history: History) -> Iterator[Sighting]:
    """Known parameters get gradients, are in no optimizer, and look as initialized."""
    loop = history.loop
    if loop.orphans and not (loop.idle_steps or loop.left_behind) and loop.steps:
        evidence = {"share": loop.orphan_share, "parameters": len(loop.orphans)}
        yield Sighting(where=layer_of(loop.orphans[0]), confidence=0.9, evidence=evidence)


@rules.register(
    "unregistered-parameters",
    source="torch's Module sees attributes that are modules, and lists of them only as ModuleList",
    not_fooled_by="modules shared with another model; parameters that an optimizer holds all the same; points at "
    "which an equation is solved",
    structural=True,
    says=Message(
        en="Layers run inside the model that it does not know as its own, as those in a plain list or dict: they are "
        "in no "
        "optimizer, are not saved, and do not follow .to() or .eval().",
        zh="模型内部运行着它不认识的层（例如放在普通 list 或 dict 中）：它们不在任何优化器里，不会被保存，也不随 .to() "
        "或 .eval() 变化。",
    ),
)
def unregistered_parameters(history: History) -> Iterator[Sighting]:
    """The loss reaches parameters that no model and no optimizer has."""
    loop = history.loop
    if loop.unregistered and not loop.idle_steps and loop.steps:
        yield Sighting(confidence=0.9, evidence={"share": loop.orphan_share})


@rules.register(
    "frozen-parameters",
    source="freezing keeps what was learned before; what looks as it was initialized has learned nothing; the rest may "
    "not be enough",
    not_fooled_by="pretrained layers, as long as what is on top of them learns; averages and targets that follow "
    "another network; normalization and biases",
    structural=True,
    says=Message(
        en="{share:.0%} of the model's weights are frozen (requires_grad is False), {what}.",
        zh="模型 {share:.0%} 的权重被冻结（requires_grad 为 False），{what}。",
    ),
    words={
        "fresh": Message(en="and look as they were initialized", zh="而且看上去仍是初始化时的样子"),
        "kept": Message(
            en="and the others alone do not learn the task: what was learned elsewhere does not suit it",
            zh="而仅靠其余权重学不会该任务：在别处学到的并不适用",
        ),
    },
)
def frozen_parameters(history: History) -> Iterator[Sighting]:
    """A good part of a model does not learn and never did; or most of one that gets nowhere."""
    loop = history.loop
    fresh = loop.frozen > 0.25
    share, places = (loop.frozen, loop.frozen_places) if fresh else (loop.kept, loop.kept_places)
    if fresh or (share > 0.5 and _gets_nowhere(history)):
        yield Sighting(
            where=layer_of(places[0]) if places else "",
            confidence=0.85 if fresh else 0.6,
            evidence={"share": share},
            reading="fresh" if fresh else "kept",
        )


def _gets_nowhere(history: History) -> bool:
    """Whether training has had its time, has learned next to nothing, and will not."""
    enough = history.step >= 300 or (history.ended and history.step >= 100)
    return enough and supervised(history) and not learned(history) and not falling(history)


@rules.register(
    "detached-graph",
    source="detach, no_grad, .data and a round trip through NumPy end the graph; what lies before gets no gradient",
    not_fooled_by="heads unused in some steps, or in all; a generator in its discriminator's turn; targets computed "
    "without gradients; codebooks and targets that move by averages; sequences cut in chunks; a readout at each step, "
    "the last of which is wanted; policies beside the value of their states",
    structural=True,
    says=Message(
        en="The graph is cut: {what}.",
        zh="计算图被切断：{what}。",
    ),
    words={
        "weights": Message(
            en="weight matrices that ran and are in the optimizer never get a gradient",
            zh="参与运行且在优化器中的权重矩阵从未得到梯度",
        ),
        "last step": Message(
            en="of a sequence the loss reaches the last step alone, so nothing is learned from those before it",
            zh="损失只到达序列的最后一步，无法从之前的各步学习",
        ),
        "judged": Message(
            en="what the judge says of it does not depend on the model that learns, whose output it is given detached",
            zh="判别器得到的是与计算图分离的输出，其评分不依赖于正在学习的模型",
        ),
    },
)
def detached_graph(history: History) -> Iterator[Sighting]:
    """Parameters of layers that ran are stepped, and no loss reaches them; or not at the steps of a sequence."""
    loop = history.loop
    if loop.no_graph or (loop.rootless and loop.idle_steps >= 3):
        yield Sighting(confidence=0.99, evidence={"layers": 0}, severity="critical", reading="weights")
    elif loop.unreached and loop.idle_steps < 3:
        where = layer_of(loop.unreached[-1])
        yield Sighting(where=where, confidence=0.9, evidence={"layers": len(loop.unreached)}, reading="weights")
    elif history.step >= _SURE:
        yield from _cut_between(history)


def _cut_between(history: History) -> Iterator[Sighting]:
    """Weights that learn, but not from what they are meant to learn from."""
    untaught = [each.untaught for each in history.examinations if each.untaught]
    cut = [{place for place, layer in each.layers.items() if layer.cut} for each in history.latest(3)]
    always = sorted(set.intersection(*cut)) if cut else []
    if len(untaught) >= 3:
        yield Sighting(where=untaught[-1], confidence=0.9, reading="judged")
    elif always and supervised(history) and not thriving(history):
        yield Sighting(where=always[0], confidence=0.9, reading="last step")


@rules.register(
    "training-in-eval-mode",
    source="in evaluation mode dropout does nothing and batch norm uses, and does not update, its statistics",
    not_fooled_by="single layers kept in evaluation mode; models to which the mode makes no difference; finished ones "
    "whose inputs are sought",
    structural=True,
    says=Message(
        en="The model is trained in evaluation mode (since step {step:.0f}): dropout is off and batch norm does not "
        "adapt. "
        "Call model.train() after each evaluation.",
        zh="模型在评估模式下训练（自第 {step:.0f} 步起）：dropout 不起作用，批归一化不更新。每次评估后应调用 "
        "model.train()。",
    ),
)
def training_in_eval_mode(history: History) -> Iterator[Sighting]:
    """Steps whose forward passes were all in evaluation mode, of a model with dropout or batch norm."""
    loop = history.loop
    if loop.eval_steps >= 3:
        confidence = 0.95 if loop.was_training else 0.7
        yield Sighting(since=loop.eval_since, confidence=confidence, evidence={"step": loop.eval_since})


@rules.register(
    "evaluation-in-train-mode",
    source="in training mode dropout drops and batch norm uses the batch's own statistics, and updates them",
    not_fooled_by="Monte Carlo dropout; statistics refreshed before an evaluation, as update_bn does; samples drawn "
    "from a generator; pseudo-labels at every step",
    structural=True,
    says=Message(
        en="The model is evaluated in training mode: dropout drops, and batch norm depends on who else is in the batch "
        "and "
        "learns from held-out data. Call model.eval() first; a norm of one's own is to go by self.training.",
        zh="模型在训练模式下评估：dropout 仍在丢弃，批归一化依赖批次中的其他样本并从验证数据中学习。应先调用 "
        "model.eval()；自己写的归一化层要看 self.training。",
    ),
)
def evaluation_in_train_mode(history: History) -> Iterator[Sighting]:
    """Passes without gradients in training mode, of a model that is trained on targets."""
    if history.adversarial or not supervised(history):
        return
    wrong = [each for each in history.evaluations if each.training and not (each.repeated or each.stirs)]
    if any(each.repeated or each.every_step for each in history.evaluations):
        return
    # One pass between two steps may be a target that the model makes for itself.
    apart = any(other.step - one.step > 1 for one, other in pairwise(wrong))
    if wrong and (max(each.passes for each in wrong) > 1 or apart or history.ended):
        yield Sighting(where=wrong[0].place, since=wrong[0].step, confidence=0.9, evidence={"passes": wrong[0].passes})


@rules.register(
    "dropout-in-evaluation",
    source="transformers pull 33844: functional dropout without training=self.training",
    not_fooled_by="Monte Carlo dropout, which runs the same inputs again; sampling of latents and spikes, each with a "
    "chance of its own",
    structural=True,
    says=Message(
        en="Dropout acts in evaluation mode too: a functional dropout is called without training=self.training.",
        zh="在评估模式下 dropout 仍然起作用：函数式 dropout 调用时没有传 training=self.training。",
    ),
)
def dropout_in_evaluation(history: History) -> Iterator[Sighting]:
    """Dropout acts in evaluation mode, and the program evaluates in it."""
    used = [each for each in history.evaluations if each.dropped]
    if used and not any(each.repeated for each in history.evaluations):
        yield Sighting(since=used[0].step, confidence=0.95)


@rules.register(
    "batch-norm-drift",
    source="requires_grad = False freezes weights, not statistics: those follow the data as long as the mode is "
    "training, be it noise that is passed to measure the speed",
    not_fooled_by="frozen layers in evaluation mode; batch norm that learns, if only in its player's turn; passes on "
    "data such as those of training",
    structural=True,
    says=Message(
        en="The statistics of batch norms drift: {what}.",
        zh="批归一化的统计量在漂移：{what}。",
    ),
    words={
        "frozen": Message(
            en="layers that are frozen still update them, so the frozen part of the model changes; put it in "
            "evaluation mode",
            zh="被冻结的层仍在更新统计量，模型的冻结部分因此在改变；应将其设为评估模式",
        ),
        "other inputs": Message(
            en="the model was run in training mode on inputs unlike those of training, which went into them; call "
            "model.eval() first",
            zh="模型在训练模式下处理了与训练输入不同的数据，这些数据进入了统计量；应先调用 model.eval()",
        ),
    },
)
def batch_norm_drift(history: History) -> Iterator[Sighting]:
    """Batch norms that do not learn run in training mode; or some that learn, on what they are not meant for."""
    drifting = history.loop.drifting
    stirred = [each for each in history.evaluations if each.stirs]
    if drifting and history.step >= 2:
        yield Sighting(where=drifting[0], confidence=0.9, evidence={"layers": len(drifting)}, reading="frozen")
    elif stirred and any(each.batch_norms for each in history.models.values()):
        evidence = {"shift": stirred[0].shift, "scale": stirred[0].scale}
        where, since = stirred[0].place, stirred[0].step
        yield Sighting(where=where, since=since, confidence=0.9, evidence=evidence, reading="other inputs")


@rules.register(
    "batch-norm-tiny-batch",
    source="Wu & He (2018): error rises steeply below 16 examples; statistics of fewer than 8 numbers are noise; one "
    "stack at a time, wolny/pytorch-3dunet issue 53",
    not_fooled_by="a last batch that is smaller; convolutions, whose positions count too, as far as they differ; one "
    "example at a time, if all have much the same mean; group and layer norm",
    structural=True,
    says=Message(
        en="Batch norm computes its statistics from {count:.0f} independent numbers per channel: they are mostly "
        "noise.",
        zh="批归一化每个通道只用 {count:.0f} 个独立的数计算统计量：大部分是噪声。",
    ),
)
def batch_norm_tiny_batch(history: History) -> Iterator[Sighting]:
    """The largest batches seen give a batch norm fewer than eight independent numbers a channel."""
    loop = history.loop
    if loop.tiny_batch is not None and loop.tiny_batch < 8 and history.step >= 3:
        yield Sighting(where=loop.tiny_batch_place, confidence=0.9, evidence={"count": loop.tiny_batch})


@rules.register(
    "batch-mixing",
    source="Karpathy (2019): the output for one example must not depend on another's input",
    not_fooled_by="batch norm (looked at in evaluation mode); sequences with time first, if only one; graphs with an "
    "adjacency matrix; similarities of all pairs",
    structural=True,
    says=Message(
        en="Examples of a batch are mixed: in evaluation mode the output for one depends on the input of another. A "
        "view "
        "or reshape moves numbers across the batch axis.",
        zh="批次中的样本互相混合：在评估模式下，一个样本的输出依赖于另一个样本的输入。某处 view 或 reshape "
        "跨越了批次轴。",
    ),
)
def batch_mixing(history: History) -> Iterator[Sighting]:
    """Another last example changes the outputs of the first ones."""
    if history.loop.mixes and supervised(history):
        yield Sighting(confidence=0.85 if not learned(history) else 0.75)
