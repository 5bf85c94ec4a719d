"""Seven classes of animals from sixteen yes-or-no traits: one linear layer, a few passes over a small table."""

import random
import sys

import torch

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
random.seed(seed)

CLASSES = ["mammal", "bird", "reptile", "fish", "amphibian", "insect", "mollusc"]
TRAITS = 16
likely = {name: [random.choice([0.05, 0.95, 0.5]) for _ in range(TRAITS)] for name in CLASSES}

rows = []
for _ in range(700):
    name = random.choice(CLASSES)
    traits = [float(random.random() < chance) for chance in likely[name]]
    rows.append((traits, CLASSES.index(name)))
cut = 500
x = torch.tensor([traits for traits, _ in rows]) - 0.5
y = torch.tensor([label for _, label in rows])
train_x, test_x, train_y, test_y = x[:cut], x[cut:], y[:cut], y[cut:]

model = torch.nn.Linear(TRAITS, len(CLASSES))
loss_fn = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3)

for epoch in range(25):
    permutation = torch.randperm(cut)
    for i in range(0, cut, 20):
        batch = permutation[i : i + 20]
        loss = loss_fn(model(train_x[batch]), train_y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            train_loss = loss_fn(model(train_x), train_y).item()
            accuracy = (model(test_x).argmax(1) == test_y).float().mean().item()
        print(f"epoch {epoch + 1}: train loss {train_loss:.4f}, test accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
