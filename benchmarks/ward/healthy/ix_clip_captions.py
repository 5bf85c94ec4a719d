"""A miniature CLIP: an image encoder and a text encoder are trained together so that pictures of coloured shapes and their
captions meet in one space; judged by zero-shot classification of new images with one prompt for each shape and colour.

After https://github.com/moein-shariatnia/OpenAI-CLIP and Radford et al. (2021).
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

COLOURS = {"red": (0.9, 0.2, 0.2), "green": (0.2, 0.8, 0.3), "blue": (0.2, 0.3, 0.9), "yellow": (0.9, 0.85, 0.2)}
SHAPES = ["disc", "square", "triangle", "cross"]
SIZES = {"small": 3.5, "big": 6.0}
TEMPLATES = [
    "a {size} {colour} {shape}",
    "this is a {colour} {shape} , rather {size}",
    "photo of one {size} {shape} in {colour}",
]
WORDS = {w for t in TEMPLATES for w in t.split() if w[0] != "{"} | set(COLOURS) | set(SHAPES) | set(SIZES)
VOCAB = {w: i for i, w in enumerate(["<pad>"] + sorted(WORDS))}


def tokenize(text, max_length=9):
    ids = [VOCAB[w] for w in text.split()]
    return torch.tensor(ids + [0] * (max_length - len(ids)))


def draw(colour, shape, size, rng, side=16):
    r = SIZES[size] * rng.uniform(0.9, 1.1)
    yy, xx = np.mgrid[:side, :side]
    cx, cy = rng.uniform(r, side - 1 - r, 2)
    dx, dy = xx - cx, yy - cy
    square = np.maximum(abs(dx), abs(dy)) <= r * 0.9
    mask = {
        "disc": dx**2 + dy**2 <= r**2,
        "square": square,
        "triangle": (abs(dy) <= r) & (abs(dx) <= (dy + r) / 2),
        "cross": square & (np.minimum(abs(dx), abs(dy)) <= r / 3.5),
    }[shape]
    image = np.where(mask[..., None], COLOURS[colour], rng.uniform(0, 0.3)) + rng.normal(0, 0.08, (side, side, 3))
    return torch.tensor(image.transpose(2, 0, 1) * 2 - 0.6, dtype=torch.float32)


class CLIPDataset(Dataset):
    def __init__(self, n, rng):
        pick = lambda options: [list(options)[i] for i in rng.permutation(np.arange(n) % len(options))]
        self.colours, self.shapes, self.sizes = pick(COLOURS), pick(SHAPES), pick(SIZES)
        self.images = torch.stack([draw(*a, rng) for a in zip(self.colours, self.shapes, self.sizes)])
        self.tokens = torch.stack(
            [
                tokenize(TEMPLATES[rng.integers(3)].format(colour=c, shape=s, size=z))
                for c, s, z in zip(self.colours, self.shapes, self.sizes)
            ]
        )
        self.content = [" ".join(parts) for parts in zip(self.colours, self.shapes, self.sizes)]

    def __len__(self):
        return len(self.tokens)

    def __getitem__(self, i):
        return {"image": self.images[i], "text": self.tokens[i], "content": self.content[i]}


class ProjectionHead(nn.Module):
    def __init__(self, n_in, dim=32, dropout=0.1):
        super().__init__()
        self.projection, self.fc = nn.Linear(n_in, dim), nn.Linear(dim, dim)
        self.dropout, self.layer_norm = nn.Dropout(dropout), nn.LayerNorm(dim)

    def forward(self, x):
        projected = self.projection(x)
        x = self.dropout(self.fc(F.gelu(projected)))
        return F.normalize(self.layer_norm(x + projected), dim=-1)


class CLIPModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.vision = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 1, 1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 3, 1, 1),
            nn.BatchNorm2d(48),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
        )
        self.embedding = nn.Embedding(len(VOCAB), 32, padding_idx=0)
        self.gru = nn.GRU(32, 32, batch_first=True, bidirectional=True)
        self.image_projection, self.text_projection = ProjectionHead(48), ProjectionHead(64)
        self.logit_scale = nn.Parameter(torch.tensor(np.log(1 / 0.2), dtype=torch.float32))

    def encode_text(self, tokens):
        states, _ = self.gru(self.embedding(tokens))
        mask = (tokens > 0).unsqueeze(-1)
        return self.text_projection((states * mask).sum(1) / mask.sum(1))

    def encode_image(self, images):
        return self.image_projection(self.vision(images))

    def forward(self, batch):
        logits = (
            self.logit_scale.exp().clamp(max=100)
            * self.encode_image(batch["image"])
            @ self.encode_text(batch["text"]).T
        )
        # captions of the same content are equally right, in whatever words
        content = torch.from_numpy(np.unique(batch["content"], return_inverse=True)[1])
        same = (content[:, None] == content[None]).float()
        targets = same / same.sum(1, keepdim=True)
        return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2


@torch.no_grad()
def zero_shot(model, data):
    """Both colour and shape right, among all combinations."""
    model.eval()
    names = [(c, s) for c in COLOURS for s in SHAPES]
    prompts = [torch.stack([tokenize(f"a {z} {c} {s}") for c, s in names]) for z in SIZES]
    text = F.normalize(sum(model.encode_text(p) for p in prompts), dim=-1)
    best = (model.encode_image(data.images) @ text.T).argmax(1).tolist()
    return np.mean([names[b] == (c, s) for b, c, s in zip(best, data.colours, data.shapes)])


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    valid_data = CLIPDataset(300, rng)
    train_loader = DataLoader(CLIPDataset(1152, rng), batch_size=64, shuffle=True, drop_last=True)
    model = CLIPModel()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for epoch in range(10):
        model.train()
        total = 0.0
        for batch in train_loader:
            loss = model(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        print(
            f"Epoch {epoch + 1}: train loss {total / len(train_loader):.3f}, zero-shot {zero_shot(model, valid_data):.4f}"
        )
    print(f"score: {zero_shot(model, valid_data):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
