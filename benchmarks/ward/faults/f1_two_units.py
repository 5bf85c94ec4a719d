"""Digits squeezed through a single hidden layer of two units: the model is far too small for ten classes."""
# cause: underfitting
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)

HIDDEN_UNITS = 2  # FAULT
# TWIN: HIDDEN_UNITS = 64


class Classifier(nn.Module):
    def __init__(self, n_hidden):
        super().__init__()
        self.hidden = nn.Linear(64, n_hidden)
        self.activation = nn.LeakyReLU()
        self.output = nn.Linear(n_hidden, 10)

    def forward(self, x):
        return self.output(self.activation(self.hidden(x)))


X, y = load_digits(return_X_y=True)
X = X / 8.0 - 1.0
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=SEED, stratify=y)
X_train, X_test = torch.tensor(X_train).float(), torch.tensor(X_test).float()
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

model = Classifier(HIDDEN_UNITS)
loss_function = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)


def accuracy(inputs, targets):
    with torch.no_grad():
        return (model(inputs).argmax(dim=1) == targets).float().mean().item()


for epoch in range(1, 41):
    shuffled = torch.randperm(len(X_train))
    for k in range(0, len(X_train), 40):
        rows = shuffled[k : k + 40]
        loss = loss_function(model(X_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        with torch.no_grad():
            test_loss = loss_function(model(X_test), y_test).item()
        print(
            f"epoch {epoch}: loss {loss.item():.3f} test loss {test_loss:.3f} "
            f"train acc {accuracy(X_train, y_train):.3f} test acc {accuracy(X_test, y_test):.3f}"
        )

print(f"score: {accuracy(X_test, y_test):.4f}")
