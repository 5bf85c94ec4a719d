"""What can be done to the data."""

from gradus.core.text import Message
from gradus.diagnosis.remedy_cards.card import RemedyCard

DATA = (
    RemedyCard(
        id="clean-data",
        text=Message(
            en="Find and replace the values: assert torch.isfinite(x).all() on every batch.",
            zh="找出并替换这些值：对每个批次执行 assert torch.isfinite(x).all()。",
        ),
        why=Message(
            en="One NaN in a batch makes every mean over it, and so every gradient, NaN.",
            zh="批次中一个 NaN 会使所有平均值和梯度都成为 NaN。",
        ),
        source="IEEE 754-2019, section 6.2",
    ),
    RemedyCard(
        id="scale-inputs",
        text=Message(
            en="Scale inputs to mean 0 and deviation 1, by figures of the training split.",
            zh="用训练集的统计量把输入缩放到均值 0、标准差 1。",
        ),
        why=Message(
            en="The curvature of the loss goes with the square of an input's scale, so that no one rate suits "
            "columns of different scales.",
            zh="损失的曲率与输入尺度的平方成正比，尺度不同的列没有共同合适的学习率。",
        ),
        source="LeCun et al. (1998), Efficient BackProp, section 4.3",
    ),
    RemedyCard(
        id="scale-targets",
        text=Message(
            en="Scale targets to mean 0 and deviation 1, and scale predictions back.",
            zh="把目标缩放到均值 0、标准差 1，再把预测还原。",
        ),
        why=Message(
            en="A network begins near outputs of size 1; targets of size s make gradients of size s, and of s^2 "
            "in the loss.",
            zh="网络初始输出约为 1；大小为 s 的目标使梯度约为 s，损失约为 s^2。",
        ),
        source="LeCun et al. (1998), Efficient BackProp, section 4.5",
    ),
    RemedyCard(
        id="leave-out",
        text=Message(
            en="Leave out this step, unless it is meant: it is of the kind that brings this about.",
            zh="去掉这一步（除非确有用意）：这类操作会造成该问题。",
        ),
        why=Message(
            en="Where the kind of a fault is known, what a program does beyond what it needs is its likeliest place.",
            zh="已知问题类型时，程序中多余的步骤最可能是问题所在。",
        ),
        source="Zeller and Hildebrandt (2002), Simplifying and isolating failure-inducing input",
    ),
    RemedyCard(
        id="drop-constants",
        text=Message(
            en="Check the preprocessing: drop constant columns, and divide by the data's own deviation.",
            zh="检查预处理：去掉常数列，并除以数据自身的标准差。",
        ),
        why=Message(
            en="A constant column acts as a large bias, which only makes the problem ill-conditioned.",
            zh="常数列相当于很大的偏置，只会使问题病态。",
        ),
        source="LeCun et al. (1998), Efficient BackProp, section 4.3",
    ),
    RemedyCard(
        id="same-transform",
        text=Message(
            en="Pass held-out inputs through the very transform fitted to the training inputs.",
            zh="对验证输入使用在训练输入上拟合的同一变换。",
        ),
        why=Message(
            en="The network has learned a function of scaled inputs; other figures move every held-out example.",
            zh="网络学到的是缩放后输入的函数；换用其他统计量会移动所有验证样本。",
        ),
        source="Kaufman et al. (2012), Leakage in data mining",
    ),
    RemedyCard(
        id="split-again",
        text=Message(
            en="Remove the column, hide later steps, and split so that no example is on both sides.",
            zh="去掉该列，遮住之后的步，并重新划分，使任何样本不同时出现在两边。",
        ),
        why=Message(
            en="A score over what was trained on, or with the answer among the inputs, says nothing of new data.",
            zh="在训练过的样本上、或输入中含有答案时得到的分数，不能说明新数据上的表现。",
        ),
        source="Kaufman et al. (2012), Leakage in data mining",
    ),
    RemedyCard(
        id="look-back",
        text=Message(
            en="Let every step see itself and earlier ones only: a causal mask, or recurrent layers in one direction.",
            zh="让每一步只看到自己和之前的步：使用因果掩码，或单向的循环层。",
        ),
        why=Message(
            en="A model that is shown the next step copies it, and has none to copy where it is used.",
            zh="能看到下一步的模型只会照抄，而在使用时并没有下一步可抄。",
        ),
        source="Vaswani et al. (2017), section 3.2.3",
    ),
    RemedyCard(
        id="check-labels",
        text=Message(
            en="Check by hand that labels belong to their inputs: shuffle both with the same permutation.",
            zh="人工核对标签与输入是否对应：用同一个排列打乱两者。",
        ),
        why=Message(
            en="Labels that do not depend on inputs can be memorized and not learned: held-out accuracy stays at "
            "chance.",
            zh="与输入无关的标签只能被记住而学不到：验证准确率停在随机水平。",
        ),
        source="Zhang et al. (2017), arXiv:1611.03530, section 2",
    ),
    RemedyCard(
        id="clean-labels",
        text=Message(
            en="Read the examples with the highest loss; use label smoothing or stop early.",
            zh="检查损失最高的样本；使用标签平滑或提前停止。",
        ),
        why=Message(
            en="Networks learn the examples that agree first and memorize wrong labels later, at a high loss "
            "until then.",
            zh="网络先学到一致的样本，后记住错误标签，此前这些样本损失很高。",
        ),
        source="Arpit et al. (2017), arXiv:1706.05394; Szegedy et al. (2016), arXiv:1512.00567, section 7",
    ),
    RemedyCard(
        id="balance",
        text=Message(
            en="Weight the classes in the loss, or sample them evenly (WeightedRandomSampler).",
            zh="在损失中给类别加权，或均衡采样（WeightedRandomSampler）。",
        ),
        why=Message(
            en="A mean over examples weighs a class by its share, so that naming the largest class is nearly optimal.",
            zh="按样本平均时，类别的权重等于其占比，总答最大类几乎就是最优。",
        ),
        source="He & Garcia (2009), Learning from imbalanced data, section 3",
    ),
    RemedyCard(
        id="shuffle",
        text=Message(
            en="Shuffle the training data: DataLoader(..., shuffle=True).",
            zh="打乱训练数据：DataLoader(..., shuffle=True)。",
        ),
        why=Message(
            en="The gradient of a batch estimates that of the data only if the batch is drawn at random; one "
            "class at a time undoes the last.",
            zh="只有随机抽取时，批次的梯度才是全体梯度的无偏估计；逐类训练会抹去前一类所学。",
        ),
        source="Bottou (2012), Stochastic gradient descent tricks, section 4.1",
    ),
    RemedyCard(
        id="seed-once",
        text=Message(
            en="Set seeds once, before training; in data workers derive them from torch.initial_seed().",
            zh="只在训练前设置一次种子；数据进程中由 torch.initial_seed() 派生。",
        ),
        why=Message(
            en="The same random numbers every time are one augmentation, seen again and again.",
            zh="每次都用相同的随机数，等于反复只见一种增强。",
        ),
        source="PyTorch, Randomness in multi-process data loading",
    ),
    RemedyCard(
        id="keep-batch-axis",
        text=Message(
            en="Keep axis 0 for the batch: flatten(1), and check every view, reshape and transpose.",
            zh="第 0 轴留给批次：用 flatten(1)，并检查每个 view、reshape 和 transpose。",
        ),
        why=Message(
            en="view and reshape read memory in order: with other axes they mix numbers of different examples.",
            zh="view 与 reshape 按内存顺序读取：轴弄错会把不同样本的数混在一起。",
        ),
        source="torch.Tensor.view",
    ),
)
