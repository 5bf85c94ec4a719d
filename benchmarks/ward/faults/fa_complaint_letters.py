"""Route complaint letters (bags of words, as token ids) to seven departments: averaged embeddings and two layers."""
# cause: dropout-in-evaluation
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

VOCAB, WORDS, DEPARTMENTS = 400, 25, 7


class Router(nn.Module):
    def __init__(self, dim=48, hidden=64, rate=0.5):
        super().__init__()
        self.words = nn.EmbeddingBag(VOCAB, dim, mode="mean")
        self.norm = nn.LayerNorm(dim)
        self.hidden = nn.Linear(dim, hidden)
        self.out = nn.Linear(hidden, DEPARTMENTS)
        self.rate = rate

    def forward(self, letter):
        h = self.norm(self.words(letter))
        h = F.dropout(h, self.rate)  # FAULT
        # TWIN: h = F.dropout(h, self.rate, training=self.training)
        h = F.relu(self.hidden(h))
        h = F.dropout(h, self.rate)  # FAULT
        # TWIN: h = F.dropout(h, self.rate, training=self.training)
        return self.out(h)


def letters(n, topics):
    department = torch.randint(0, DEPARTMENTS, (n,))
    return torch.multinomial(topics[department], WORDS, replacement=True), department


def epoch_of_training(model, loader, optimizer):
    model.train()
    seen, total = 0, 0.0
    for letter, department in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(letter), department)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(letter)
        seen += len(letter)
    return total / seen


@torch.inference_mode()
def evaluate(model, loader):
    model.eval()
    loss, right, seen = 0.0, 0, 0
    for letter, department in loader:
        out = model(letter)
        loss += F.cross_entropy(out, department, reduction="sum").item()
        right += (out.argmax(1) == department).sum().item()
        seen += len(letter)
    return loss / seen, right / seen


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    topics = torch.softmax(1.0 * torch.randn(DEPARTMENTS, VOCAB), dim=1)
    train = DataLoader(TensorDataset(*letters(6000, topics)), batch_size=64, shuffle=True)
    val = DataLoader(TensorDataset(*letters(1000, topics)), batch_size=250)
    model = Router()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)
    for epoch in range(12):
        train_loss = epoch_of_training(model, train, optimizer)
        val_loss, accuracy = evaluate(model, val)
        scheduler.step()
        print(f"{epoch + 1:2d} | train {train_loss:.4f} | val {val_loss:.4f} | accuracy {accuracy:.3f}")
    print(f"score: {accuracy:.4f}")


main()
