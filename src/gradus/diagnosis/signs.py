"""Signs: what the probe reads off a run, as numbers with a place and a step. Rules see these and nothing else."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


def layer_of(parameter: str) -> str:
    """The place of the layer that has this parameter: `net:2` of `net:2.weight`, `net:` of `net:weight`."""
    model, _, path = parameter.partition(":")
    return f"{model}:{path.rpartition('.')[0]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSigns:
    """One layer's output in one step, read off a sample of at most 4,096 elements.

    Attributes:
        type: class of the module.
        mean, std, peak: of the sample; `peak` is the largest magnitude.
        varied: how much the output differs between examples: the deviation over the batch, root mean square over units.
        activation: the activation this layer is, or that follows it in the graph; "" if none is known.
        dead: share of units that were silent at this and at the examinations before; None where nothing rectifies.
        saturated: share of units beyond their activation's own limits; None where it has none.
        units: width of the output.
        calls: how often the module was called in the step.
        earliest, latest: norm of the loss's gradient at the first and the last step of the sequence it went through.
        kept: mean of the gate by which a recurrent layer keeps its memory; None where none is seen.
        state: the largest number in the states that a recurrent layer whose own lie within 1 was given; 0 of none.
        cut: whether it ran many times in one pass, and of nothing that did the loss reaches more than the last time.
        finite: whether the sample is.
        output: whether a loss is computed of it with no other layer in between.
        single: whether a softmax runs over its one unit.
    """

    type: str
    mean: float
    std: float
    peak: float
    varied: float
    units: int
    finite: bool = True
    activation: str = ""
    dead: float | None = None
    saturated: float | None = None
    calls: int = 1
    earliest: float | None = None
    latest: float | None = None
    kept: float | None = None
    state: float = 0.0
    cut: bool = False
    output: bool = False
    single: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSigns:
    """One parameter at an optimizer's step. Sizes are root mean squares.

    Attributes:
        matrix: whether it multiplies (two axes or more), as biases and gains do not.
        gradient: None if the loss does not reach it. Unscaled under automatic mixed precision.
        zero: share of its gradient's elements that are exactly 0.
        update: what the step changed.
        uphill: 1 of a step along the gradient in all elements, -1 of one against it; 0 if it cannot be told.
        identical: whether all its output units are the same.
        constant: whether, before the first step, all its elements are.
        alike: whether, before the first step, all its output units were the same, whatever the gradient made of them.
        embedding: whether it is a table of which a step uses only some rows.
        fan_in: inputs of each output unit.
        finite: whether weight and gradient are.
    """

    elements: int
    matrix: bool
    weight: float
    gradient: float | None
    zero: float = 0.0
    update: float | None = None
    uphill: float = 0.0
    identical: bool = False
    constant: bool = False
    alike: bool = False
    embedding: bool = False
    fan_in: int = 1
    finite: bool = True

    @property
    def ratio(self) -> float | None:
        """Update over weight."""
        return None if self.update is None or self.weight == 0 else self.update / self.weight


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSigns:
    """One input of a model. Figures of columns are for tables (N, F): what is constant, and what is far wider.

    `tells_target` and `also_tells` are the two largest correlations of a column with the target, without their sign; 1
    of a column that is one number for all of one class, and never for the other. `values` is how many different numbers
    an example of few is made of, such as 2 of answers yes or no; 0 of one of many. `restored` says whether the targets
    are the input itself, as an autoencoder's.
    """

    shape: tuple[int, ...]
    mean: float
    std: float
    low: float
    high: float
    non_finite: float = 0.0
    varied: float = 0.0
    columns: int = 0
    constant: float = 0.0
    loud_constant: float = 0.0
    spread: float = 1.0
    values: int = 0
    tells_target: float = 0.0
    also_tells: float = 0.0
    restored: bool = False
    repeated_rows: float = 0.0
    normalized: bool = False
    column_means: tuple[float, ...] = ()
    column_stds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Op:
    """One operation between the loss and the last layer: its name in autograd, and its output's shape.

    Attributes:
        axis: of a softmax.
        data: whether one of its operands is data rather than something computed from parameters.
        negative: whether it turns the sign.
        divisor: of a division, whether the way goes through what it divides by.
        gains: of a product with data, whether these are no shares: some are below 0, or those of a row are not 1.
        marks: of a product with data, whether these are 0s and 1s, some of each, or 0s and -1s.
        factors: of a product, the shapes of its factors: of those that autograd keeps, and then of those computed.
        times: of a product or a quotient, the one number that it is multiplied with or divided by; 1 of none.
        picks: axes on one of which it picks a number at each place of three axes and more, as of the right class.
        limits: of an activation that is set to some, between what its results lie.
    """

    name: str
    shape: tuple[int, ...] = ()
    axis: int | None = None
    data: bool = False
    negative: bool = False
    divisor: bool = False
    gains: bool = False
    marks: bool = False
    factors: tuple[tuple[int, ...], ...] = ()
    picks: tuple[int, ...] = ()
    limits: tuple[float, float] | None = None
    times: float = field(default=1.0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSigns:
    """One backward pass: the loss, how it is computed, and what it compares.

    Attributes:
        heads: each way from the loss to a layer with parameters, as operations.
        kind: "classes" for one class per example, "binary", "values", or "" if it cannot be told.
        operation: what compares outputs and targets, one of several losses that may be added up.
        below: where torch has a name for that loss, the operation whose result it is given.
        summed: whether examples are added up rather than averaged.
        classes: how many the outputs can tell apart.
        accuracy: share of right classes in the batch.
        surprise: of classes and of yes or no, the mean of -ln p of what is right, without weights; else NaN.
        entropy: of the predicted distribution, as a share of the largest possible.
        said: share of the class said most often.
        counts: how many of each class the batch has, of the first 64 classes.
        beside: the same of a loss of classes that is added to one of another kind.
        target_*, output_*: of values.
        two_values: of targets of yes or no, that they have two, whichever.
        error: of values, the mean squared difference from the targets, whatever the loss makes of it; else NaN.
        batch: examples.
        one_class, several_classes: of targets (N, C) of 0s and 1s, the share of examples that have one 1, and more.
        not_log: the input of a negative log likelihood is no log-probability.
        zero_probability: a number so near 0 that it may as well round to 0 is under a logarithm.
        times_infinity: something is multiplied by what is infinite in places, as the logarithm of a masked probability.
        relative_to_zero: errors are divided by data that come near 0 or cross it.
        narrow: something on the way to it was computed in float16.
        wrong_way: it grows as outputs come nearer to targets, as an overlap or a cosine does.
        blind: it compares no more than directions over the examples, as a cosine does: outputs of any size are as good.
        unsigned: labels that are to be -1 or 1 are 0 or 1 instead.
        earns_less: it grows with rewards, or with what a critic expects of them.
        over_first: shapes of softmaxes over the first of several axes, wherever in the model they are.
        crossed: of a softmax of scores, its axis, the one that its products sum over instead, and how many there are.
        terms: how many losses of this kind it adds up, as of the letters of a word; figures are those of them together.
    """

    value: float
    heads: tuple[tuple[Op, ...], ...] = ()
    kind: str = ""
    operation: str = ""
    below: str = ""
    summed: bool = False
    classes: int = 0
    batch: int = 0
    accuracy: float | None = None
    surprise: float = math.nan
    entropy: float | None = None
    said: float | None = None
    counts: tuple[int, ...] = ()
    beside: tuple[int, ...] = ()
    target_mean: float = 0.0
    target_std: float = 0.0
    target_low: float = 0.0
    target_high: float = 0.0
    target_whole: bool = False
    two_values: bool = False
    output_std: float = 0.0
    output_varied: float = 0.0
    error: float = math.nan
    one_class: float = 0.0
    several_classes: float = 0.0
    not_log: bool = False
    zero_probability: bool = False
    times_infinity: bool = False
    relative_to_zero: bool = False
    narrow: bool = False
    wrong_way: bool = False
    blind: bool = False
    unsigned: bool = False
    earns_less: bool = False
    over_first: tuple[tuple[int, ...], ...] = ()
    crossed: tuple[int, int, int] | None = None
    terms: int = 1

    @property
    def target_square(self) -> float:
        """Mean of the targets' squares, which is the squared error of saying 0."""
        return self.target_std * self.target_std + self.target_mean * self.target_mean

    @property
    def even_odds(self) -> float:
        """The cross-entropy of saying that every class is equally likely: ln K of each term."""
        return self.terms * math.log(max(2, self.classes))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayersSigns:
    """A generator and the discriminator that judges it, in one step.

    Attributes:
        spread: mean distance between generated examples, over that between real ones.
        coverage: share of real examples with a generated one among their nearest neighbours' distance.
        precision: share of generated examples that lie within a real one's neighbourhood.
        told_apart: share of examples that the discriminator puts on the right side; None in a step of the generator
            alone, in which it sees no real ones.
        gap: difference of its mean outputs for real and generated, over their deviation.
        modes: clumps in the first real batch seen; 1 where there is no telling them apart.
        covered: the numbers of those with a generated example near them.
        moved: how far the mean generated example went since the last examination, over the distance of real ones.
    """

    spread: float
    coverage: float
    precision: float
    told_apart: float | None
    gap: float
    modes: int = 1
    covered: tuple[int, ...] = ()
    moved: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Everything read in one step.

    Attributes:
        step: steps done before it.
        layers: in the order in which they ran; keys are places, ``model:module.path``.
        parameters: keys are places.
        rates: learning rate of each optimizer that stepped.
        noise: gradient noise scale in examples, from two consecutive gradients; None where it cannot be told.
        latents: share of latent dimensions that vary over the batch, of a variational autoencoder.
        untaught: the model whose output another judges, in whose turn the judge's score does not depend on it.
        tokens: of the largest table of embeddings, how many different rows were asked for, and how many it has; None of
            a few places, or where there is none.
        again, kept: how many examples came before in a step looked at, and how many of these with the same label, or a
            value within half a deviation; None where examples are not told apart by what the one model is given, or
            have no label of their own.
    """

    step: int
    layers: Mapping[str, LayerSigns] = field(default_factory=dict)
    parameters: Mapping[str, ParameterSigns] = field(default_factory=dict)
    inputs: tuple[InputSigns, ...] = ()
    losses: tuple[LossSigns, ...] = ()
    rates: tuple[float, ...] = ()
    noise: float | None = None
    players: PlayersSigns | None = None
    latents: float | None = None
    untaught: str = ""
    tokens: tuple[int, int] | None = None
    again: int | None = None
    kept: int = 0

    loss: LossSigns | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Rules ask for it at every step looked at, of all steps looked at before.
        known = [each for each in self.losses if each.kind] or self.losses
        object.__setattr__(self, "loss", known[-1] if known else None)


_NEARLY = 0.85
"""Shares that are told by samples: what is all comes to this much at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A run of passes without gradients between two steps of training.

    Attributes:
        step: steps done before it.
        loss, accuracy: means over its examples, where the program computed them.
        training: whether the model was in training mode although it holds dropout or batch norm, or its batch norm is
            whatever the mode.
        repeated: whether the same inputs came several times, as for Monte Carlo dropout.
        seen: share of its examples that were seen in training batches.
        known: how many training examples, different from each other, had been looked at by then.
        share_known: about which share of all training examples these are.
        shift, scale: of its inputs against the training inputs: difference of means in deviations, ratio of deviations.
        dropped: whether dropout acted although the model was in evaluation mode.
        labels: the class numbers that its losses were computed with.
        counts, right: how many of each class it has, of the first 64, and how many of those are told right; both empty
            where the program does not compare the likeliest class with the given one.
        variance: of the targets that its losses were computed with; None where they are not numbers.
        every_step: whether such a pass came at every step so far, as for targets made by the model itself.
    """

    step: int
    passes: int = 1
    examples: int = 0
    loss: float | None = None
    accuracy: float | None = None
    training: bool = False
    repeated: bool = False
    seen: float = 0.0
    known: int = 0
    share_known: float = 1.0
    shift: float = 0.0
    scale: float = 1.0
    dropped: bool = False
    variance: float | None = None
    every_step: bool = False
    place: str = ""
    labels: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    right: tuple[int, ...] = ()

    @property
    def of_training(self) -> bool:
        """Whether it is of the training set itself: all that is known of that, and nothing else."""
        whole = self.seen * self.examples > _NEARLY * self.known
        return self.seen > 0 and whole and self.seen > _NEARLY * self.share_known

    @property
    def measured(self) -> bool:
        """Whether the program made a figure of it."""
        return self.loss is not None or self.accuracy is not None

    @property
    def stirs(self) -> bool:
        """Whether all it does is to bring inputs of another kind into the averages of batch norms, as one for speed."""
        return self.training and not self.measured and (self.shift > 1 or not 0.4 < self.scale < 2.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class NonFinite:
    """The first time a number was not finite.

    Attributes:
        where: place of the layer, or "".
        source: "input", "target", "weight", "forward", "loss" or "gradient": the first of these that is not finite.
        operation: the operation whose result it is, where the graph tells.
        share: of the elements there.
        infinite: whether it is infinite rather than NaN.
        pole: whether the operation, a layer's or the loss's, divides by 0 or takes the logarithm of 0; or the -inf that
            a mask puts in is multiplied by 0, or is all that it leaves.
        narrow: whether something on the way to it was computed in float16.
    """

    step: int
    where: str
    source: str
    operation: str = ""
    share: float = 0.0
    infinite: bool = False
    pole: bool = False
    narrow: bool = False


@dataclass(slots=True, kw_only=True)
class LoopSigns:
    """What the loop does between backward and step. Counts, and places by name; filled as the run goes on.

    Attributes:
        backwards, steps: so far.
        stale_steps: steps that used gradients of an earlier one, of those looked at, of the optimizer with the most.
        fresh_steps: its steps whose gradients had been cleared.
        unstepped: backward passes whose gradients were thrown away without changing any parameter.
        unused: backward passes since the last change of any parameter.
        wasteful_steps: steps looked at in a row that used the last of many gradients, the others being cleared unused.
        idle_steps: steps of an optimizer none of whose parameters had a gradient.
        orphans: parameters that the loss reaches, fresh from their initialization, that no optimizer holds.
        orphan_share: of all elements the loss reaches.
        left_behind: whether an optimizer holds weights, beside such, that no model has and no loss reaches.
        unregistered: modules called inside a model that does not know them.
        frozen: share of a model's elements that do not learn and look as initialized.
        kept: the same, whatever they look like.
        waiting: weights that the loss reaches, and that only optimizers hold which have not stepped.
        unreached: parameters that an optimizer steps, whose modules ran, and that no loss ever reached.
        eval_steps: consecutive steps, up to now, whose forward pass was in evaluation mode.
        eval_since: the step at which these began.
        was_training: whether there were steps in training mode before.
        drifting: batch norms that do not learn and whose statistics still move.
        tiny_batch: independent numbers per channel of the batch norm that has the fewest.
        mixes: whether the output for one example depends on the others.
        sees_ahead: whether a model that is to tell the next of a sequence is shown it.
        always_dropping: whether dropout acts in evaluation mode.
        always_normalizing: whether batch norm uses and updates the batch's own statistics in evaluation mode.
        reseeded: steps during which a generator was set to the same seed again.
        remade: steps during which a generator was made of a seed that another had had at an earlier step.
        optimizers_known: optimizers there are, whether or not they have stepped.
        no_graph: a backward pass from something that needs no gradient.
        rootless: graphs walked, if none of them led to a parameter.
    """

    backwards: int = 0
    steps: int = 0
    stale_steps: list[int] = field(default_factory=list)
    fresh_steps: int = 0
    unstepped: int = 0
    unused: int = 0
    wasteful_steps: int = 0
    idle_steps: int = 0
    orphans: tuple[str, ...] = ()
    orphan_share: float = 0.0
    left_behind: bool = False
    unregistered: tuple[str, ...] = ()
    frozen: float = 0.0
    frozen_places: tuple[str, ...] = ()
    kept: float = 0.0
    kept_places: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    eval_steps: int = 0
    eval_since: int = 0
    was_training: bool = False
    drifting: tuple[str, ...] = ()
    tiny_batch: float | None = None
    tiny_batch_place: str = ""
    mixes: bool = False
    sees_ahead: bool = False
    always_dropping: bool = False
    always_normalizing: bool = False
    reseeded: int = 0
    remade: int = 0
    optimizers_known: int = 0
    no_graph: bool = False
    rootless: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a model is made of, read once.

    Attributes:
        batch_norms: channels of each of its batch norms.
    """

    name: str
    parameters: int = 0
    dropout: float = 0.0
    normalizations: int = 0
    narrowest: int = 0
    linear_layers: int = 0
    nonlinear: bool = True
    uneven: tuple[str, ...] = ()
    batch_norms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerFacts:
    """What an optimizer is set to.

    Attributes:
        given: the rate that it was made with, where a schedule goes by that; else NaN.
        coupled: whether weight decay is added to the gradient.
        epsilon: of an adaptive method.
        drowned: share of its second moments' roots that lie below epsilon.
        shortened: by how many times epsilon shortens a step.
        decay_over_gradient: the decay term over the gradient, of a coupled one.
        searches: whether it evaluates the loss itself to find how far to go, so that a far step was seen to be good.
        maximizes: whether it steps uphill.
    """

    name: str
    rate: float
    given: float = math.nan
    decay: float = 0.0
    coupled: bool = False
    epsilon: float = 0.0
    drowned: float = 0.0
    shortened: float = 1.0
    decay_over_gradient: float = 0.0
    searches: bool = False
    maximizes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RankSigns:
    """What the processes that train one model left for each other at a step, by rank.

    Attributes:
        apart: the largest relative difference of a parameter from the first process's.
        work: seconds a step from the end of the one before to the backward pass, in which nobody is waited for.
        whole: seconds a step of the first process.
        together: whether gradients are exchanged at every step.
    """

    step: int
    apart: tuple[float, ...]
    work: tuple[float, ...]
    whole: float
    together: bool = True
