"""Three-bit weights and four-bit activations with learned step sizes, trained through the rounding (digits).

A float network is trained first, then fine-tuned with the quantizers switched on; evaluated as quantized.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


class LearnedStep(nn.Module):
    """Rounds to step * {low..high}; the gradient passes the rounding unchanged and reaches the step as well."""

    def __init__(self, low, high):
        super().__init__()
        self.low, self.high = low, high
        self.step = nn.Parameter(torch.ones(()))

    def calibrate(self, sample):
        self.step.data = 2 * sample.abs().mean() / self.high**0.5

    def forward(self, v):
        g = 1.0 / (v.numel() * self.high) ** 0.5
        step = (self.step - self.step * g).detach() + self.step * g
        scaled = (v / step).clamp(self.low, self.high)
        return ((scaled.round() - scaled).detach() + scaled) * step


class QuantLinear(nn.Linear):
    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out)
        self.weight_q = LearnedStep(-4, 3)
        self.input_q = LearnedStep(0, 15)
        self.quantized = False

    def forward(self, x):
        if not self.quantized:
            return super().forward(x)
        return nn.functional.linear(self.input_q(x), self.weight_q(self.weight), self.bias)


def switch_on(net, sample):
    x = sample
    with torch.no_grad():
        for layer in net:
            if isinstance(layer, QuantLinear):
                layer.weight_q.calibrate(layer.weight)
                layer.input_q.calibrate(x)
            x = layer(x)
    for layer in net:
        if isinstance(layer, QuantLinear):
            layer.quantized = True


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def fit(net, loader, optimizer, epochs, title):
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() / len(loader)
        print(f"{title} epoch {epoch + 1}: loss {total:.4f}")


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
images, labels = (torch.from_numpy(a) for a in load_digits(return_X_y=True))
images = images.float() / 16
order = torch.randperm(len(labels))
train_rows, test_rows = order[:1350], order[1350:]
loader = DataLoader(TensorDataset(images[train_rows], labels[train_rows]), batch_size=45, shuffle=True)

net = nn.Sequential(QuantLinear(64, 48), nn.ReLU(), QuantLinear(48, 48), nn.ReLU(), QuantLinear(48, 10))
real = [p for name, p in net.named_parameters() if not name.endswith("step")]
steps = [p for name, p in net.named_parameters() if name.endswith("step")]
fit(net, loader, torch.optim.Adam(real, lr=2e-3), 12, "float")
print(f"float accuracy {accuracy(net, images[test_rows], labels[test_rows]):.4f}")

switch_on(net, images[train_rows])
print(f"rounded without fine-tuning {accuracy(net, images[test_rows], labels[test_rows]):.4f}")
fine = torch.optim.Adam([{"params": real, "lr": 1e-3}, {"params": steps, "lr": 1e-3}])
fit(net, loader, fine, 12, "quantized")
print(f"score: {accuracy(net, images[test_rows], labels[test_rows]):.4f}")
