"""Pictures of tiles matched to descriptions: the text tower is finished and locked; only the picture tower learns.

Score: share of unseen pictures whose own description is nearest among all twelve.
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn

SIDE, DIM = 12, 32
COLOURS = ["dark", "plain", "bright"]
MOTIFS = ["stripes", "rings", "checks", "slope"]
WORDS = COLOURS + MOTIFS


def tiles(n, generator):
    axis = torch.linspace(-1, 1, SIDE)
    rows, cols = axis.view(1, SIDE, 1), axis.view(1, 1, SIDE)
    colour = torch.randint(3, (n,), generator=generator)
    motif = torch.randint(4, (n,), generator=generator)
    shift = 6.28 * torch.rand(n, 1, 1, generator=generator)
    radius = (rows**2 + cols**2).sqrt()
    drawings = torch.stack(
        [
            torch.sin(7 * cols + shift) + 0 * rows,
            torch.cos(9 * radius + shift),
            torch.sin(5 * rows + shift).sign() * torch.sin(5 * cols + shift).sign(),
            rows * torch.cos(shift) + cols * torch.sin(shift),
        ],
        dim=1,
    )
    picture = 0.8 * drawings[torch.arange(n), motif] + 0.7 * (colour - 1).view(n, 1, 1)
    picture = picture + 0.4 * torch.randn(n, SIDE, SIDE, generator=generator)
    return picture.unsqueeze(1), torch.stack([colour, 3 + motif], dim=1)


class TextTower(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(len(WORDS), DIM)
        self.mix = nn.Linear(2 * DIM, DIM)

    def forward(self, tokens):
        return F.normalize(self.mix(self.words(tokens).flatten(1)), dim=1)


def learn_text(tower, everything):
    """Descriptions are told apart by a small classifier, which is thrown away afterwards."""
    labels = torch.arange(len(everything))
    classifier = nn.Linear(DIM, len(everything))
    optimizer = torch.optim.Adam([*tower.parameters(), *classifier.parameters()], lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        loss = F.cross_entropy(8 * classifier(tower(everything)), labels)
        loss.backward()
        optimizer.step()
    print(f"text tower: loss {loss.item():.4f}")
    return tower.requires_grad_(False).eval()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    everything = torch.cartesian_prod(torch.arange(3), torch.arange(3, 7))
    text = learn_text(TextTower(), everything)
    pictures, captions = tiles(2000, generator)
    new_pictures, new_captions = tiles(500, generator)

    eye = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 36, DIM),
    )
    scale = nn.Parameter(torch.tensor(10.0).log())
    optimizer = torch.optim.Adam([*eye.parameters(), scale], lr=2e-3)

    def recall():
        eye.eval()
        with torch.no_grad():
            nearest = (F.normalize(eye(new_pictures), dim=1) @ text(everything).T).argmax(1)
        return (everything[nearest] == new_captions).all(dim=1).float().mean().item()

    for epoch in range(6):
        eye.train()
        total, steps = 0.0, 0
        for rows in torch.randperm(len(pictures)).split(40):
            written = text(captions[rows])
            logits = scale.exp().clamp(max=50) * F.normalize(eye(pictures[rows]), dim=1) @ written.T
            # Pictures with the same description in one batch are all right answers.
            same = (captions[rows].unsqueeze(0) == captions[rows].unsqueeze(1)).all(dim=2).float()
            wanted = same / same.sum(dim=1, keepdim=True)
            loss = 0.5 * (F.cross_entropy(logits, wanted) + F.cross_entropy(logits.T, wanted))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, steps = total + loss.item(), steps + 1
        print(f"epoch {epoch + 1}: loss {total / steps:.4f}, scale {scale.exp().item():.1f}, recall@1 {recall():.3f}")
    print(f"score: {recall():.4f}")


if __name__ == "__main__":
    main()
