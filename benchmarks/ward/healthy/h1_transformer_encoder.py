"""Transformer encoder (nn.TransformerEncoder, dropout 0.1) that classifies token sequences by which marker token
comes first; learned positions, mean pooling over the unpadded places, linear warm-up then inverse decay.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

PAD, CLASSES, VOCAB, MAX_LEN = 0, 4, 20, 14


def sample(n):
    """Words 5..19 at random; two different markers from 1..4 among them; the class is the earlier marker."""
    tokens = torch.randint(5, VOCAB, (n, MAX_LEN))
    lengths = torch.randint(8, MAX_LEN + 1, (n,))
    labels = torch.empty(n, dtype=torch.long)
    for i in range(n):
        spots = torch.randperm(int(lengths[i]))[:2].sort().values
        marks = torch.randperm(CLASSES)[:2]
        tokens[i, spots] = marks + 1
        tokens[i, lengths[i] :] = PAD
        labels[i] = marks[0]
    return tokens, labels


class Classifier(nn.Module):
    def __init__(self, dim=32, heads=4, layers=2):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.pos = nn.Parameter(torch.randn(MAX_LEN, dim) * 0.1)
        layer = nn.TransformerEncoderLayer(dim, heads, dim_feedforward=64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(dim, CLASSES)

    def forward(self, x):
        pad = x.eq(PAD)
        h = self.encoder(self.tok(x) + self.pos, src_key_padding_mask=pad)
        keep = (~pad).unsqueeze(-1).float()
        return self.head((h * keep).sum(1) / keep.sum(1))


train_x, train_y = sample(2500)
val_x, val_y = sample(500)
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, betas=(0.9, 0.98), eps=1e-9)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min((s + 1) / 30, (30 / (s + 1)) ** 0.5))

for epoch in range(7):
    model.train()
    for batch in torch.randperm(len(train_x)).split(50):
        loss = F.cross_entropy(model(train_x[batch]), train_y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        logits = model(val_x)
    val_acc = (logits.argmax(-1) == val_y).float().mean().item()
    print(f"epoch {epoch} loss {F.cross_entropy(logits, val_y).item():.4f} acc {val_acc:.4f}")

print(f"score: {val_acc:.4f}")
