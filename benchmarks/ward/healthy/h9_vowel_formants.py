"""Five vowels from their first three formants. Full-batch training of a one-hidden-layer network, flat script."""

import sys

import torch

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

# mean formant frequencies in Hz (a, e, i, o, u), scaled per speaker
means = torch.tensor([[730.0, 1090, 2440], [530, 1840, 2480], [270, 2290, 3010], [570, 840, 2410], [300, 870, 2240]])
labels = torch.arange(5).repeat(600)
speaker = 1 + 0.08 * torch.randn(len(labels), 1)
formants = means[labels] * speaker * (1 + 0.09 * torch.randn(len(labels), 3))

perm = torch.randperm(len(labels))
train_idx, test_idx = perm[:2400], perm[2400:]
x = torch.log(formants)
x = (x - x[train_idx].mean(0)) / x[train_idx].std(0)

model = torch.nn.Sequential(torch.nn.Linear(3, 20), torch.nn.Tanh(), torch.nn.Linear(20, 5))
loss_fn = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)

for t in range(801):
    y_pred = model(x[train_idx])
    loss = loss_fn(y_pred, labels[train_idx])
    if t % 100 == 0:
        print(t, round(loss.item(), 5))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

with torch.no_grad():
    guess = model(x[test_idx]).argmax(dim=1)
confusion = torch.zeros(5, 5, dtype=torch.long)
for truth, g in zip(labels[test_idx], guess):
    confusion[truth, g] += 1
print(confusion)
print(f"score: {(guess == labels[test_idx]).float().mean().item():.4f}")
