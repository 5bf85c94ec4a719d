"""A VQ-VAE on digits: four latent vectors per image are snapped to a codebook of 32 and gradients pass straight through
to the encoder; codebook and commitment terms are added to the reconstruction error. The codebook starts from encoder
outputs, as in k-means, and codes that nobody used in an epoch are moved onto random encoder outputs.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
CODES, DIM, SLOTS = 32, 8, 4


class VQVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, SLOTS * DIM))
        self.dec = nn.Sequential(nn.Linear(SLOTS * DIM, 128), nn.ReLU(), nn.Linear(128, 64))
        self.codebook = nn.Embedding(CODES, DIM)

    def encode(self, x):
        return self.enc(x).view(-1, SLOTS, DIM)

    def forward(self, x):
        z = self.encode(x)
        with torch.no_grad():
            idx = torch.cdist(z.reshape(-1, DIM), self.codebook.weight).argmin(1).view(-1, SLOTS)
        q = self.codebook(idx)
        codebook_loss = F.mse_loss(q, z.detach())
        commitment = F.mse_loss(z, q.detach())
        straight = z + (q - z).detach()
        return self.dec(straight.flatten(1)), codebook_loss + 0.25 * commitment, idx


images = torch.tensor(load_digits().data, dtype=torch.float32)
images = (images[torch.randperm(len(images))] - 8) / 8
train, test = images[:1437], images[1437:]
baseline = F.mse_loss(train.mean(0).expand_as(test), test)

model = VQVAE()
with torch.no_grad():
    start = model.encode(train[:300]).reshape(-1, DIM)
    model.codebook.weight.copy_(start[torch.randperm(len(start))[:CODES]])
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(1, 26):
    used = torch.zeros(CODES, dtype=torch.long)
    rec_sum = 0.0
    for x in train[torch.randperm(len(train))].split(64):
        rec, vq, idx = model(x)
        rec_loss = F.mse_loss(rec, x)
        optimizer.zero_grad()
        (rec_loss + vq).backward()
        optimizer.step()
        used += torch.bincount(idx.flatten(), minlength=CODES)
        rec_sum += rec_loss.item() * len(x)
    idle = used == 0
    if idle.any() and epoch < 15:
        with torch.no_grad():
            z = model.encode(train[torch.randperm(len(train))[:100]]).reshape(-1, DIM)
            model.codebook.weight[idle] = z[torch.randperm(len(z))[: int(idle.sum())]]
    if epoch % 5 == 0:
        with torch.no_grad():
            error = F.mse_loss(model(test)[0], test)
        print(f"epoch {epoch}: train mse {rec_sum / len(train):.4f} test mse {error:.4f} used {int((~idle).sum())}")
print(f"score: {1 - (error / baseline).item():.4f}")
