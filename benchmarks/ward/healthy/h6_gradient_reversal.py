"""Domain-adversarial training: labels are known in the source domain only; a gradient reversal layer makes the
features of a shifted target domain look like those of the source. Score: accuracy in the target domain.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return -ctx.strength * grad, None


class DANN(nn.Module):
    def __init__(self, n_in=10, n_classes=3):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(n_in, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
        self.label = nn.Linear(16, n_classes)
        self.domain = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x, strength=1.0):
        f = self.features(x)
        return self.label(f), self.domain(Reverse.apply(f, strength)).squeeze(1)


def make_domains(n):
    centres = torch.randn(3, 10)
    centres[:, :3] = 2.5 * torch.eye(3)  # what the classes are about
    y = torch.randint(0, 3, (2 * n,))
    x = centres[y] * torch.tensor([1.0] * 3 + [0.0] * 7) + 0.7 * torch.randn(2 * n, 10)
    x[n:, 3:7] += 1.5  # nuisance: the target domain is shifted in four columns
    return (x[:n], y[:n]), (x[n:], y[n:])


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    (xs, ys), (xt, yt) = make_domains(2000)
    xt_test, yt_test, xt = xt[1000:], yt[1000:], xt[:1000]
    model = DANN()
    opt = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    steps = 800
    for step in range(steps):
        strength = 2 / (1 + math.exp(-10 * step / steps)) - 1
        i, j = torch.randint(0, len(xs), (64,)), torch.randint(0, len(xt), (64,))
        class_out, dom_s = model(xs[i], strength)
        _, dom_t = model(xt[j], strength)
        class_loss = F.cross_entropy(class_out, ys[i])
        dom_out = torch.cat([dom_s, dom_t])
        dom_loss = F.binary_cross_entropy_with_logits(dom_out, torch.cat([torch.ones(64), torch.zeros(64)]))
        opt.zero_grad()
        (class_loss + 0.3 * dom_loss).backward()
        opt.step()
        if (step + 1) % 100 == 0:
            with torch.no_grad():
                acc = (model(xt_test)[0].argmax(1) == yt_test).float().mean()
            print(
                f"step {step + 1}: class {class_loss.item():.4f} domain {dom_loss.item():.4f} "
                f"(strength {strength:.2f}) target accuracy {acc:.4f}"
            )
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
