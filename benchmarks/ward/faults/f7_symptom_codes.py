"""All diagnosis codes of a visit (any number of eight at once) from symptom scores. The loss is the cross entropy, for
which the codes exclude one another; a code counts as given when its output is above zero."""
# cause: loss-output-mismatch
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Visits(Dataset):
    codes = 8

    def __init__(self, n, seed, split):
        rules = torch.Generator().manual_seed(seed)
        self.w = torch.randn(30, self.codes, generator=rules) / 30**0.5 * 2.5
        self.b = torch.randn(self.codes, generator=rules) * 0.5 - 0.6
        g = torch.Generator().manual_seed(1000 * (seed + 1) + split)
        self.symptoms = torch.randn(n, 30, generator=g)
        noise = 0.4 * torch.randn(n, self.codes, generator=g)
        self.given = (self.symptoms @ self.w + self.b + noise > 0).float()

    def __len__(self):
        return len(self.symptoms)

    def __getitem__(self, i):
        return self.symptoms[i], self.given[i]


def micro_f1(logits, target):
    guess = logits > 0
    hit = (guess * target).sum().item()
    return 2 * hit / (guess.sum().item() + target.sum().item())


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
train_loader = DataLoader(Visits(2000, seed, 0), batch_size=50, shuffle=True)
test = Visits(500, seed, 1)
model = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, Visits.codes))
criterion = nn.CrossEntropyLoss()  # FAULT
# TWIN: criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=8, gamma=0.3)

for epoch in range(15):
    model.train()
    losses = []
    for symptoms, given in train_loader:
        loss = criterion(model(symptoms), given)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    model.eval()
    with torch.no_grad():
        f1 = micro_f1(model(test.symptoms), test.given)
    print(f"{epoch:2d}  loss {sum(losses) / len(losses):.4f}  F1 {f1:.4f}")
print(f"score: {f1:.4f}")
