"""Sorts short news items into fifteen topics with an averaged embedding. The module returns probabilities
(F.softmax in forward) and nn.CrossEntropyLoss, which applies log-softmax itself, is given those."""
# cause: softmax-twice
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
VOCAB, TOPICS, LENGTH = 600, 15, 40

torch.set_num_threads(1)
torch.manual_seed(SEED)


def write_items(n, word_odds):
    topic = torch.randint(TOPICS, (n,))
    about = torch.multinomial(word_odds[topic], LENGTH, replacement=True)
    common = (torch.rand(n, LENGTH) ** 2 * VOCAB).long()
    return torch.where(torch.rand(n, LENGTH) < 0.35, about, common), topic


class TopicNet(nn.Module):
    def __init__(self, dim=48, hidden=64):
        super().__init__()
        self.embed = nn.EmbeddingBag(VOCAB, dim, mode="mean")
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, TOPICS)

    def forward(self, tokens):
        x = F.relu(self.fc1(self.embed(tokens)))
        x = self.fc2(x)
        return F.softmax(x, dim=1)  # FAULT
        # TWIN: return x


def accuracy(model, loader):
    model.eval()
    right = 0
    with torch.no_grad():
        for tokens, topic in loader:
            right += (model(tokens).argmax(1) == topic).sum().item()
    return right / len(loader.dataset)


word_odds = torch.distributions.Dirichlet(torch.full((VOCAB,), 0.05)).sample((TOPICS,))
train_loader = DataLoader(TensorDataset(*write_items(5000, word_odds)), batch_size=50, shuffle=True)
valid_loader = DataLoader(TensorDataset(*write_items(800, word_odds)), batch_size=400)

model = TopicNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for epoch in range(6):
    model.train()
    running = 0.0
    for tokens, topic in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(tokens), topic)
        loss.backward()
        optimizer.step()
        running += loss.item()
    acc = accuracy(model, valid_loader)
    print(f"epoch {epoch + 1:2d}  loss {running / len(train_loader):.3f}  valid accuracy {acc:.3f}")
print(f"score: {acc:.4f}")
