"""Direct-feedback learning: a custom autograd function sends the error backwards through fixed random matrices in place
of the transposed weights, so what lands in .grad of the hidden layers is not the gradient of the loss, and the network
learns all the same. Fixed feedback is held in buffers. Score: test accuracy on the digits.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

torch.set_num_threads(1)


class AlignedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, feedback):
        ctx.save_for_backward(x, feedback)
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, grad):
        x, feedback = ctx.saved_tensors
        return grad @ feedback, grad.T @ x, grad.sum(0), None


class FALayer(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(o, i) / math.sqrt(i))
        self.bias = nn.Parameter(torch.zeros(o))
        self.register_buffer("feedback", torch.randn(o, i) / math.sqrt(i))

    def forward(self, x):
        return AlignedLinear.apply(x, self.weight, self.bias, self.feedback)

    def angle(self):
        cos = F.cosine_similarity(self.weight.flatten(), self.feedback.flatten(), dim=0)
        return math.degrees(math.acos(cos.item()))


def evaluate(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    digits = load_digits()
    x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
    order = torch.randperm(len(x))
    tr, va, te = order[:1100], order[1100:1400], order[1400:]
    x = (x - x[tr].mean()) / x[tr].std()
    data = TensorDataset(x[tr], y[tr])
    batches = BatchSampler(RandomSampler(data), 32, drop_last=True)
    loader = DataLoader(data, sampler=batches, batch_size=None)
    net = nn.Sequential(FALayer(64, 96), nn.Tanh(), FALayer(96, 48), nn.Tanh(), FALayer(48, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)
    for epoch in range(1, 31):
        net.train()
        total = 0.0
        for xb, yb in loader:
            loss = F.cross_entropy(net(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        if epoch % 3 == 0:
            val_loss, acc = evaluate(net, x[va], y[va])
            angles = " ".join(f"{layer.angle():.0f}" for layer in net if isinstance(layer, FALayer))
            print(f"epoch {epoch}: train {total / len(loader):.4f} val {val_loss:.4f} acc {acc:.4f} angles {angles}")
    print(f"score: {evaluate(net, x[te], y[te])[1]:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
