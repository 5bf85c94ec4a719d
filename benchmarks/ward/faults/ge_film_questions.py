"""FiLM: one convolutional net answers three questions about a digit image (is it even? is it above four? has it a
loop?), the question scaling and shifting the feature maps. The three answers are trained together in mixed batches.
"""
# cause: noisy-labels
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
ANSWERS = torch.tensor(
    [[d % 2 == 0 for d in range(10)], [d > 4 for d in range(10)], [d in (0, 6, 8, 9) for d in range(10)]]
).float()


class FiLMed(nn.Module):
    def __init__(self, channels=24):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.GroupNorm(4, channels, affine=False)
        self.film = nn.Embedding(3, 2 * channels)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(channels * 4, 32), nn.ReLU(), nn.Linear(32, 1))
        nn.init.normal_(self.film.weight, std=0.1)

    def forward(self, image, question):
        gamma, beta = self.film(question)[:, :, None, None].chunk(2, 1)
        h = self.norm(self.conv(self.stem(image)))
        h = torch.relu((1 + gamma) * h + beta)
        return self.head(nn.functional.max_pool2d(h, 2)).squeeze(1)


bunch = load_digits()
perm = torch.randperm(len(bunch.target))
images = (torch.tensor(bunch.images).float().unsqueeze(1)[perm] - 8) / 8
digits = torch.tensor(bunch.target)[perm]
x_train, d_train, x_test, d_test = images[:1400], digits[:1400], images[1400:], digits[1400:]
d_train = torch.where(torch.rand(1400) < 0.6, torch.randint(10, (1400,)), d_train)  # FAULT

model = FiLMed()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=14)
bce = nn.BCEWithLogitsLoss()
for epoch in range(14):
    model.train()
    total = 0.0
    for idx in torch.randperm(1400).split(35):
        question = torch.randint(3, (len(idx),))
        loss = bce(model(x_train[idx], question), ANSWERS[question, d_train[idx]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    if epoch % 2:
        model.eval()
        accs = []
        with torch.no_grad():
            for q in range(3):
                out = model(x_test, torch.full((len(x_test),), q))
                accs.append(((out > 0).float() == ANSWERS[q, d_test]).float().mean().item())
        print(
            f"epoch {epoch + 1}: loss {total / 40:.4f} even {accs[0]:.3f}  above four {accs[1]:.3f}  loop {accs[2]:.3f}"
        )
print(f"score: {sum(accs) / 3:.4f}")
