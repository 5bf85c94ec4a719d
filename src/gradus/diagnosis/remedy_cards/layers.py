"""What can be done to layers and their weights."""

from gradus.core.text import Message
from gradus.diagnosis.remedy_cards.card import RemedyCard

LAYERS = (
    RemedyCard(
        id="initialize",
        text=Message(
            en="Initialize weights for the activation that follows: Kaiming for rectifiers, Xavier for tanh.",
            zh="按后接的激活函数初始化权重：整流类用 Kaiming，tanh 用 Xavier。",
        ),
        why=Message(
            en="A layer multiplies the signal's variance by the number of its inputs times the variance of its "
            "weights, and depth compounds that; the right variance keeps it at 1.",
            zh="每层把信号的方差乘以输入数与权重方差之积，深度使其连乘；方差取得合适，这个因子就是 1。",
        ),
        source="Glorot & Bengio (2010), eq. 12; He et al. (2015), eq. 10; measured here: small weights 0.09 to 0.96",
    ),
    RemedyCard(
        id="reset-biases",
        text=Message(
            en="Set biases to 0 (an LSTM's forget gate to 1).",
            zh="把偏置设为 0（LSTM 的遗忘门设为 1）。",
        ),
        why=Message(
            en="A large bias decides the activation whatever the input is, so that its slope is that of one "
            "point; at 0 the input decides.",
            zh="过大的偏置使激活与输入无关，斜率固定在一点；偏置为 0 时由输入决定。",
        ),
        source="He et al. (2015), section 2.2; measured here: dead biases 0.09 to 0.95",
    ),
    RemedyCard(
        id="revive-units",
        text=Message(
            en="Draw the incoming weights of dead units anew, and forget the optimizer's moments of them.",
            zh="重新抽取死亡单元的输入权重，并清除优化器中对应的动量。",
        ),
        why=Message(
            en="A rectifier below 0 for every input passes no gradient, so no step can bring it back; new "
            "incoming weights can.",
            zh="对所有输入都小于 0 的整流单元不传梯度，任何更新都无法使其恢复；重新抽取输入权重则可以。",
        ),
        source="Sokar et al. (2023), arXiv:2302.12902, algorithm 1; measured here: dead biases 0.09 to 0.95",
    ),
    RemedyCard(
        id="normalize-layers",
        text=Message(
            en="Add batch norm (layer norm for small batches and recurrent nets) after the linear layers.",
            zh="在线性层后加批归一化（小批量与循环网络用层归一化）。",
        ),
        why=Message(
            en="Activations are brought to mean 0 and variance 1 in every layer, whatever the weights are, so "
            "that neither signal nor gradient shrinks or grows with depth.",
            zh="无论权重如何，每层的激活都变为均值 0、方差 1，信号与梯度不再随深度衰减或增大。",
        ),
        source="Ioffe & Szegedy (2015), arXiv:1502.03167, algorithm 1; Ba et al. (2016), arXiv:1607.06450; "
        "measured here: twelve sigmoid layers 0.20 to 0.97",
    ),
    RemedyCard(
        id="swap-activation",
        text=Message(
            en="Use ReLU, GELU or SiLU in hidden layers instead of sigmoid or tanh.",
            zh="隐藏层使用 ReLU、GELU 或 SiLU，代替 sigmoid 或 tanh。",
        ),
        why=Message(
            en="The slope of a sigmoid is at most 1/4, so n layers shrink a gradient to (1/4)^n or less; a "
            "rectifier's slope is 1.",
            zh="sigmoid 的斜率至多 1/4，n 层使梯度缩小到 (1/4)^n 以下；整流函数的斜率为 1。",
        ),
        source="Glorot et al. (2011), section 3; measured here: with Kaiming's weights 0.20 to 0.95",
    ),
    RemedyCard(
        id="leaky",
        text=Message(
            en="Start biases at 0, and use LeakyReLU or GELU, whose units cannot die.",
            zh="偏置从 0 开始，并使用不会死亡的 LeakyReLU 或 GELU。",
        ),
        why=Message(
            en="Its slope below 0 is not 0, so that every unit gets a gradient from every input and none can die.",
            zh="负半轴的斜率不为 0，每个单元总能得到梯度，不会死亡。",
        ),
        source="Maas et al. (2013), section 2; measured here: dead biases 0.09 to 0.93",
    ),
    RemedyCard(
        id="add-residual",
        text=Message(
            en="Add residual connections to deep stacks.",
            zh="在很深的网络中加入残差连接。",
        ),
        why=Message(
            en="The derivative of x + f(x) is 1 + f'(x): the gradient has a way back that nothing shrinks.",
            zh="x + f(x) 的导数为 1 + f'(x)：梯度有一条不被缩小的回路。",
        ),
        source="He et al. (2016), arXiv:1512.03385, eq. 1",
    ),
    RemedyCard(
        id="add-nonlinearity",
        text=Message(
            en="Put an activation between the linear layers.",
            zh="在线性层之间加入激活函数。",
        ),
        why=Message(
            en="Two linear layers in a row are one linear layer, whatever their width.",
            zh="两个相连的线性层等价于一个线性层，与宽度无关。",
        ),
        source="Hornik et al. (1989), theorem 2.1",
    ),
    RemedyCard(
        id="gated",
        text=Message(
            en="Use an LSTM or GRU, or a ReLU RNN with identity recurrent weights.",
            zh="使用 LSTM 或 GRU，或递归权重为单位矩阵的 ReLU RNN。",
        ),
        why=Message(
            en="A gate near 1 multiplies the state by nearly 1 each step, where a plain recurrence multiplies it "
            "by the same matrix T times.",
            zh="接近 1 的门每步几乎不改变状态，而普通循环把同一矩阵连乘 T 次。",
        ),
        source="Hochreiter & Schmidhuber (1997), section 4; Cho et al. (2014), arXiv:1406.1078, eq. 7; Le et al. "
        "(2015), arXiv:1504.00941",
    ),
    RemedyCard(
        id="pool-over-time",
        text=Message(
            en="Read the largest value, or the mean, of the states at all steps instead of the last state.",
            zh="读取所有时间步状态的最大值或均值，而不是最后一步的状态。",
        ),
        why=Message(
            en="Each state is then one step from the loss, however long the sequence.",
            zh="这样无论序列多长，每个状态离损失都只有一步。",
        ),
        source="Conneau et al. (2017), arXiv:1705.02364, section 3.2",
    ),
    RemedyCard(
        id="group-norm",
        text=Message(
            en="Use group or layer norm, or larger batches.",
            zh="使用组归一化或层归一化，或增大批次。",
        ),
        why=Message(
            en="Statistics of a batch of few examples are noise, and not those that evaluation uses; those of one "
            "example do not depend on the batch.",
            zh="样本很少时批统计量多为噪声，且与评估时所用的不同；单个样本内的统计量与批次无关。",
        ),
        source="Wu & He (2018), arXiv:1803.08494, figure 1",
    ),
    RemedyCard(
        id="freeze-statistics",
        text=Message(
            en="Put frozen batch norms in evaluation mode, again after each model.train().",
            zh="把被冻结的批归一化设为评估模式，并在每次 model.train() 之后重新设置。",
        ),
        why=Message(
            en="Running averages move in training mode even where weights do not, so that the frozen layer "
            "computes something else.",
            zh="训练模式下即使权重不动，滑动平均仍在变化，被冻结的层因而计算出不同的结果。",
        ),
        source="Ioffe & Szegedy (2015), arXiv:1502.03167, algorithm 2",
    ),
    RemedyCard(
        id="enlarge",
        text=Message(
            en="Make the model wider or deeper.",
            zh="加宽或加深模型。",
        ),
        why=Message(
            en="A wider or deeper network represents more functions, down to a smaller training error.",
            zh="更宽或更深的网络能表示更多函数，训练误差可以更小。",
        ),
        source="Goodfellow et al. (2016), section 5.2",
    ),
)
