"""Gestures in three-channel signals; the convolution blocks are kept in a plain Python list."""
# cause: unregistered-parameters
# accept: parameters-not-in-optimizer
# kind: dynamic

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def gestures(n, gen):
    label = torch.randint(0, 4, (n,), generator=gen)
    t = torch.linspace(0, 1, 40)
    freq = torch.tensor([3.0, 4.0, 5.0, 6.0])[label][:, None]
    phase = 6.28 * torch.rand(n, 1, generator=gen)
    wave = torch.sin(6.28 * freq * t + phase)
    shifted = torch.sin(6.28 * freq * t + phase + 0.8)
    x = torch.stack([wave, shifted, torch.zeros_like(wave)], dim=1)
    return x + 0.8 * torch.randn(n, 3, 40, generator=gen), label


class GestureNet(nn.Module):
    def __init__(self, channels=(3, 8, 8)):
        super().__init__()
        blocks = []
        for c_in, c_out in zip(channels[:-1], channels[1:]):
            blocks.append(nn.Sequential(nn.Conv1d(c_in, c_out, 7, padding=3), nn.ReLU()))
        self.blocks = blocks  # FAULT
        # TWIN: self.blocks = nn.ModuleList(blocks)
        self.classify = nn.Linear(channels[-1], 4)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.classify(x.mean(dim=2))


parser = argparse.ArgumentParser()
parser.add_argument("seed", nargs="?", type=int, default=0)
seed = parser.parse_args().seed
torch.set_num_threads(1)
torch.manual_seed(seed)
gen = torch.Generator().manual_seed(seed)
train_ds, test_ds = TensorDataset(*gestures(1200, gen)), TensorDataset(*gestures(400, gen))
train_dl, test_dl = DataLoader(train_ds, batch_size=40, shuffle=True), DataLoader(test_ds, batch_size=400)

net = GestureNet()
optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
for epoch in range(12):
    net.train()
    for x, y in train_dl:
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        acc = sum(net(x).argmax(1).eq(y).sum().item() for x, y in test_dl) / len(test_ds)
    print(f"epoch {epoch + 1}: loss {loss.item():.3f} test {acc:.3f}")
print(f"score: {acc:.4f}")
