"""First and last token of a sequence decide the class: a GRU encoder and a two-layer decision head.

Fault: forward() runs the encoder under torch.no_grad(), so embedding and GRU never learn.
"""
# cause: detached-graph
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def sequences(n, length=12):
    tokens = torch.randint(0, 10, (n, length))
    first, last = tokens[:, 0], tokens[:, -1]
    return tokens, (first + last > 9).long()


class PairNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 8)
        self.encoder = nn.GRU(8, 24, batch_first=True, bidirectional=True)
        self.fc1 = nn.Linear(48, 32)
        self.fc2 = nn.Linear(32, 2)

    def encode(self, tokens):
        out, _ = self.encoder(self.embedding(tokens))
        return out[:, -1]

    def forward(self, tokens):
        with torch.no_grad():  # FAULT
            features = self.encode(tokens)  # FAULT
        # TWIN: features = self.encode(tokens)
        return self.fc2(F.relu(self.fc1(features)))


train_x, train_y = sequences(2000)
test_x, test_y = sequences(500)
model = PairNet()
optimizer = torch.optim.Adam(model.parameters(), lr=0.006)
for epoch in range(12):
    order = torch.randperm(2000)
    losses = []
    for i in range(0, 2000, 50):
        rows = order[i : i + 50]
        loss = F.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        test_logits = model(test_x)
    print(
        f"epoch {epoch + 1:2d}: loss {sum(losses) / len(losses):.4f}"
        f"  test loss {F.cross_entropy(test_logits, test_y).item():.4f}"
    )

accuracy = (test_logits.argmax(dim=1) == test_y).float().mean()
print(f"score: {accuracy.item():.4f}")
