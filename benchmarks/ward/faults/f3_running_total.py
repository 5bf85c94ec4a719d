"""Recurrent counter of rare events in an 80-step stream: the state is updated as h + relu(W [x, h]) with nothing to
hold it back, so it grows geometrically over the steps and its gradient with it."""
# cause: exploding-through-time
# kind: dynamic

import argparse

import torch
import torch.nn as nn


class StreamNet(nn.Module):
    def __init__(self, n_in=3, n_state=32):
        super().__init__()
        self.n_state = n_state
        self.update = nn.Linear(n_in + n_state, n_state)
        self.readout = nn.Linear(n_state, 1)

    def forward(self, x):
        h = torch.zeros(x.size(0), self.n_state)
        for t in range(x.size(1)):
            new = torch.relu(self.update(torch.cat([x[:, t], h], dim=1)))
            h = h + new  # FAULT
            # TWIN: h = 0.95 * h + 0.2 * new
        return self.readout(h).squeeze(1)


def streams(n, g):
    x = 0.5 * torch.randn(n, 80, 3, generator=g)
    x[:, :, 0] += 2.0 * (torch.rand(n, 80, generator=g) < 0.1)
    decay = 0.95 ** torch.arange(79, -1, -1)
    y = (x[:, :, 0].clamp(min=0) * decay).sum(1)
    return x, (y - 7.5) / 2


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("seed", nargs="?", type=int, default=0)
    args = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(args.seed)
    x, y = streams(1000, g)
    x_test, y_test = streams(300, g)

    net = StreamNet()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(15):
        losses = []
        for idx in torch.randperm(len(x)).split(50):
            opt.zero_grad()
            loss = nn.functional.smooth_l1_loss(net(x[idx]), y[idx])
            loss.backward()
            opt.step()
            losses.append(loss.item())
        print(f"epoch {epoch}: {sum(losses) / len(losses):.4f}")
    with torch.no_grad():
        close = ((net(x_test) - y_test).abs() < 0.5).float().mean().item()
    print(f"score: {close:.4f}")


if __name__ == "__main__":
    main()
