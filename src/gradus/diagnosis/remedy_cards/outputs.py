"""What can be done to outputs, losses and generators."""

from gradus.core.text import Message
from gradus.diagnosis.remedy_cards.card import RemedyCard

OUTPUTS = (
    RemedyCard(
        id="return-logits",
        text=Message(
            en="Return the last layer's outputs as they are; apply softmax or sigmoid only to read probabilities.",
            zh="直接返回最后一层的输出；只有在需要概率时才做 softmax 或 sigmoid。",
        ),
        why=Message(
            en="cross_entropy applies softmax itself; over probabilities it can tell classes apart by a factor e "
            "at most, and gradients nearly vanish.",
            zh="cross_entropy 自带 softmax；再作用于概率时，各类之间至多相差 e 倍，梯度几乎消失。",
        ),
        source="torch.nn.CrossEntropyLoss; Goodfellow et al. (2016), section 6.2.2.3",
    ),
    RemedyCard(
        id="class-axis",
        text=Message(
            en="Use dim=1, or dim=-1 where classes come last; for attention the axis of what is attended to.",
            zh="使用 dim=1；类别在最后一轴时用 dim=-1；注意力则沿被关注对象的轴。",
        ),
        why=Message(
            en="Probabilities must sum to 1 over the classes of one example, not over the examples of one class.",
            zh="概率应在单个样本的各类别上求和为 1，而不是在同一类别的各样本上。",
        ),
        source="torch.nn.functional.softmax",
    ),
    RemedyCard(
        id="sigmoid-output",
        text=Message(
            en="For one output unit use BCEWithLogitsLoss on its raw value.",
            zh="单个输出单元应对原始值使用 BCEWithLogitsLoss。",
        ),
        why=Message(
            en="The softmax of one number is 1, whatever it is: no gradient.",
            zh="单个数的 softmax 恒为 1，因而没有梯度。",
        ),
        source="Goodfellow et al. (2016), section 6.2.2.2",
    ),
    RemedyCard(
        id="add-log",
        text=Message(
            en="Use log_softmax before nll_loss, or cross_entropy on the raw outputs.",
            zh="在 nll_loss 前使用 log_softmax，或对原始输出使用 cross_entropy。",
        ),
        why=Message(
            en="nll_loss takes the logarithm to have been taken: without it the loss is bounded and its gradient "
            "small where the answer is wrong.",
            zh="nll_loss 假定已取对数；否则损失有界，且答错时梯度很小。",
        ),
        source="torch.nn.NLLLoss",
    ),
    RemedyCard(
        id="fit-loss",
        text=Message(
            en="Choose the loss by the target: cross_entropy for classes, binary_cross_entropy_with_logits for "
            "yes or no, a squared error for quantities.",
            zh="按目标选择损失：类别用 cross_entropy，是非用 binary_cross_entropy_with_logits，数量用平方误差。",
        ),
        why=Message(
            en="Each loss is the negative logarithm of a likelihood; another likelihood has its optimum elsewhere.",
            zh="每种损失都是某个似然的负对数；换成别的似然，最优点也不同。",
        ),
        source="Goodfellow et al. (2016), section 6.2.1",
    ),
    RemedyCard(
        id="linear-output",
        text=Message(
            en="Leave the output linear, or scale the targets into the activation's range.",
            zh="输出层保持线性，或把目标缩放到激活函数的值域内。",
        ),
        why=Message(
            en="An output of bounded range cannot reach targets outside it, and saturates in the attempt.",
            zh="值域有限的输出达不到域外的目标，并会在此过程中饱和。",
        ),
        source="Goodfellow et al. (2016), section 6.2.2.1",
    ),
    RemedyCard(
        id="match-shapes",
        text=Message(
            en="Give outputs and targets the same shape: output.squeeze(1), or target.unsqueeze(1).",
            zh="让输出与目标形状一致：output.squeeze(1) 或 target.unsqueeze(1)。",
        ),
        why=Message(
            en="(N, 1) against (N,) broadcasts to (N, N): every output is compared with every target, and the "
            "best answer is their mean.",
            zh="(N, 1) 与 (N,) 会广播成 (N, N)：每个输出与所有目标比较，最优答案只能是均值。",
        ),
        source="NumPy, broadcasting; torch.nn.functional.mse_loss",
    ),
    RemedyCard(
        id="mean-loss",
        text=Message(
            en='Average over the batch (reduction="mean"), or divide the rate by the batch size.',
            zh='对批次取平均（reduction="mean"），或把学习率除以批大小。',
        ),
        why=Message(
            en="The gradient of a sum grows with the batch, and with it the step: a rate means the same only for "
            "a mean.",
            zh="求和损失的梯度随批次增大，步长也随之增大；只有取平均时学习率的含义才不变。",
        ),
        source="Goyal et al. (2017), arXiv:1706.02677, section 2.1",
    ),
    RemedyCard(
        id="flip-sign",
        text=Message(
            en="Minimize the loss: take the minus sign away.",
            zh="应最小化损失：去掉负号。",
        ),
        why=Message(
            en="Descent makes its objective small; of a likelihood or reward it must be given the negative.",
            zh="下降使目标变小；对似然或回报应取其负值。",
        ),
        source="Goodfellow et al. (2016), section 5.5",
    ),
    RemedyCard(
        id="stable-loss",
        text=Message(
            en="Use the fused loss on logits: cross_entropy, binary_cross_entropy_with_logits, log_softmax; add "
            "an epsilon under roots; mask with -1e9, not with -inf.",
            zh="对 logits 使用合并的损失："
            "cross_entropy、binary_cross_entropy_with_logits、log_softmax；根号下加 epsilon；掩码用 -1e9，不用 -inf。",
        ),
        why=Message(
            en="log(softmax(x)) computed apart is log 0 where a probability rounds to 0; together it is x - "
            "logsumexp(x), which never is.",
            zh="分开计算 log(softmax(x)) 时，概率舍入为 0 就得到 log 0；合并为 x - logsumexp(x) 则不会。",
        ),
        source="Goodfellow et al. (2016), section 4.1",
    ),
    RemedyCard(
        id="bound-exponent",
        text=Message(
            en="Bound what goes into exp, or scale inputs and targets; use bfloat16 or float32 instead of float16.",
            zh="限制 exp 的输入，或缩放输入与目标；用 bfloat16 或 float32 代替 float16。",
        ),
        why=Message(
            en="exp(x) leaves float16 above x = 11 and float32 above x = 88.",
            zh="x 大于 11 时 exp(x) 超出 float16，大于 88 时超出 float32。",
        ),
        source="IEEE 754-2019, table 3.5; Micikevicius et al. (2018), arXiv:1710.03740",
    ),
    RemedyCard(
        id="slow-discriminator",
        text=Message(
            en="Lower the discriminator's rate, or smooth its labels; use a loss that keeps its gradient (hinge, "
            "WGAN-GP).",
            zh="降低判别器的学习率或平滑其标签；使用能保持梯度的损失（hinge、WGAN-GP）。",
        ),
        why=Message(
            en="Where it is certain, log(1 - D) is flat and the generator gets no gradient.",
            zh="判别器确信时 log(1 - D) 变平，生成器得不到梯度。",
        ),
        source="Arjovsky & Bottou (2017), arXiv:1701.04862, theorem 2.4; Heusel et al. (2017), arXiv:1706.08500",
    ),
    RemedyCard(
        id="fast-discriminator",
        text=Message(
            en="Raise the discriminator's rate or capacity, or step it more often.",
            zh="提高判别器的学习率或容量，或让它更多地更新。",
        ),
        why=Message(
            en="The generator's gradient is worth as much as the discriminator behind it: near its optimum it is "
            "that of a distance.",
            zh="生成器的梯度取决于判别器：判别器接近最优时，它才是分布距离的梯度。",
        ),
        source="Goodfellow et al. (2014), arXiv:1406.2661, section 4; Heusel et al. (2017), arXiv:1706.08500",
    ),
    RemedyCard(
        id="diversity",
        text=Message(
            en="Balance the two rates (discriminator up to 4 times the generator's), let the discriminator see "
            "the batch's spread, or use WGAN-GP.",
            zh="平衡两者的学习率（判别器不超过生成器的 4 倍），让判别器看到批次的多样性，或使用 WGAN-GP。",
        ),
        why=Message(
            en="A discriminator that judges examples one by one cannot see that all are alike; one that sees the "
            "batch, or a distance between distributions, can.",
            zh="逐个判别样本时看不出样本彼此雷同；看到整个批次或衡量分布距离时才看得出。",
        ),
        source="Salimans et al. (2016), arXiv:1606.03498, section 3.2; Gulrajani et al. (2017), arXiv:1704.00028",
    ),
    RemedyCard(
        id="damp-players",
        text=Message(
            en="Damp both players: Adam's first beta at 0.5 or 0, lower rates, a penalty on the discriminator's slope "
            "(R1), and judge the moving average of the generator's weights.",
            zh="抑制双方的振荡：Adam 的第一个 beta 取 0.5 或 0，降低学习率，对判别器梯度加惩罚（R1），"
            "并使用生成器权重的滑动平均。",
        ),
        why=Message(
            en="Gradient steps of a game circle its equilibrium, and momentum widens the circle; friction, or the mean "
            "over a turn, leads to its centre.",
            zh="博弈中的梯度步绕着均衡点打转，动量使圈子变大；阻尼，或对一圈取平均，则趋向圆心。",
        ),
        source="Mescheder et al. (2018), arXiv:1801.04406, section 3; Yazici et al. (2019), arXiv:1806.04498",
    ),
    RemedyCard(
        id="warm-up-kl",
        text=Message(
            en="Weight the KL term less, raise it slowly, or allow free bits.",
            zh="减小 KL 项的权重，缓慢增大，或使用 free bits。",
        ),
        why=Message(
            en="At the start the code says little, and the price of saying something is paid at once: the "
            "cheapest answer is to say nothing.",
            zh="开始时编码携带的信息很少，而代价立刻要付：最省的办法是什么都不说。",
        ),
        source="Bowman et al. (2016), arXiv:1511.06349, section 3.1; Kingma et al. (2016), arXiv:1606.04934, "
        "appendix C",
    ),
    RemedyCard(
        id="even-kernel",
        text=Message(
            en="Make the kernel a multiple of the stride (4 and 2), or resize and convolve.",
            zh="使卷积核大小为步幅的整数倍（如 4 与 2），或先放大再卷积。",
        ),
        why=Message(
            en="A kernel that the stride does not divide covers some outputs more often than others.",
            zh="步幅不能整除卷积核时，有些输出被覆盖的次数多于其他输出。",
        ),
        source="Odena et al. (2016), Deconvolution and checkerboard artifacts",
    ),
)
