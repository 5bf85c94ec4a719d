"""Is the handwritten digit odd or even? Binary classification of 8x8 digits with one logit, Nesterov momentum, and a
plain fit / evaluate pair of functions.
"""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16.0 - 0.3, y % 2, test_size=0.25, random_state=SEED)
X_train, X_test = torch.FloatTensor(X_train), torch.FloatTensor(X_test)
y_train, y_test = torch.FloatTensor(y_train), torch.FloatTensor(y_test)


class OddNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 48)
        self.fc2 = nn.Linear(48, 1)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x))).squeeze(1)


def fit_one_epoch(net, opt, loss_fn, batch_size=32):
    net.train()
    total = 0.0
    for idx in torch.randperm(len(X_train)).split(batch_size):
        opt.zero_grad()
        loss = loss_fn(net(X_train[idx]), y_train[idx])
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    return total / len(X_train)


@torch.no_grad()
def evaluate(net, loss_fn):
    net.eval()
    logits = net(X_test)
    accuracy = ((logits > 0).float() == y_test).float().mean().item()
    return loss_fn(logits, y_test).item(), accuracy


net = OddNet()
loss_fn = nn.BCEWithLogitsLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9, nesterov=True, weight_decay=1e-4)
for epoch in range(1, 21):
    train_loss = fit_one_epoch(net, opt, loss_fn)
    test_loss, test_acc = evaluate(net, loss_fn)
    print(f"[{epoch:02d}/20] loss: {train_loss:.4f} | test loss: {test_loss:.4f} | test acc: {100 * test_acc:.2f}%")

print(f"score: {test_acc:.4f}")
