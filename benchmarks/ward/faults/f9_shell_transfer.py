"""Shell classifier with a warm start: a denoising autoencoder is trained first, then its encoder goes into the network
that names the genus, which is fitted in the second stage."""
# cause: stale-optimizer
# accept: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

GENERA = 6


def outlines(n, forms):
    genus = torch.randint(0, GENERA, (n,))
    angle = torch.linspace(0, 6.283, 40)
    wave = forms[genus]
    radius = 1 + sum(wave[:, k, :1] * torch.sin((k + 2) * angle + wave[:, k, 1:]) for k in range(3))
    size = torch.rand(n, 1) * 0.4 + 0.8
    return 2 * (radius * size - 1) + 0.35 * torch.randn(n, 40), genus


def encoder():
    return nn.Sequential(nn.Linear(40, 48), nn.ReLU(), nn.Linear(48, 12), nn.ReLU())


class Classifier(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body
        self.head = nn.Linear(12, GENERA)

    def forward(self, x):
        return self.head(self.body(x))


def pretrain(x, epochs=4):
    body, decoder = encoder(), nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 40))
    optimizer = torch.optim.Adam([*body.parameters(), *decoder.parameters()], lr=2e-3)
    for epoch in range(epochs):
        for idx in torch.randperm(len(x)).split(64):
            loss = F.mse_loss(decoder(body(x[idx] + 0.2 * torch.randn(len(idx), 40))), x[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"pretraining {epoch} loss {loss.item():.4f}")
    return body


def main(seed):
    torch.manual_seed(seed)
    forms = 0.25 * torch.randn(GENERA, 3, 2)
    x, y = outlines(2000, forms)
    x_val, y_val = outlines(500, forms)
    model = Classifier(encoder())
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)  # FAULT
    model = Classifier(pretrain(x))
    # TWIN: optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        total = 0.0
        for idx in torch.randperm(len(x)).split(64):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            model.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        with torch.no_grad():
            acc = (model(x_val).argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch} loss {total / len(x):.4f} val acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
