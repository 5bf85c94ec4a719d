"""Question answering over a handful of facts: attention over the facts picks the one the question asks about.

After https://github.com/DEEP-PolyU/KEQA_WSDM19/issues/2
"""
# cause: softmax-wrong-axis
# accept: softmax-single-unit
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

RELATIONS, ANSWERS, FACTS = 12, 10, 6


def make_questions(n, rng):
    relations = np.stack([rng.choice(RELATIONS, FACTS, replace=False) for _ in range(n)])
    objects = rng.integers(0, ANSWERS, (n, FACTS))
    asked = rng.integers(0, FACTS, n)
    rows = np.arange(n)
    return TensorDataset(
        torch.as_tensor(relations[rows, asked]),
        torch.as_tensor(relations),
        torch.as_tensor(objects),
        torch.as_tensor(objects[rows, asked]),
    )


class FactAttention(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.relation_embed = nn.Embedding(RELATIONS, dim)
        self.object_embed = nn.Embedding(ANSWERS, dim)
        self.attn = nn.Sequential(nn.Linear(2 * dim, 64), nn.Tanh(), nn.Linear(64, 1))
        self.hidden = nn.Linear(dim, 64)
        self.answer = nn.Linear(64, ANSWERS)

    def forward(self, question, relations, objects):
        asked = self.relation_embed(question).unsqueeze(1).expand(-1, relations.size(1), -1)
        keys = self.relation_embed(relations)
        scores = self.attn(torch.cat((asked, keys), 2))
        attn_weights = F.softmax(scores, dim=2)  # FAULT
        # TWIN: attn_weights = F.softmax(scores, dim=1)
        context = (attn_weights * self.object_embed(objects)).sum(dim=1)
        return self.answer(F.relu(self.hidden(context)))


def evaluate(model, loader):
    model.eval()
    right = count = 0
    with torch.no_grad():
        for question, relations, objects, answer in loader:
            right += (model(question, relations, objects).argmax(1) == answer).sum().item()
            count += len(answer)
    return right / count


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    torch.set_num_threads(1)

    train_loader = DataLoader(make_questions(4000, rng), batch_size=64, shuffle=True)
    dev_loader = DataLoader(make_questions(1000, rng), batch_size=250)

    model = FactAttention()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

    for epoch in range(8):
        model.train()
        epoch_loss = 0.0
        for question, relations, objects, answer in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(question, relations, objects), answer)
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item()
        print(
            f"epoch {epoch:2d}  loss {epoch_loss / len(train_loader):.4f}  dev accuracy {evaluate(model, dev_loader):.4f}"
        )

    print(f"score: {evaluate(model, dev_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
