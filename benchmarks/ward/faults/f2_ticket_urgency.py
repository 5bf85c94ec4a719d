"""Binary classifier for support tickets (synthetic bag of counts): urgent or not.

Fault: forward() ends in a sigmoid and the loss is BCEWithLogitsLoss, so the sigmoid is applied twice.
"""
# cause: softmax-twice
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)


def make_tickets(n, rng):
    topic_urgent = rng.dirichlet(np.ones(40) * 0.8)
    topic_normal = rng.dirichlet(np.ones(40) * 0.8)
    y = (rng.random(n) < 0.35).astype(np.float32)
    counts = np.stack([rng.multinomial(15, 0.5 * (topic_urgent if t else topic_normal) + 0.5 / 40) for t in y])
    return np.log1p(counts).astype(np.float32), y


class TicketNet(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.layer_1 = nn.Linear(n_in, 64)
        self.layer_2 = nn.Linear(64, 32)
        self.layer_out = nn.Linear(32, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.layer_1(x))
        x = self.relu(self.layer_2(x))
        x = self.layer_out(x)
        x = torch.sigmoid(x)  # FAULT
        return x.squeeze(1)


def binary_acc(y_pred, y_test):
    y_pred_tag = torch.round(torch.sigmoid(y_pred))
    return (y_pred_tag == y_test).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    X, y = make_tickets(2000, np.random.default_rng(seed))
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    X_train, y_train, X_test, y_test = X[:1500], y[:1500], X[1500:], y[1500:]

    model = TicketNet(X.shape[1])
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    for e in range(1, 21):
        model.train()
        epoch_loss, epoch_acc, batches = 0.0, 0.0, 0
        for idx in torch.randperm(len(X_train)).split(50):
            optimizer.zero_grad()
            y_pred = model(X_train[idx])
            loss = criterion(y_pred, y_train[idx])
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item()
            epoch_acc += binary_acc(y_pred, y_train[idx])
            batches += 1
        print(f"Epoch {e:02}: | Loss: {epoch_loss / batches:.5f} | Acc: {100 * epoch_acc / batches:.2f}")

    model.eval()
    with torch.no_grad():
        accuracy = binary_acc(model(X_test), y_test)
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
