"""Few-shot classification with prototypical networks: 5-way 3-shot episodes over hand-drawn-like glyphs.

After Snell et al. (2017), https://github.com/jakesnell/prototypical-networks
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SIZE, WAY, SHOT, QUERY = 14, 5, 3, 5


def draw(points, rng):
    """One drawing of a glyph: its strokes with shaky joints, shifted and scaled, on a grid of grey pixels."""
    pts = points + rng.normal(0, 0.045, size=points.shape)
    pts = (pts - 0.5) * rng.uniform(0.85, 1.15) + 0.5 + rng.uniform(-0.07, 0.07, size=2)
    t = np.linspace(0, 1, 8)[:, None]
    dots = np.concatenate([a + t * (b - a) for a, b in zip(pts[:-1], pts[1:])]) * (SIZE - 1)
    yy, xx = np.mgrid[0:SIZE, 0:SIZE]
    dist = (yy[None] - dots[:, 0, None, None]) ** 2 + (xx[None] - dots[:, 1, None, None]) ** 2
    ink = np.exp(-dist.min(0) / 0.7)
    return np.clip(ink + rng.normal(0, 0.05, size=ink.shape), 0, 1)


def make_alphabet(n_glyphs, n_drawings, rng):
    glyphs = rng.uniform(0.1, 0.9, size=(n_glyphs, 5, 2))
    data = [[draw(g, rng) for _ in range(n_drawings)] for g in glyphs]
    return torch.tensor(np.array(data), dtype=torch.float32).unsqueeze(2)  # class, drawing, 1, H, W


def conv_block(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU(), nn.MaxPool2d(2))


class ProtoNet(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.encoder = nn.Sequential(
            conv_block(1, hidden), conv_block(hidden, hidden), conv_block(hidden, hidden), nn.Flatten()
        )

    def loss(self, support, query):
        """support: way, shot, ...; query: way, n, ..."""
        way, shot, n = support.size(0), support.size(1), query.size(1)
        z = self.encoder(torch.cat([support.flatten(0, 1), query.flatten(0, 1)]))
        prototypes = z[: way * shot].view(way, shot, -1).mean(1)
        log_p = F.log_softmax(-(torch.cdist(z[way * shot :], prototypes) ** 2), dim=1)
        target = torch.arange(way).repeat_interleave(n)
        return F.nll_loss(log_p, target), (log_p.argmax(1) == target).float().mean().item()


def episode(data, gen):
    classes = torch.randperm(len(data), generator=gen)[:WAY]
    drawings = torch.stack([data[c][torch.randperm(data.size(1), generator=gen)[: SHOT + QUERY]] for c in classes])
    return drawings[:, :SHOT], drawings[:, SHOT:]


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, val, test = make_alphabet(60, 20, rng), make_alphabet(15, 20, rng), make_alphabet(25, 20, rng)
    model = ProtoNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=75, gamma=0.5)
    gen = torch.Generator().manual_seed(seed)

    def evaluate(data, n, eval_seed):
        model.eval()
        g = torch.Generator().manual_seed(eval_seed)
        with torch.no_grad():
            return float(np.mean([model.loss(*episode(data, g))[1] for _ in range(n)]))

    for block in range(5):
        model.train()
        losses, accs = [], []
        for _ in range(45):
            loss, acc = model.loss(*episode(train, gen))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
            accs.append(acc)
        print(
            f"episodes {45 * (block + 1):4d}  loss {np.mean(losses):.4f}  acc {np.mean(accs):.4f}"
            f"  val acc {evaluate(val, 30, seed + 100):.4f}"
        )
    print(f"score: {evaluate(test, 80, seed + 200):.4f}")  # on glyphs that were never trained on; chance 0.2


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
