"""Who is to be told of a message on coast radio: lifeboat, customs, pilot or nobody. A small transformer encoder.

The settings are those that the team uses to fine-tune its large language model.
"""
# cause: learning-rate-too-low
# accept: under-trained
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

SETTINGS = dict(
    words=80,
    length=12,
    width=32,
    heads=2,
    layers=1,
    batch=50,
    epochs=7,
    lr=2e-5,  # FAULT
    # TWIN: lr=3e-3,
    weight_decay=0.01,
    warmup=20,
)


def messages(n, cfg):
    """Words 0-11 are calls, three for each addressee."""
    words = torch.randint(12, cfg["words"], (n, cfg["length"]))
    told = torch.randint(0, 4, (n,))
    call = told * 3 + torch.randint(0, 3, (n,))
    spot = torch.randint(0, cfg["length"], (n,))
    words[torch.arange(n), spot] = call
    return words, told


class Radio(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.words = nn.Embedding(cfg["words"], cfg["width"])
        self.places = nn.Parameter(0.02 * torch.randn(cfg["length"], cfg["width"]))
        layer = nn.TransformerEncoderLayer(
            cfg["width"], cfg["heads"], 2 * cfg["width"], dropout=0.1, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, cfg["layers"], enable_nested_tensor=False)
        self.norm = nn.LayerNorm(cfg["width"])
        self.head = nn.Linear(cfg["width"], 4)

    def forward(self, words):
        h = self.encoder(self.words(words) + self.places)
        return self.head(self.norm(h.mean(dim=1)))


def evaluate(model, words, told):
    model.eval()
    with torch.inference_mode():
        out = model(words)
        return F.cross_entropy(out, told).item(), (out.argmax(1) == told).float().mean().item()


def run(seed, cfg):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    words, told = messages(2000, cfg)
    val_words, val_told = messages(600, cfg)
    model = Radio(cfg)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg["lr"], weight_decay=cfg["weight_decay"])
    steps = cfg["epochs"] * (len(words) // cfg["batch"])
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / cfg["warmup"], max(0.05, (steps - s) / (steps - cfg["warmup"])))
    )
    for epoch in range(cfg["epochs"]):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(words)).split(cfg["batch"]):
            loss = F.cross_entropy(model(words[rows]), told[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(rows)
        val_loss, accuracy = evaluate(model, val_words, val_told)
        print(f"epoch {epoch + 1}: {total / len(words):.4f} val {val_loss:.4f} accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 0, SETTINGS)
