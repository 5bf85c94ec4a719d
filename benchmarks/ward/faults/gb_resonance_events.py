"""Particle physics: separate two-body resonance decays from a smooth background using the kinematics of two muons.

Each event is (pt, eta, phi) of both muons; the network sees these six numbers only, not the invariant mass.
"""
# cause: under-trained
# kind: dynamic

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def generate_events(n):
    is_signal = (torch.rand(n) < 0.5).float()
    eta1, eta2 = torch.randn(n) * 1.1, torch.randn(n) * 1.1
    dphi = (torch.rand(n) * 2 - 1) * math.pi
    phi1 = (torch.rand(n) * 2 - 1) * math.pi
    pt1 = 15 + torch.empty(n).exponential_(1 / 25.0)
    pt2_background = 15 + torch.empty(n).exponential_(1 / 20.0)
    # signal: the second momentum is what makes the pair weigh 91 +- 4 GeV
    angle = (torch.cosh(eta1 - eta2) - torch.cos(dphi)).clamp(min=0.3)
    mass = 91.0 + 4.0 * torch.randn(n)
    pt2_signal = mass**2 / (2 * pt1 * angle)
    pt2 = torch.where(is_signal > 0, pt2_signal, pt2_background).clamp(5, 400)
    phi2 = torch.remainder(phi1 + dphi + math.pi, 2 * math.pi) - math.pi
    return torch.stack([pt1, eta1, phi1, pt2, eta2, phi2], dim=1), is_signal


def features(events):
    pt1, eta1, phi1, pt2, eta2, phi2 = events.unbind(1)
    dphi = phi1 - phi2
    return torch.stack([pt1.log(), pt2.log(), eta1, eta2, torch.cos(dphi), torch.sin(dphi)], dim=1)


events, labels = generate_events(9000)
x = features(events)
x_train, y_train = x[:6000], labels[:6000]
x_val, y_val = x[6000:7500], labels[6000:7500]
x_test, y_test = x[7500:], labels[7500:]
mu, sigma = x_train.mean(0), x_train.std(0)
x_train, x_val, x_test = ((part - mu) / sigma for part in (x_train, x_val, x_test))

net = nn.Sequential(
    nn.Linear(6, 64),
    nn.SiLU(),
    nn.Linear(64, 64),
    nn.SiLU(),
    nn.Linear(64, 1),
)
bce = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.93)

for epoch in range(25):
    net.train()
    perm = torch.randperm(len(x_train))
    epoch_loss = 0.0
    for start in range(0, len(perm), 150):
        batch = perm[start : start + 150]
        optimizer.zero_grad()
        loss = bce(net(x_train[batch]).squeeze(1), y_train[batch])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(batch)
        scheduler.step()  # FAULT
    # TWIN: scheduler.step()
    if epoch % 4 == 0:
        net.eval()
        with torch.no_grad():
            val_logits = net(x_val).squeeze(1)
            val_acc = ((val_logits > 0).float() == y_val).float().mean().item()
        print(f"epoch {epoch:2d} loss {epoch_loss / len(perm):.4f} val acc {val_acc:.4f}")

net.eval()
with torch.no_grad():
    decision = (net(x_test).squeeze(1) > 0).float()
efficiency = decision[y_test == 1].mean().item()
fake_rate = decision[y_test == 0].mean().item()
print(f"signal efficiency {efficiency:.3f}, background acceptance {fake_rate:.3f}")
print(f"score: {(decision == y_test).float().mean().item():.4f}")
