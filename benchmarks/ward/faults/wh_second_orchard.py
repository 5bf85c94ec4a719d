"""A pear network gets a head for quinces: a trainer with phases, the trunk frozen by a function, both tested."""
# cause: batch-norm-drift
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Trunk(nn.Module):
    def __init__(self, inputs=12, width=48):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(inputs, width), nn.Linear(width, width)])
        self.norms = nn.ModuleList([nn.BatchNorm1d(width) for _ in self.layers])

    def forward(self, x):
        for layer, norm in zip(self.layers, self.norms):
            x = torch.relu(norm(layer(x)))
        return x


class FruitModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = Trunk()
        self.heads = nn.ModuleDict({"pear": nn.Linear(48, 4), "quince": nn.Linear(48, 4)})

    def forward(self, x, fruit):
        return self.heads[fruit](self.trunk(x))


def freeze(module):
    for p in module.parameters():
        p.requires_grad_(False)


class Trainer:
    def __init__(self, model, data):
        self.model, self.data = model, data

    def run(self, fruit, epochs, lr):
        weights = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(weights, lr=lr)
        for epoch in range(epochs):
            self.model.train()
            # TWIN: self.model.trunk.train(fruit == "pear")
            for x, y in DataLoader(TensorDataset(*self.data[fruit][0]), batch_size=50, shuffle=True):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(self.model(x, fruit), y)
                loss.backward()
                optimizer.step()
            print(f"{fruit} {epoch}: loss {loss.item():.3f} accuracy {self.test(fruit):.3f}")

    @torch.no_grad()
    def test(self, fruit):
        self.model.eval()
        x, y = self.data[fruit][1]
        return (self.model(x, fruit).argmax(1) == y).float().mean().item()


def fruits(shift, scale, mix):
    z = torch.randn(2000, 12)
    y = (torch.tanh(z @ mix) @ mix.T[:, :4]).argmax(1)
    x = shift + scale * z
    return (x[:1600], y[:1600]), (x[1600:], y[1600:])


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    mix = torch.randn(12, 12)
    trainer = Trainer(FruitModel(), {"pear": fruits(0.0, 1.0, mix), "quince": fruits(1.5, 2.0, mix)})
    trainer.run("pear", 8, 3e-3)
    freeze(trainer.model.trunk)
    trainer.run("quince", 10, 3e-3)
    print(f"score: {min(trainer.test('pear'), trainer.test('quince')):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
