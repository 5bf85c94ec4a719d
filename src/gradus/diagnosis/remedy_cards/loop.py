"""What can be done to the training loop."""

from gradus.core.text import Message
from gradus.diagnosis.remedy_cards.card import RemedyCard

LOOP = (
    RemedyCard(
        id="zero-grad",
        text=Message(
            en="Call optimizer.zero_grad() before each backward pass.",
            zh="每次反向传播前调用 optimizer.zero_grad()。",
        ),
        why=Message(
            en="backward adds to .grad: without clearing, each step uses the sum of all gradients so far.",
            zh="backward 会累加到 .grad：不清零时，每步用的是迄今所有梯度之和。",
        ),
        source="torch.optim.Optimizer.zero_grad",
    ),
    RemedyCard(
        id="call-step",
        text=Message(
            en="Call optimizer.step() after backward().",
            zh="在 backward() 之后调用 optimizer.step()。",
        ),
        why=Message(
            en="backward only computes gradients; step is what changes weights.",
            zh="backward 只计算梯度；改变权重的是 step。",
        ),
        source="torch.optim.Optimizer.step",
    ),
    RemedyCard(
        id="remake-optimizer",
        text=Message(
            en="Make the optimizer after the model has its final form.",
            zh="在模型最终确定之后再创建优化器。",
        ),
        why=Message(
            en="It holds tensors, not names: what replaces them later is not trained.",
            zh="优化器持有的是张量而不是名字：之后替换的参数不会被训练。",
        ),
        source="torch.optim, Constructing it",
    ),
    RemedyCard(
        id="register",
        text=Message(
            en="Keep layers in nn.ModuleList or nn.ModuleDict.",
            zh="用 nn.ModuleList 或 nn.ModuleDict 保存各层。",
        ),
        why=Message(
            en="Layers in a plain list are not among parameters(): they are not trained, moved or saved.",
            zh="放在普通列表里的层不在 parameters() 中：不会被训练、移动或保存。",
        ),
        source="torch.nn.ModuleList",
    ),
    RemedyCard(
        id="keep-graph",
        text=Message(
            en="Remove detach(), .data, no_grad() and NumPy from the way between layers and loss.",
            zh="去掉从层到损失之间的 detach()、.data、no_grad() 和 NumPy。",
        ),
        why=Message(
            en="Backward follows recorded operations; what is computed outside the record is a constant to it.",
            zh="反向传播沿记录的运算进行；记录之外的计算对它来说是常数。",
        ),
        source="PyTorch, Autograd mechanics",
    ),
    RemedyCard(
        id="train-mode",
        text=Message(
            en="Call model.train() before training goes on.",
            zh="继续训练前调用 model.train()。",
        ),
        why=Message(
            en="Dropout and batch norm's own statistics work in training mode alone.",
            zh="dropout 与批统计量只在训练模式下生效。",
        ),
        source="torch.nn.Module.train",
    ),
    RemedyCard(
        id="eval-mode",
        text=Message(
            en="Call model.eval() before evaluating, and model.train() after.",
            zh="评估前调用 model.eval()，之后调用 model.train()。",
        ),
        why=Message(
            en="In training mode dropout still removes units and batch norm still goes by the batch, and learns "
            "from held-out data.",
            zh="训练模式下 dropout 仍在丢弃单元，批归一化仍按批次计算并会学习验证数据。",
        ),
        source="torch.nn.Module.eval",
    ),
    RemedyCard(
        id="pass-training",
        text=Message(
            en="Write F.dropout(x, p, training=self.training), or use nn.Dropout.",
            zh="写成 F.dropout(x, p, training=self.training)，或使用 nn.Dropout。",
        ),
        why=Message(
            en="functional.dropout removes units unless told otherwise: evaluation is then noise around the answer.",
            zh="functional.dropout 默认丢弃单元：评估结果成为答案附近的噪声。",
        ),
        source="torch.nn.functional.dropout",
    ),
    RemedyCard(
        id="broadcast-start",
        text=Message(
            en="Let all processes begin alike (DistributedDataParallel does, or broadcast the weights from "
            "process 0), and change weights, rates and clipping in all of them alike afterwards.",
            zh="让所有进程从相同的权重开始（DistributedDataParallel 会这样做，或从进程 0 广播权重），"
            "之后对权重、学习率和裁剪的改动也要一致。",
        ),
        why=Message(
            en="Gradients are averaged over processes, weights are not: replicas that once differ never meet again.",
            zh="各进程间平均的是梯度而不是权重：副本一旦不同就不会再一致。",
        ),
        source="torch.nn.parallel.DistributedDataParallel; Li et al. (2020), arXiv:2006.15704, section 3.2",
    ),
    RemedyCard(
        id="even-load",
        text=Message(
            en="Give all processes equal work: as many examples and as long ones, data read by as fast a disk, as "
            "many threads; what only one process does (logging, evaluation) goes elsewhere or is shared.",
            zh="让各进程的工作量相同：样本数与长度相同，磁盘与线程数相当；只由一个进程做的事（日志、评估）移到别处或分摊。",
        ),
        why=Message(
            en="Every step waits for the slowest process, since its gradient is part of the mean.",
            zh="每一步都要等最慢的进程，因为平均值中有它的梯度。",
        ),
        source="Dean & Barroso (2013), The tail at scale; Li et al. (2020), arXiv:2006.15704, section 3.2",
    ),
    RemedyCard(
        id="read-causes",
        text=Message(
            en="See the causes below: this is a symptom.",
            zh="见下面的原因：这只是一个症状。",
        ),
        why=Message(
            en="The same symptom has several causes, and treating the wrong one helps little.",
            zh="同一症状可有多种原因，治错了几乎无用。",
        ),
        source="measured here: reference cases with several readings",
    ),
)
