"""A small ReLU network is trained to give back a one-dimensional signal (an identity encoder), with plain gradient
descent and clipped gradients.

After https://www.e-learn.cn/topic/463140 (Stack Overflow: Intermediate layer makes tensorflow optimizer to stop working)
"""
# cause: bad-initialization
# accept: vanishing-gradient
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

DEPTH_1 = 16
OUT_DEPTH = 1
BATCH = 16
STEPS = 1500


def init_layer(layer):
    nn.init.normal_(layer.weight, 0.0, 1e-3)  # FAULT
    nn.init.normal_(layer.bias, 0.0, 1e-3)  # FAULT
    # TWIN: nn.init.xavier_uniform_(layer.weight, gain=nn.init.calculate_gain("relu"))
    # TWIN: nn.init.constant_(layer.bias, 0.1)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(1, DEPTH_1)
        self.mid = nn.Linear(DEPTH_1, DEPTH_1)
        self.out = nn.Linear(DEPTH_1, OUT_DEPTH)
        for layer in (self.inp, self.mid, self.out):
            init_layer(layer)

    def forward(self, i):
        o = F.relu(self.inp(i))
        o1 = F.relu(self.mid(o))
        o2 = self.out(o1)
        return 2.0 * o2


def clip(parameters, limit):
    for p in parameters:
        p.grad.clamp_(-limit, limit)


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    torch.set_num_threads(1)

    net = Encoder()
    opt = torch.optim.SGD(net.parameters(), lr=0.02)

    for step in range(STEPS):
        signal = torch.tensor(2.0 * rng.random((BATCH, 1)) - 1.0, dtype=torch.float32)
        estimate = net(signal)
        distance = ((signal - estimate) ** 2).mean()
        opt.zero_grad()
        distance.backward()
        clip(net.parameters(), 4.5)
        opt.step()
        if step % 150 == 0 or step == STEPS - 1:
            print(f"{step:5d}  distance {distance.item():.6f}  W[0] {net.inp.weight[0, 0].item():+.5f}")

    net.eval()
    with torch.no_grad():
        signal = torch.tensor(2.0 * rng.random((500, 1)) - 1.0, dtype=torch.float32)
        estimate = net(signal)
        for k in range(5):
            print(f"in {signal[k].item():+.3f}   out {estimate[k].item():+.3f}")
        rest = ((signal - estimate) ** 2).sum()
        total = ((signal - signal.mean()) ** 2).sum()
        r2 = 1.0 - (rest / total).item()
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
