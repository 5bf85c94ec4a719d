"""What can be done to the rate, the optimizer, and how much is fitted."""

from gradus.core.text import Message
from gradus.diagnosis.remedy_cards.card import RemedyCard

TRAINING = (
    RemedyCard(
        id="clip-gradient",
        text=Message(
            en="Clip the gradient: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0) before the step.",
            zh="在 step 之前裁剪梯度：torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)。",
        ),
        why=Message(
            en="Where the loss has a cliff, as through time, the gradient points far beyond where it is valid; "
            "clipping bounds the step and keeps its direction.",
            zh="损失面上有峭壁时（如沿时间展开），梯度远超其有效范围；裁剪限制步长而保持方向。",
        ),
        source="Pascanu et al. (2013), arXiv:1211.5063, algorithm 1; measured here: it does not mend "
        "initialization or the rate",
    ),
    RemedyCard(
        id="lower-learning-rate",
        text=Message(
            en="Lower the learning rate to a tenth; a range test finds the right one.",
            zh="把学习率降到十分之一；用范围测试可找到合适的值。",
        ),
        why=Message(
            en="Descent along a direction of curvature c diverges where the rate is above 2/c.",
            zh="沿曲率为 c 的方向，学习率大于 2/c 时下降发散。",
        ),
        source="Goodfellow et al. (2016), section 8.2; measured here: a tenth 0.10 to 0.97",
    ),
    RemedyCard(
        id="raise-learning-rate",
        text=Message(
            en="Raise the learning rate tenfold; a range test finds the right one.",
            zh="把学习率提高十倍；用范围测试可找到合适的值。",
        ),
        why=Message(
            en="Steps of a rate far below 1/curvature cover almost no distance in the steps there are.",
            zh="学习率远小于曲率的倒数时，有限的步数几乎走不了多远。",
        ),
        source="Bengio (2012), arXiv:1206.5533, section 3.1.1",
    ),
    RemedyCard(
        id="range-test",
        text=Message(
            en="Set the learning rate by a range test, once initialization and layers are in order.",
            zh="初始化与各层正常之后，用范围测试设定学习率。",
        ),
        why=Message(
            en="A rate raised step by step shows where the loss falls fastest and where it breaks; just below "
            "that is as fast as is safe.",
            zh="逐步提高学习率，可看出损失下降最快与开始发散之处；略低于后者即又快又稳。",
        ),
        source="Smith (2017), arXiv:1506.01186, section 3.3; measured here: rates too high and too low 0.10 to 0.96",
    ),
    RemedyCard(
        id="schedule",
        text=Message(
            en="Warm the learning rate up over the first steps, and let it decay afterwards.",
            zh="开始时逐步提高学习率（预热），之后逐渐降低。",
        ),
        why=Message(
            en="Early on the curvature is large and an adaptive method's averages rest on few steps, so that "
            "small steps are safe; late, only a falling rate averages the gradient's noise away.",
            zh="训练初期曲率大、自适应估计尚不可靠，宜用小步长；后期只有降低学习率才能消除梯度噪声。",
        ),
        source="Goyal et al. (2017), arXiv:1706.02677, section 2.2; Loshchilov & Hutter (2017), arXiv:1608.03983, "
        "eq. 5",
    ),
    RemedyCard(
        id="switch-optimizer",
        text=Message(
            en="Use AdamW, with a rate of about 1e-3.",
            zh="使用 AdamW，学习率约 1e-3。",
        ),
        why=Message(
            en="Adam divides each parameter's step by the size of its own gradients, so that layers of very "
            "different gradients move alike.",
            zh="Adam 用各参数自身的梯度大小来缩放步长，使梯度悬殊的各层以相近的速度更新。",
        ),
        source="Kingma & Ba (2015), arXiv:1412.6980, algorithm 1; Loshchilov & Hutter (2019), arXiv:1711.05101",
    ),
    RemedyCard(
        id="default-epsilon",
        text=Message(
            en="Set the optimizer's eps back to 1e-8.",
            zh="把优化器的 eps 改回 1e-8。",
        ),
        why=Message(
            en="Where eps is above the root of the second moment, the step is the gradient divided by eps: no "
            "more adaptive, and small.",
            zh="eps 大于二阶矩的平方根时，步长等于梯度除以 eps：既不自适应，又很小。",
        ),
        source="Kingma & Ba (2015), arXiv:1412.6980, section 2.1",
    ),
    RemedyCard(
        id="train-longer",
        text=Message(
            en="Train for more epochs.",
            zh="训练更多轮。",
        ),
        why=Message(
            en="The loss still falls: the optimum of this model is not reached yet.",
            zh="损失仍在下降：尚未到达该模型的最优点。",
        ),
        source="Hoffer et al. (2017), arXiv:1705.08741, section 5",
    ),
    RemedyCard(
        id="early-stopping",
        text=Message(
            en="Stop where held-out loss was lowest, and keep those weights.",
            zh="在验证损失最低处停止，并保留当时的权重。",
        ),
        why=Message(
            en="Descent fits the directions of large variance first and the noise last; stopping between the two "
            "is like weight decay of 1 / (rate * steps).",
            zh="下降先拟合方差大的方向，最后拟合噪声；在两者之间停下相当于强度为 1 /（学习率 × 步数）的权重衰减。",
        ),
        source="Goodfellow et al. (2016), section 7.8, eq. 7.40; Prechelt (1998)",
    ),
    RemedyCard(
        id="augment",
        text=Message(
            en="Get more data, or vary what there is: shifts, flips, crops, noise.",
            zh="获取更多数据，或对现有数据做平移、翻转、裁剪、加噪。",
        ),
        why=Message(
            en="Copies that a change leaves in their class make the training set larger in just the directions "
            "that must not matter.",
            zh="不改变类别的变换恰在不应影响结果的方向上扩大训练集。",
        ),
        source="Simard et al. (2003), section 2",
    ),
    RemedyCard(
        id="dropout",
        text=Message(
            en="Add dropout before the linear layers, or raise it.",
            zh="在线性层前加入 dropout，或提高其比例。",
        ),
        why=Message(
            en="Every step trains another sub-network, and evaluation averages them, so that units cannot rely on "
            "one another.",
            zh="每步训练一个不同的子网络，评估时取平均，单元之间无法相互依赖。",
        ),
        source="Srivastava et al. (2014), section 4",
    ),
    RemedyCard(
        id="weight-decay",
        text=Message(
            en="Add weight decay, or raise it.",
            zh="加入权重衰减，或加大其强度。",
        ),
        why=Message(
            en="Shrinking weights each step keeps small those that the loss does not hold in place, and with them "
            "the function's slope.",
            zh="每步缩小权重，使损失不需要的权重保持很小，函数也因此更平缓。",
        ),
        source="Krogh & Hertz (1992); Loshchilov & Hutter (2019), arXiv:1711.05101, eq. 1",
    ),
    RemedyCard(
        id="regularize-less",
        text=Message(
            en="Lower dropout and weight decay.",
            zh="降低 dropout 与权重衰减。",
        ),
        why=Message(
            en="Dropout and decay trade training error for variance; where both errors are high there is no "
            "variance to trade.",
            zh="dropout 与衰减以训练误差换取更小的方差；两种误差都高时已无方差可换。",
        ),
        source="Goodfellow et al. (2016), sections 5.4 and 7.1",
    ),
    RemedyCard(
        id="hold-all",
        text=Message(
            en="Give the optimizer all parameters: model.parameters().",
            zh="把全部参数交给优化器：model.parameters()。",
        ),
        why=Message(
            en="What the optimizer does not hold gets a gradient and no step: it stays as it was drawn.",
            zh="优化器未持有的参数有梯度却不更新，永远停在初始值。",
        ),
        source="torch.optim, `Optimizer.add_param_group`",
    ),
    RemedyCard(
        id="unfreeze",
        text=Message(
            en="Set requires_grad_(True) on layers that are to learn.",
            zh="对需要学习的层设置 requires_grad_(True)。",
        ),
        why=Message(
            en="Without a gradient a layer keeps the features it was drawn with, and those after it can only "
            "recombine them.",
            zh="没有梯度的层保持初始特征，其后的层只能重新组合它们。",
        ),
        source="Yosinski et al. (2014), arXiv:1411.1792, section 4",
    ),
)
