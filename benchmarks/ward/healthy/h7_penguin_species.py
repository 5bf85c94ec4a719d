"""Three penguin species from four body measurements (synthetic, with the published means): a tiny tanh network, SGD
with an exponential schedule, full pass over small batches by hand.
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rs = np.random.RandomState(seed)
torch.manual_seed(seed)

# bill length, bill depth, flipper length (mm), body mass (g)
means = np.array([[38.8, 18.3, 190.0, 3700.0], [48.8, 18.4, 195.8, 3730.0], [47.5, 15.0, 217.2, 5070.0]])
stds = np.array([[2.7, 1.2, 6.5, 460.0], [3.3, 1.1, 7.1, 385.0], [3.1, 1.0, 6.5, 500.0]])
species = rs.choice(3, size=900, p=[0.44, 0.2, 0.36])
body = means[species] + stds[species] * rs.randn(900, 4)

train, test = np.arange(600), np.arange(600, 900)
mu, sd = body[train].mean(axis=0), body[train].std(axis=0)
X = torch.tensor((body - mu) / sd, dtype=torch.float32)
Y = torch.tensor(species)


class PenguinNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.Linear(4, 10)
        self.output = torch.nn.Linear(10, 3)

    def forward(self, x):
        return self.output(torch.tanh(self.hidden(x)))


net = PenguinNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.8)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)

for epoch in range(40):
    shuffled = torch.randperm(len(train))
    epoch_loss = 0.0
    for i in range(0, len(train), 30):
        rows = shuffled[i : i + 30]
        optimizer.zero_grad()
        loss = F.cross_entropy(net(X[rows]), Y[rows])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    scheduler.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            prediction = net(X[test]).argmax(dim=1)
        accuracy = (prediction == Y[test]).double().mean().item()
        print("epoch", epoch + 1, "mean loss", round(epoch_loss / 20, 4), "test accuracy", round(accuracy, 3))

confusion = np.zeros((3, 3), dtype=int)
for truth, guess in zip(Y[test].tolist(), prediction.tolist(), strict=True):
    confusion[truth, guess] += 1
print(confusion)
print("score:", round(accuracy, 4))
