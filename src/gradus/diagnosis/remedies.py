"""What to do, cheapest first: a remedy's words, and which remedies each symptom or cause asks for."""

from gradus.core.findings import Remedy
from gradus.core.text import Message

WORDS: dict[str, Message] = {
    "initialize": Message(
        en="Initialize weights for the activation that follows: Kaiming for rectifiers, Xavier for tanh.",
        zh="按后接的激活函数初始化权重：整流类用 Kaiming，tanh 用 Xavier。",
    ),
    "normalize-layers": Message(
        en="Add batch norm (layer norm for small batches and recurrent nets) after the linear layers.",
        zh="在线性层后加批归一化（小批量与循环网络用层归一化）。",
    ),
    "swap-activation": Message(
        en="Use ReLU, GELU or SiLU in hidden layers instead of sigmoid or tanh.",
        zh="隐藏层使用 ReLU、GELU 或 SiLU，代替 sigmoid 或 tanh。",
    ),
    "leaky": Message(
        en="Start biases at 0, and use LeakyReLU or GELU, whose units cannot die.",
        zh="偏置从 0 开始，并使用不会死亡的 LeakyReLU 或 GELU。",
    ),
    "add-residual": Message(en="Add residual connections to deep stacks.", zh="在很深的网络中加入残差连接。"),
    "add-nonlinearity": Message(
        en="Put an activation between the linear layers.", zh="在线性层之间加入激活函数。"
    ),
    "lower-learning-rate": Message(
        en="Lower the learning rate to a tenth; a range test finds the right one.",
        zh="把学习率降到十分之一；用范围测试可找到合适的值。",
    ),
    "raise-learning-rate": Message(
        en="Raise the learning rate tenfold; a range test finds the right one.",
        zh="把学习率提高十倍；用范围测试可找到合适的值。",
    ),
    "default-epsilon": Message(en="Set the optimizer's eps back to 1e-8.", zh="把优化器的 eps 改回 1e-8。"),
    "train-longer": Message(en="Train for more epochs.", zh="训练更多轮。"),
    "mean-loss": Message(
        en='Average over the batch (reduction="mean"), or divide the rate by the batch size.',
        zh='对批次取平均（reduction="mean"），或把学习率除以批大小。',
    ),
    "flip-sign": Message(en="Minimize the loss: take the minus sign away.", zh="应最小化损失：去掉负号。"),
    "clip-gradient": Message(
        en="Clip the gradient: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0) before the step.",
        zh="在 step 之前裁剪梯度：torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)。",
    ),
    "gated": Message(
        en="Use an LSTM or GRU, or a ReLU RNN with identity recurrent weights.",
        zh="使用 LSTM 或 GRU，或递归权重为单位矩阵的 ReLU RNN。",
    ),
    "clean-data": Message(
        en="Find and replace the values: assert torch.isfinite(x).all() on every batch.",
        zh="找出并替换这些值：对每个批次执行 assert torch.isfinite(x).all()。",
    ),
    "stable-loss": Message(
        en="Use the fused loss on logits: cross_entropy, binary_cross_entropy_with_logits, log_softmax; add an epsilon "
        "under "
        "roots.",
        zh="对 logits 使用合并的损失：cross_entropy、binary_cross_entropy_with_logits、log_softmax；根号下加 epsilon。",
    ),
    "bound-exponent": Message(
        en="Bound what goes into exp, or scale inputs and targets; use bfloat16 or float32 instead of float16.",
        zh="限制 exp 的输入，或缩放输入与目标；用 bfloat16 或 float32 代替 float16。",
    ),
    "return-logits": Message(
        en="Return the last layer's outputs as they are; apply softmax or sigmoid only to read probabilities.",
        zh="直接返回最后一层的输出；只有在需要概率时才做 softmax 或 sigmoid。",
    ),
    "class-axis": Message(en="Use dim=1, or dim=-1 where classes come last.",
        zh="使用 dim=1；类别在最后一轴时用 dim=-1。"),
    "sigmoid-output": Message(
        en="For one output unit use BCEWithLogitsLoss on its raw value.",
        zh="单个输出单元应对原始值使用 BCEWithLogitsLoss。",
    ),
    "add-log": Message(
        en="Use log_softmax before nll_loss, or cross_entropy on the raw outputs.",
        zh="在 nll_loss 前使用 log_softmax，或对原始输出使用 cross_entropy。",
    ),
    "fit-loss": Message(
        en="Choose the loss by the target: cross_entropy for classes, binary_cross_entropy_with_logits for yes or no, "
        "a "
        "squared error for quantities.",
        zh="按目标选择损失：类别用 cross_entropy，是非用 binary_cross_entropy_with_logits，数量用平方误差。",
    ),
    "linear-output": Message(
        en="Leave the output linear, or scale the targets into the activation's range.",
        zh="输出层保持线性，或把目标缩放到激活函数的值域内。",
    ),
    "match-shapes": Message(
        en="Give outputs and targets the same shape: output.squeeze(1), or target.unsqueeze(1).",
        zh="让输出与目标形状一致：output.squeeze(1) 或 target.unsqueeze(1)。",
    ),
    "scale-inputs": Message(
        en="Scale inputs to mean 0 and deviation 1, by figures of the training split.",
        zh="用训练集的统计量把输入缩放到均值 0、标准差 1。",
    ),
    "scale-targets": Message(
        en="Scale targets to mean 0 and deviation 1, and scale predictions back.",
        zh="把目标缩放到均值 0、标准差 1，再把预测还原。",
    ),
    "drop-constants": Message(
        en="Check the preprocessing: drop constant columns, and divide by the data's own deviation.",
        zh="检查预处理：去掉常数列，并除以数据自身的标准差。",
    ),
    "same-transform": Message(
        en="Pass held-out inputs through the very transform fitted to the training inputs.",
        zh="对验证输入使用在训练输入上拟合的同一变换。",
    ),
    "split-again": Message(
        en="Remove the column, and split so that no example is on both sides.",
        zh="去掉该列，并重新划分，使任何样本不同时出现在两边。",
    ),
    "check-labels": Message(
        en="Check by hand that labels belong to their inputs: shuffle both with the same permutation.",
        zh="人工核对标签与输入是否对应：用同一个排列打乱两者。",
    ),
    "clean-labels": Message(
        en="Read the examples with the highest loss; use label smoothing or stop early.",
        zh="检查损失最高的样本；使用标签平滑或提前停止。",
    ),
    "balance": Message(
        en="Weight the classes in the loss, or sample them evenly (WeightedRandomSampler).",
        zh="在损失中给类别加权，或均衡采样（WeightedRandomSampler）。",
    ),
    "shuffle": Message(en="Shuffle the training data: DataLoader(..., shuffle=True).",
        zh="打乱训练数据：DataLoader(..., shuffle=True)。"),
    "seed-once": Message(
        en="Set seeds once, before training; in data workers derive them from torch.initial_seed().",
        zh="只在训练前设置一次种子；数据进程中由 torch.initial_seed() 派生。",
    ),
    "keep-batch-axis": Message(
        en="Keep axis 0 for the batch: flatten(1), and check every view, reshape and transpose.",
        zh="第 0 轴留给批次：用 flatten(1)，并检查每个 view、reshape 和 transpose。",
    ),
    "zero-grad": Message(
        en="Call optimizer.zero_grad() before each backward pass.", zh="每次反向传播前调用 optimizer.zero_grad()。"
    ),
    "call-step": Message(en="Call optimizer.step() after backward().", zh="在 backward() 之后调用 optimizer.step()。"),
    "remake-optimizer": Message(
        en="Make the optimizer after the model has its final form.", zh="在模型最终确定之后再创建优化器。"
    ),
    "hold-all": Message(
        en="Give the optimizer all parameters: model.parameters().", zh="把全部参数交给优化器：model.parameters()。"
    ),
    "register": Message(
        en="Keep layers in nn.ModuleList or nn.ModuleDict.", zh="用 nn.ModuleList 或 nn.ModuleDict 保存各层。"
    ),
    "unfreeze": Message(
        en="Set requires_grad_(True) on layers that are to learn.", zh="对需要学习的层设置 requires_grad_(True)。"
    ),
    "keep-graph": Message(
        en="Remove detach(), .data, no_grad() and NumPy from the way between layers and loss.",
        zh="去掉从层到损失之间的 detach()、.data、no_grad() 和 NumPy。",
    ),
    "train-mode": Message(en="Call model.train() before training goes on.", zh="继续训练前调用 model.train()。"),
    "eval-mode": Message(
        en="Call model.eval() before evaluating, and model.train() after.",
            zh="评估前调用 model.eval()，之后调用 model.train()。"
    ),
    "pass-training": Message(
        en="Write F.dropout(x, p, training=self.training), or use nn.Dropout.",
        zh="写成 F.dropout(x, p, training=self.training)，或使用 nn.Dropout。",
    ),
    "freeze-statistics": Message(
        en="Put frozen batch norms in evaluation mode, again after each model.train().",
        zh="把被冻结的批归一化设为评估模式，并在每次 model.train() 之后重新设置。",
    ),
    "group-norm": Message(
        en="Use group or layer norm, or larger batches.", zh="使用组归一化或层归一化，或增大批次。"
    ),
    "early-stopping": Message(
        en="Stop where held-out loss was lowest, and keep those weights.", zh="在验证损失最低处停止，并保留当时的权重。"
    ),
    "regularize": Message(
        en="Get more data or augment it; add dropout or weight decay.",
            zh="增加数据或做数据增强；加入 dropout 或权重衰减。"
    ),
    "enlarge": Message(en="Make the model wider or deeper.", zh="加宽或加深模型。"),
    "regularize-less": Message(en="Lower dropout and weight decay.", zh="降低 dropout 与权重衰减。"),
    "slow-discriminator": Message(
        en="Lower the discriminator's rate, or smooth its labels; use a loss that keeps its gradient (hinge, WGAN-GP).",
        zh="降低判别器的学习率或平滑其标签；使用能保持梯度的损失（hinge、WGAN-GP）。",
    ),
    "fast-discriminator": Message(
        en="Raise the discriminator's rate or capacity, or step it more often.",
        zh="提高判别器的学习率或容量，或让它更多地更新。",
    ),
    "diversity": Message(
        en="Balance the two rates (discriminator up to 4 times the generator's), let the discriminator see the batch's "
        "spread, "
        "or use WGAN-GP.",
        zh="平衡两者的学习率（判别器不超过生成器的 4 倍），让判别器看到批次的多样性，或使用 WGAN-GP。",
    ),
    "warm-up-kl": Message(
        en="Weight the KL term less, raise it slowly, or allow free bits.",
            zh="减小 KL 项的权重，缓慢增大，或使用 free bits。"
    ),
    "even-kernel": Message(
        en="Make the kernel a multiple of the stride (4 and 2), or resize and convolve.",
        zh="使卷积核大小为步幅的整数倍（如 4 与 2），或先放大再卷积。",
    ),
    "broadcast-start": Message(
        en="Let all processes begin alike (DistributedDataParallel does, or broadcast the weights from process 0), and "
        "change weights, rates and clipping in all of them alike afterwards.",
        zh="让所有进程从相同的权重开始（DistributedDataParallel 会这样做，或从进程 0 广播权重），"
        "之后对权重、学习率和裁剪的改动也要一致。",
    ),
    "even-load": Message(
        en="Give all processes equal work: as many examples and as long ones, data read by as fast a disk, as many "
        "threads; what only one process does (logging, evaluation) goes elsewhere or is shared.",
        zh="让各进程的工作量相同：样本数与长度相同，磁盘与线程数相当；只由一个进程做的事（日志、评估）移到别处或分摊。",
    ),
    "read-causes": Message(
        en="See the causes below: this is a symptom.", zh="见下面的原因：这只是一个症状。"
    ),
}  # fmt: skip

