"""The swiss roll unrolled: from the three noisy coordinates to the angle and the height, standardised, with a weight-
normalised MLP and RMSprop with momentum. Score: the worse of the two R2.
"""

import sys

import torch
from sklearn.datasets import make_swiss_roll
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

points, angle = make_swiss_roll(1800, noise=0.3, random_state=seed)
inputs = torch.tensor(points[:, [0, 2, 1]], dtype=torch.float32)
outputs = torch.tensor([[a, p[1]] for a, p in zip(angle, points)], dtype=torch.float32)
n_train = 1400
inputs = (inputs - inputs[:n_train].mean(0)) / inputs[:n_train].std(0)
outputs = (outputs - outputs[:n_train].mean(0)) / outputs[:n_train].std(0)

layers = []
widths = [3, 64, 64, 2]
for a, b in zip(widths[:-1], widths[1:]):
    layers += [weight_norm(nn.Linear(a, b)), nn.Softplus(beta=4)]
model = nn.Sequential(*layers[:-1])
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, momentum=0.5)
milestones = torch.optim.lr_scheduler.MultiStepLR(optimizer, [20, 32], gamma=0.3)
criterion = nn.MSELoss()

for epoch in range(40):
    order = torch.randperm(n_train)
    epoch_loss = 0.0
    for i in range(0, n_train, 70):
        idx = order[i : i + 70]
        loss = criterion(model(inputs[idx]), outputs[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() / 20
    milestones.step()
    if epoch % 8 == 7:
        print(f"epoch {epoch + 1} train mse {epoch_loss:.5f}")

with torch.no_grad():
    truth = outputs[n_train:]
    r2 = 1 - (model(inputs[n_train:]) - truth).square().mean(0) / truth.var(0, unbiased=False)
print(f"R2 angle {r2[0].item():.4f} height {r2[1].item():.4f}")
print(f"score: {r2.min().item():.4f}")
