"""First step of a llama from scratch: a character model with only an embedding and a small feed-forward block, trained
on random windows of a text.

After https://github.com/bkitano/llama-from-scratch/issues/5
"""
# cause: softmax-twice
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MASTER_CONFIG = {"d_model": 128, "batch_size": 32, "context_window": 16, "epochs": 500, "log_interval": 100}


def write_text(words, rng):
    """A text in the rhythm of a play: speakers, a colon, and lines of common words."""
    speakers = ["ROMEO", "JULIET", "NURSE", "KING", "FOOL"]
    lexicon = (
        "the and to of I you my a that in is not with it me for his be he this thou thy have as but what so "
        "her will love king lord death night sweet come go shall good more if do no we by are"
    ).split()
    weights = 1.0 / np.arange(1, len(lexicon) + 1)
    weights /= weights.sum()
    out, count = [], 0
    while count < words:
        out.append(speakers[rng.integers(len(speakers))] + ":\n")
        for _ in range(rng.integers(1, 4)):
            line = rng.choice(lexicon, size=rng.integers(4, 9), p=weights)
            out.append(" ".join(line) + ",\n")
            count += len(line)
        out.append("\n")
    return "".join(out)


def get_batches(data, split, batch_size, context_window, config=MASTER_CONFIG):
    train = data[: int(0.8 * len(data))]
    val = data[int(0.8 * len(data)) : int(0.9 * len(data))]
    test = data[int(0.9 * len(data)) :]
    batch_data = {"train": train, "val": val, "test": test}[split]
    ix = torch.randint(0, batch_data.size(0) - context_window - 1, (batch_size,))
    x = torch.stack([batch_data[i : i + context_window] for i in ix])
    y = torch.stack([batch_data[i + 1 : i + context_window + 1] for i in ix])
    return x, y


class SimpleModel(nn.Module):
    def __init__(self, config=MASTER_CONFIG):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config["vocab_size"], config["d_model"])
        self.linear = nn.Sequential(
            nn.Linear(config["d_model"], config["d_model"]),
            nn.ReLU(),
            nn.Linear(config["d_model"], config["vocab_size"]),
        )
        print("model params:", sum(m.numel() for m in self.parameters()))

    def forward(self, idx, targets=None):
        x = self.embedding(idx)
        a = self.linear(x)
        logits = F.softmax(a, dim=-1)  # FAULT
        # TWIN: logits = a
        if targets is not None:
            loss = F.cross_entropy(logits.view(-1, self.config["vocab_size"]), targets.view(-1))
            return logits, loss
        return logits


@torch.no_grad()
def evaluate_loss(model, data, split, config=MASTER_CONFIG):
    losses = []
    for _ in range(10):
        xs, ys = get_batches(data, split, config["batch_size"], config["context_window"])
        _, loss = model(xs, ys)
        losses.append(loss.item())
    return np.mean(losses)


def train(model, optimizer, data, config=MASTER_CONFIG):
    for epoch in range(config["epochs"]):
        optimizer.zero_grad()
        xs, ys = get_batches(data, "train", config["batch_size"], config["context_window"])
        _, loss = model(xs, targets=ys)
        loss.backward()
        optimizer.step()
        if epoch % config["log_interval"] == 0:
            val_loss = evaluate_loss(model, data, "val")
            print(f"Epoch {epoch} | train loss {loss.item():.3f} | val loss {val_loss:.3f}")


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    text = write_text(12000, np.random.default_rng(seed))
    vocab = sorted(set(text))
    stoi = {ch: i for i, ch in enumerate(vocab)}
    data = torch.tensor([stoi[ch] for ch in text])
    MASTER_CONFIG.update({"vocab_size": len(vocab)})
    model = SimpleModel(MASTER_CONFIG)
    optimizer = torch.optim.Adam(model.parameters())
    train(model, optimizer, data)
    test_loss = evaluate_loss(model, data, "test")
    print(f"test loss {test_loss:.3f}, perplexity {np.exp(test_loss):.2f}")
    print(f"score: {np.exp(-test_loss):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
