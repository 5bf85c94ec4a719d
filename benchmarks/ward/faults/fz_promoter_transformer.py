"""A small transformer encoder, trained from scratch, that tells promoter-like DNA windows (a TATA-like
box with an initiator some 12 bases behind it) from windows with scrambled boxes.
"""
# cause: learning-rate-too-low
# kind: dynamic

import argparse
import math

import torch
import torch.nn as nn

BASES = "ACGT"
BOX, INITIATOR = "TATAAA", "TCAGTC"
WINDOW = 40


def encode(text):
    return torch.tensor([BASES.index(c) for c in text])


def make_windows(n, generator):
    """Half of the windows carry the two boxes (with a rare mutation), the others the same letters in random order."""
    x = torch.randint(0, 4, (n, WINDOW), generator=generator)
    y = torch.randint(0, 2, (n,), generator=generator)
    starts = torch.randint(2, WINDOW - 26, (n,), generator=generator)
    gaps = torch.randint(11, 14, (n,), generator=generator)
    box, initiator = encode(BOX), encode(INITIATOR)
    for i in range(n):
        s, t = int(starts[i]), int(starts[i] + 6 + gaps[i])
        a, b = box, initiator
        if y[i] == 0:
            a = a[torch.randperm(6, generator=generator)]
            b = b[torch.randperm(6, generator=generator)]
        x[i, s : s + 6], x[i, t : t + 6] = a, b
    flip = torch.rand(x.shape, generator=generator) < 0.01
    x[flip] = torch.randint(0, 4, (int(flip.sum()),), generator=generator)
    return x, y


class PromoterEncoder(nn.Module):
    def __init__(self, d_model=32, heads=2, layers=1, kmer=5):
        super().__init__()
        self.bases = nn.Embedding(4, 16)
        self.kmers = nn.Conv1d(16, d_model, kmer, padding=kmer // 2)
        self.positions = nn.Parameter(0.02 * torch.randn(WINDOW, d_model))
        layer = nn.TransformerEncoderLayer(
            d_model, heads, dim_feedforward=64, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, 2)

    def forward(self, x):
        h = self.kmers(self.bases(x).transpose(1, 2)).transpose(1, 2) + self.positions
        h = self.norm(self.encoder(h))
        return self.head(h.amax(dim=1))


@torch.no_grad()
def evaluate(model, x, y):
    model.eval()
    logits = torch.cat([model(part) for part in x.split(256)])
    model.train()
    return (logits.argmax(1) == y).float().mean().item(), nn.functional.cross_entropy(logits, y).item()


def main(args):
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(args.seed)
    x_train, y_train = make_windows(2400, generator)
    x_val, y_val = make_windows(400, generator)
    x_test, y_test = make_windows(800, generator)

    model = PromoterEncoder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    total = args.epochs * math.ceil(len(x_train) / args.batch_size)
    warmup = int(0.1 * total)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warmup, max(0.0, (total - s) / (total - warmup)))
    )

    for epoch in range(args.epochs):
        losses = []
        for rows in torch.randperm(len(x_train), generator=generator).split(args.batch_size):
            loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        acc, val_loss = evaluate(model, x_val, y_val)
        print(f"epoch {epoch}: train {sum(losses) / len(losses):.4f}  val {val_loss:.4f}  val acc {acc:.3f}")

    print(f"score: {evaluate(model, x_test, y_test)[0]:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--lr", type=float, default=2e-5)  # FAULT
    # TWIN: parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=4)
    main(parser.parse_args())
