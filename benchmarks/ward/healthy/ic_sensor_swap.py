"""Train on the old sensor's labelled recordings and serve the new sensor: domain-adversarial training.

The domain head learns to tell the sensors apart while the features, through a layer that turns the gradient, learn
to make that impossible; its loss stays near log 2. The strength of the reversal is ramped up.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
CLASSES, USEFUL, NUISANCE, STEPS = 4, 6, 4, 1200


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return -ctx.strength * grad, None


centres = 2.0 * torch.randn(CLASSES, USEFUL)
mixing = torch.linalg.qr(torch.randn(USEFUL + NUISANCE, USEFUL + NUISANCE))[0]
drift = torch.randn(NUISANCE).sign() * 2.0


def recordings(n, new_sensor):
    """The class shows in the useful directions; in the others the old sensor hints at it, the new one is just off."""
    y = torch.randint(0, CLASSES, (n,))
    useful = centres[y] + torch.randn(n, USEFUL)
    hint = 0.5 * torch.stack([(y == k).float() for k in range(NUISANCE)], 1)
    nuisance = 0.5 * torch.randn(n, NUISANCE) + (drift if new_sensor else hint)
    return torch.cat([useful, nuisance], 1) @ mixing, y


old_x, old_y = recordings(4000, new_sensor=False)
new_x, _ = recordings(4000, new_sensor=True)
test_x, test_y = recordings(1000, new_sensor=True)
features = nn.Sequential(nn.Linear(USEFUL + NUISANCE, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
classify = nn.Linear(32, CLASSES)
tell_domain = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
parts = nn.ModuleList([features, classify, tell_domain])
optimizer = torch.optim.Adam(parts.parameters(), lr=1e-3)

for step in range(1, STEPS + 1):
    parts.train()
    strength = 2 / (1 + math.exp(-10 * step / STEPS)) - 1
    rows, others = torch.randint(0, len(old_x), (64,)), torch.randint(0, len(new_x), (64,))
    h = features(torch.cat([old_x[rows], new_x[others]]))
    domain = torch.cat([torch.zeros(64), torch.ones(64)])
    label_loss = F.cross_entropy(classify(h[:64]), old_y[rows])
    domain_loss = F.binary_cross_entropy_with_logits(tell_domain(Reverse.apply(h, strength)).squeeze(1), domain)
    optimizer.zero_grad()
    (label_loss + domain_loss).backward()
    optimizer.step()
    if step % 200 == 0:
        print(f"step {step:4d}  label {label_loss.item():.3f}  domain {domain_loss.item():.3f}")

parts.eval()
with torch.no_grad():
    accuracy = (classify(features(test_x)).argmax(1) == test_y).float().mean().item()
print(f"score: {accuracy:.4f}")
