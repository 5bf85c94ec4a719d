"""Denoising autoencoder on the digits: Gaussian noise on the input, clean picture as the target, MSE."""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

data = torch.tensor(load_digits().data, dtype=torch.float32) / 16
data = data[torch.randperm(len(data))]
train, test = data[:1500], data[1500:]
noisy_test = test + 0.25 * torch.randn_like(test)

encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 24))
decoder = nn.Sequential(nn.Linear(24, 96), nn.ReLU(), nn.Linear(96, 64))
params = list(encoder.parameters()) + list(decoder.parameters())
optimizer = torch.optim.Adam(params, lr=2e-3)
mse = nn.MSELoss()

for epoch in range(30):
    perm = torch.randperm(len(train))
    total = 0
    for i in range(0, len(train), 50):
        clean = train[perm[i : i + 50]]
        noisy = clean + 0.25 * torch.randn_like(clean)
        loss = mse(decoder(encoder(noisy)), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(clean)
    if epoch % 5 == 4:
        with torch.no_grad():
            rec = mse(decoder(encoder(noisy_test)), test).item()
        print(f"epoch {epoch + 1}: train {total / len(train):.5f}, test {rec:.5f}")

print(f"noise level before: {mse(noisy_test, test).item():.5f}")
print(f"score: {1 - rec / test.var(0).mean().item():.4f}")