BY_ID: dict[str, tuple[str, ...]] = {
    "vanishing-gradient": ("initialize", "normalize-layers", "swap-activation", "add-residual"),
    "exploding-gradient": ("initialize", "normalize-layers", "lower-learning-rate"),
    "vanishing-signal": ("initialize", "normalize-layers", "swap-activation"),
    "exploding-signal": ("initialize", "scale-inputs", "normalize-layers"),
    "dead-units": ("initialize", "lower-learning-rate", "leaky", "normalize-layers"),
    "saturated-units": ("initialize", "scale-inputs", "swap-activation"),
    "bad-initialization": ("initialize", "normalize-layers"),
    "initial-loss": ("initialize", "scale-inputs"),
    "symmetric-initialization": ("initialize",),
    "missing-nonlinearity": ("add-nonlinearity",),
    "vanishing-through-time": ("gated", "initialize"),
    "exploding-through-time": ("clip-gradient", "initialize", "gated"),
    "learning-rate-too-high": ("lower-learning-rate",),
    "learning-rate-too-low": ("raise-learning-rate",),
    "large-updates": ("lower-learning-rate",),
    "small-updates": ("raise-learning-rate",),
    "divergence": ("lower-learning-rate", "read-causes"),
    "oscillation": ("lower-learning-rate", "shuffle"),
    "optimizer-epsilon-too-large": ("default-epsilon",),
    "under-trained": ("train-longer", "raise-learning-rate"),
    "summed-loss": ("mean-loss", "lower-learning-rate"),
    "loss-sign": ("flip-sign",),
    "non-finite": ("lower-learning-rate", "clean-data", "stable-loss"),
    "non-finite-input": ("clean-data",),
    "unstable-loss": ("stable-loss",),
    "overflow": ("bound-exponent",),
    "softmax-twice": ("return-logits",),
    "softmax-wrong-axis": ("class-axis",),
    "softmax-single-unit": ("sigmoid-output",),
    "missing-log": ("add-log",),
    "loss-output-mismatch": ("fit-loss",),
    "output-range": ("linear-output",),
    "nonlinear-logits": ("return-logits",),
    "broadcast-loss": ("match-shapes",),
    "unscaled-inputs": ("scale-inputs",),
    "unscaled-targets": ("scale-targets",),
    "feature-scale": ("scale-inputs",),
    "constant-inputs": ("drop-constants",),
    "train-validation-mismatch": ("same-transform",),
    "leakage": ("split-again",),
    "labels-unrelated": ("check-labels", "same-transform"),
    "noisy-labels": ("clean-labels", "early-stopping"),
    "class-imbalance": ("balance",),
    "unshuffled-data": ("shuffle",),
    "duplicate-augmentation": ("seed-once",),
    "batch-mixing": ("keep-batch-axis",),
    "missing-zero-grad": ("zero-grad",),
    "missing-step": ("call-step",),
    "stale-optimizer": ("remake-optimizer",),
    "parameters-not-in-optimizer": ("hold-all",),
    "unregistered-parameters": ("register",),
    "frozen-parameters": ("unfreeze",),
    "detached-graph": ("keep-graph",),
    "training-in-eval-mode": ("train-mode",),
    "evaluation-in-train-mode": ("eval-mode",),
    "dropout-in-evaluation": ("pass-training",),
    "batch-norm-drift": ("freeze-statistics",),
    "batch-norm-tiny-batch": ("group-norm",),
    "generalization-gap": ("regularize", "early-stopping"),
    "validation-rising": ("early-stopping", "regularize"),
    "overfitting": ("early-stopping", "regularize"),
    "underfitting": ("enlarge", "train-longer"),
    "over-regularization": ("regularize-less",),
    "plateau": ("lower-learning-rate", "enlarge"),
    "no-learning": ("read-causes",),
    "constant-prediction": ("read-causes",),
    "curve-reading": ("early-stopping",),
    "mode-collapse": ("diversity",),
    "discriminator-dominates": ("slow-discriminator",),
    "generator-dominates": ("fast-discriminator",),
    "posterior-collapse": ("warm-up-kl",),
    "checkerboard": ("even-kernel",),
    "desynchronised-rank": ("broadcast-start",),
    "straggler": ("even-load",),
}


def remedies_for(identity: str) -> tuple[Remedy, ...]:
    """What to do about a symptom or cause, in order, in the current language."""
    return tuple(Remedy(id=each, text=WORDS[each].say()) for each in BY_ID[identity])
