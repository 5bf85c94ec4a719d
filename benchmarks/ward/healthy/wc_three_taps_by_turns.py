"""Three regression tasks by turns, one a step, from a shared trunk; each has a head of two layers, all in one
optimizer, gradients set to zero rather than None. Half of the targets can be known. Score: mean R2.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(12, 48), nn.ReLU())
        self.heads = nn.ModuleList(nn.Sequential(nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1)) for _ in range(3))

    def forward(self, x, task):
        return self.heads[task](self.trunk(x))[:, 0]


def main(seed):
    torch.manual_seed(seed)
    n, cut = 6000, 5000
    x = torch.randn(n, 12)
    w = torch.randn(12, 3) / 12**0.5
    y = 1.2 * (torch.tanh(x @ w) + 0.5 * (x[:, :3] * x[:, 3:6])) + torch.randn(n, 3)
    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=5e-4, weight_decay=1e-4)
    step = 0
    for epoch in range(1, 7):
        for task_batch in torch.randperm(cut).split(50):
            task = step % 3
            step += 1
            opt.zero_grad(set_to_none=False)
            loss = F.mse_loss(net(x[task_batch], task), y[task_batch, task])
            loss.backward()
            opt.step()
        with torch.no_grad():
            held = torch.stack([(net(x[cut:], k) - y[cut:, k]).square().mean() for k in range(3)])
        r2 = (1 - held / y[cut:].var(0)).mean().item()
        print(f"epoch {epoch}: loss {loss.item():.4f} R2 {r2:.4f}")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
