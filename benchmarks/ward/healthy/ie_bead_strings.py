"""Sorts strings of beads into four kinds by the order of two marked beads: a small transformer encoder."""

import math
import sys

import torch
import torch.nn as nn

BEADS, LENGTH, CLASSES = 12, 18, 4


def make_strings(count):
    """Beads 0 and 1 occur once each; the kind: which comes first, and whether they are more than six apart."""
    strings = torch.randint(2, BEADS, (count, LENGTH))
    places = torch.rand(count, LENGTH).argsort(1)[:, :2]
    rows = torch.arange(count)
    strings[rows, places[:, 0]] = 0
    strings[rows, places[:, 1]] = 1
    first = (places[:, 0] < places[:, 1]).long()
    apart = ((places[:, 0] - places[:, 1]).abs() > 6).long()
    return strings, 2 * first + apart


class PositionalEncoding(nn.Module):
    def __init__(self, width):
        super().__init__()
        position = torch.arange(LENGTH).unsqueeze(1)
        divisor = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        table = torch.zeros(LENGTH, width)
        table[:, 0::2] = torch.sin(position * divisor)
        table[:, 1::2] = torch.cos(position * divisor)
        self.register_buffer("table", table)

    def forward(self, x):
        return x + self.table


class BeadClassifier(nn.Module):
    def __init__(self, width=32, heads=4, layers=2):
        super().__init__()
        self.embedding = nn.Embedding(BEADS, width)
        self.position = PositionalEncoding(width)
        layer = nn.TransformerEncoderLayer(
            width, heads, dim_feedforward=64, dropout=0.0, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.classifier = nn.Linear(width, CLASSES)

    def forward(self, strings):
        return self.classifier(self.encoder(self.position(self.embedding(strings))).mean(dim=1))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_x, train_y = make_strings(6000)
    test_x, test_y = make_strings(1000)
    model = BeadClassifier()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    batch_size, epochs = 64, 8
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=3e-3, total_steps=epochs * math.ceil(len(train_x) / batch_size)
    )
    for epoch in range(epochs):
        model.train()
        total_loss = correct = 0
        for rows in torch.randperm(len(train_x)).split(batch_size):
            logits = model(train_x[rows])
            loss = criterion(logits, train_y[rows])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            total_loss += loss.item() * len(rows)
            correct += (logits.argmax(1) == train_y[rows]).sum().item()
        model.eval()
        with torch.no_grad():
            accuracy = (model(test_x).argmax(1) == test_y).float().mean().item()
        print(
            f"Epoch {epoch + 1}/{epochs} - loss {total_loss / len(train_x):.4f} "
            f"- accuracy {correct / len(train_x):.4f} - test accuracy {accuracy:.4f}"
        )
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
