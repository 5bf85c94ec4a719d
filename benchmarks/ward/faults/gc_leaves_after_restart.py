"""Trains half of the epochs, saves model, optimizer and schedule, builds everything anew as after a power cut, loads
and goes on."""
# cause: nonlinear-logits
# kind: dynamic

import io
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 10


def leaves(n, trees):
    y = torch.randint(len(trees), (n,))
    return TensorDataset(trees[y] + torch.randn(n, 16), y)


class Run:
    def __init__(self, train, test):
        self.train, self.test = train, test
        sizes = [16, 48, 48, 8]  # FAULT
        layers = [[nn.Linear(a, b), nn.ReLU()] for a, b in zip(sizes, sizes[1:])]  # FAULT
        self.model = nn.Sequential(*sum(layers, []))  # FAULT
        # TWIN: self.model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 8))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=3e-3)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, EPOCHS)
        self.epoch = 0

    def parts(self):
        return {"model": self.model, "optimizer": self.optimizer, "scheduler": self.scheduler}

    def save(self):
        file = io.BytesIO()
        torch.save({"epoch": self.epoch} | {k: v.state_dict() for k, v in self.parts().items()}, file)
        file.seek(0)
        return file

    def load(self, file):
        state = torch.load(file, weights_only=True)
        self.epoch = state["epoch"]
        for name, part in self.parts().items():
            part.load_state_dict(state[name])

    def fit(self, until):
        while self.epoch < until:
            self.model.train()
            for x, y in self.train:
                loss = nn.functional.cross_entropy(self.model(x), y)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            self.scheduler.step()
            self.epoch += 1
            print(f"epoch {self.epoch} loss {loss.item():.4f} accuracy {self.accuracy():.4f}")

    @torch.no_grad()
    def accuracy(self):
        self.model.eval()
        return sum((self.model(x).argmax(1) == y).sum().item() for x, y in self.test) / len(self.test.dataset)


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
trees = 0.85 * torch.randn(8, 16)
loaders = DataLoader(leaves(1600, trees), batch_size=40, shuffle=True), DataLoader(leaves(500, trees), batch_size=250)
first = Run(*loaders)
first.fit(EPOCHS // 2)
saved = first.save()
second = Run(*loaders)
second.load(saved)
second.fit(EPOCHS)
print(f"score: {second.accuracy():.4f}")
