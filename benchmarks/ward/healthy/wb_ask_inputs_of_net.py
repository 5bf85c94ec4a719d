"""Trains a classifier with batch norm and dropout, then looks for the smallest change of each held-out example that
changes its answer (Carlini and Wagner): an optimizer over the inputs, the net in evaluation mode. Score: accuracy
times share of examples whose answer changed.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(1400, 10)
    y = (x[:, 0] * x[:, 1] + x[:, 2] > 0).long()
    x, y, held_x, held_y = x[:1000], y[:1000], x[1000:], y[1000:]
    net = nn.Sequential(nn.Linear(10, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 64), nn.ReLU(),
                        nn.Linear(64, 2))  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(25):
        net.train()
        for rows in torch.randperm(1000).split(50):
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()
    with torch.no_grad():
        right = (net(held_x).argmax(1) == held_y).float().mean().item()
    print(f"accuracy {right:.4f}")

    clean = held_x[:100]
    answer = net(clean).argmax(1)
    delta = torch.zeros_like(clean, requires_grad=True)
    attack = torch.optim.Adam([delta], lr=0.03)
    for step in range(150):
        logits = net(clean + delta)
        said = logits.gather(1, answer[:, None]).squeeze(1)
        other = logits.gather(1, 1 - answer[:, None]).squeeze(1)
        loss = delta.square().sum(1).mean() + 2.0 * torch.relu(said - other + 0.2).mean()
        attack.zero_grad()
        loss.backward()
        attack.step()
        if step % 50 == 49:
            print(f"step {step}: loss {loss.item():.4f} size {delta.norm(dim=1).mean().item():.3f}")
    with torch.no_grad():
        changed = (net(clean + delta).argmax(1) != answer).float().mean().item()
    print(f"score: {right * changed:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
