"""A sine network (SIREN, with its own initialization) fits one picture from 60 % of its pixels;
full batches of coordinates, Adam at 1e-3. Score: explained variance of the pixels it never saw.
"""

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class SineLayer(nn.Module):
    def __init__(self, n_in, n_out, omega=30.0, first=False):
        super().__init__()
        self.omega = omega
        self.linear = nn.Linear(n_in, n_out)
        bound = 1 / n_in if first else math.sqrt(6 / n_in) / omega
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x):
        return torch.sin(self.omega * self.linear(x))


class Siren(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.net = nn.Sequential(
            SineLayer(2, width, 12.0, first=True), SineLayer(width, width), SineLayer(width, width)
        )
        self.final = nn.Linear(width, 1)
        bound = math.sqrt(6 / width) / 30
        nn.init.uniform_(self.final.weight, -bound, bound)

    def forward(self, coords):
        return self.final(self.net(coords)).squeeze(-1)


side = 40
axis = torch.linspace(-1, 1, side)
coords = torch.cartesian_prod(axis, axis)
phase = 6.3 * torch.rand(4)
px, py = coords.T
picture = (
    torch.sin(5 * px + phase[0]) * torch.cos(4 * py + phase[1])
    + 0.7 * torch.tanh(6 * (px**2 + py**2 - 0.4))
    + 0.4 * torch.sin(7 * (px + py) + phase[2])
)
picture = picture / picture.std()
shuffled = torch.randperm(len(coords))
known, hidden = shuffled[:960], shuffled[960:]

model = Siren()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for it in range(601):
    loss = ((model(coords[known]) - picture[known]) ** 2).mean()
    if it % 75 == 0:
        with torch.no_grad():
            unseen = ((model(coords[hidden]) - picture[hidden]) ** 2).mean()
        psnr = -10 * torch.log10(unseen / (picture.max() - picture.min()) ** 2)
        print(
            f"it {it}: mse on known pixels {loss.item():.5f}, hidden pixels {unseen.item():.5f} ({psnr.item():.1f} dB)"
        )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

print(f"score: {1 - unseen.item() / picture[hidden].var().item():.4f}")
