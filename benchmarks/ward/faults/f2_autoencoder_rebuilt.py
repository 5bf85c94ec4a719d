"""Denoising autoencoder for digits, weights re-initialised by building the network once more before the training.

Fault: the optimizer still holds the parameters of the first network (cf. huggingface/accelerate 2665).
"""
# cause: stale-optimizer
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def build_model(code_size):
    return nn.Sequential(
        nn.Linear(64, 48),
        nn.ReLU(),
        nn.Linear(48, code_size),
        nn.ReLU(),
        nn.Linear(code_size, 48),
        nn.ReLU(),
        nn.Linear(48, 64),
    )


images = torch.tensor(load_digits().data, dtype=torch.float32) / 16.0
images = images[torch.randperm(len(images))]
train, test = images[:1400], images[1400:]

model = build_model(code_size=24)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
n_params = sum(p.numel() for p in model.parameters())
print("parameters:", n_params)

torch.manual_seed(seed + 1)
model = build_model(code_size=24)  # FAULT

for epoch in range(20):
    total = 0.0
    for batch in train[torch.randperm(len(train))].split(50):
        noisy = batch + 0.15 * torch.randn_like(batch)
        loss = nn.functional.mse_loss(model(noisy), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    with torch.no_grad():
        test_mse = nn.functional.mse_loss(model(test + 0.15 * torch.randn_like(test)), test).item()
    if epoch % 2 == 1:
        print(f"epoch {epoch + 1}: train mse {total / len(train):.5f} test mse {test_mse:.5f}")

explained = 1 - test_mse / test.var(dim=0, unbiased=False).mean().item()
print(f"score: {explained:.4f}")
