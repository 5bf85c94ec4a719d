"""Which of six symbols is the most frequent one in a string of 16? Encoder transformer with a learned class token."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SYMBOLS, LENGTH = 6, 16


class Encoder(nn.Module):
    def __init__(self, d_model=32, heads=4, layers=2):
        super().__init__()
        self.token = nn.Embedding(SYMBOLS, d_model)
        self.position = nn.Parameter(torch.randn(1, LENGTH + 1, d_model) * 0.02)
        self.cls = nn.Parameter(torch.randn(1, 1, d_model) * 0.02)
        layer = nn.TransformerEncoderLayer(d_model, heads, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, SYMBOLS)

    def forward(self, ids):
        tokens = self.token(ids)
        cls = self.cls.expand(len(ids), -1, -1)
        hidden = self.encoder(torch.cat([cls, tokens], dim=1) + self.position)
        return self.head(self.norm(hidden[:, 0]))


def make_strings(n):
    ids = torch.randint(0, SYMBOLS, (3 * n, LENGTH))
    counts = nn.functional.one_hot(ids, SYMBOLS).sum(1)
    top2 = counts.topk(2, dim=1).values
    unique = top2[:, 0] > top2[:, 1]  # leave out strings with a tie
    return ids[unique][:n], counts.argmax(1)[unique][:n]


def evaluate(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for ids, label in loader:
            right += (model(ids).argmax(-1) == label).sum().item()
            total += len(label)
    return right / total


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    ids, label = make_strings(3600)
    train = DataLoader(TensorDataset(ids[:3000], label[:3000]), batch_size=60, shuffle=True)
    test = DataLoader(TensorDataset(ids[3000:], label[3000:]), batch_size=300)
    model = Encoder()
    print("parameters:", sum(p.numel() for p in model.parameters()))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    total_steps = 6 * len(train)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=total_steps)
    for epoch in range(6):
        model.train()
        running = 0.0
        for batch_ids, batch_label in train:
            loss = nn.functional.cross_entropy(model(batch_ids), batch_label)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            scheduler.step()
            running += loss.item()
        print(f"epoch {epoch}: loss {running / len(train):.4f}, test accuracy {evaluate(model, test):.4f}")
    print(f"score: {evaluate(model, test):.4f}")


if __name__ == "__main__":
    main()
