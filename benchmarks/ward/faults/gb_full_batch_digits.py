"""Full-batch gradient descent with momentum: one step an epoch on all 1300 training digits, 300 epochs. The curve is
smooth, without minibatch noise; the validation set is looked at every 25 epochs.
"""
# cause: over-regularization
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.set_num_threads(1)


class Classifier(nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.hidden = nn.Linear(n_in, n_hidden)
        self.predict = nn.Linear(n_hidden, n_out)

    def forward(self, x):
        return self.predict(torch.sigmoid(self.hidden(x)) * 2 - 1)


def main(seed=0):
    torch.manual_seed(seed)
    images, labels = load_digits(return_X_y=True)
    images = torch.from_numpy(images).float()
    labels = torch.from_numpy(labels)
    order = torch.randperm(len(labels))
    images, labels = images[order], labels[order]
    x, y = images[:1300], labels[:1300]
    x_val, y_val = images[1300:], labels[1300:]
    mean, std = x.mean(0), x.std(0).clamp(min=1.0)  # some corner pixels never change
    x, x_val = (x - mean) / std, (x_val - mean) / std

    net = Classifier(64, 64, 10)
    loss_func = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(1, 301):
        out = net(x)
        loss = loss_func(out, y) + 0.1 * sum(p.pow(2).sum() for p in net.parameters())  # FAULT
        # TWIN: loss = loss_func(out, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 25 == 0:
            with torch.no_grad():
                val_out = net(x_val)
                val_loss = loss_func(val_out, y_val).item()
                val_acc = (val_out.argmax(1) == y_val).float().mean().item()
            print(f"epoch {epoch}: loss {loss.item():.4f}, val loss {val_loss:.4f}, val acc {val_acc:.4f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
