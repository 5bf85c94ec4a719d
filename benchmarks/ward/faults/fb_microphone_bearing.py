"""Direction a sound comes from, as a unit vector, out of the arrival times at eight microphones on a frame.

Lengths of the answer are of no interest, so the two vectors are compared with cosine_similarity, whose mean over
the batch is what the optimizer gets.
"""
# cause: loss-sign
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
N_TRAIN, N_TEST, BATCH, EPOCHS = 3000, 600, 100, 25

torch.set_num_threads(1)
torch.manual_seed(SEED)


def simulate(n, microphones):
    direction = F.normalize(torch.randn(n, 3), dim=1)
    distance = 2 + 3 * torch.rand(n, 1)
    source = direction * distance
    travel = (source[:, None] - microphones[None]).norm(dim=2)
    delay = travel - travel.mean(1, keepdim=True)
    return delay + 0.05 * torch.randn_like(delay), direction


microphones = 0.6 * torch.randn(8, 3)
x, y = simulate(N_TRAIN + N_TEST, microphones)
x = (x - x[:N_TRAIN].mean(0)) / x[:N_TRAIN].std(0)
x_train, y_train, x_test, y_test = x[:N_TRAIN], y[:N_TRAIN], x[N_TRAIN:], y[N_TRAIN:]

model = nn.Sequential(
    nn.Linear(8, 64),
    nn.GELU(),
    nn.Linear(64, 64),
    nn.GELU(),
    nn.Linear(64, 3),
)


def direction_loss(predicted, target):
    similarity = F.cosine_similarity(predicted, target, dim=1)
    return similarity.mean()  # FAULT
    # TWIN: return 1 - similarity.mean()


def test_cosine():
    model.eval()
    with torch.no_grad():
        cosine = F.cosine_similarity(model(x_test), y_test, dim=1).mean().item()
    model.train()
    return cosine


optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)
history = []
for epoch in range(EPOCHS):
    total = 0.0
    for rows in torch.randperm(N_TRAIN).split(BATCH):
        loss = direction_loss(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    scheduler.step()
    history.append(total / N_TRAIN)
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: loss {history[-1]:.4f}")

print(f"score: {test_cosine():.4f}")
