"""Federated averaging on the handwritten digits of scikit-learn: six users train copies of a small MLP
on their own images, the server averages the weights, and so on for some rounds.

After https://github.com/shaoxiongji/federated-learning/issues/9
"""
# cause: softmax-twice
# kind: dynamic

import copy
import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class MLP(nn.Module):
    def __init__(self, dim_in, dim_hidden, dim_out):
        super().__init__()
        self.layer_input = nn.Linear(dim_in, dim_hidden)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.2)
        self.layer_hidden = nn.Linear(dim_hidden, dim_out)
        self.softmax = nn.Softmax(dim=1)  # FAULT

    def forward(self, x):
        x = x.view(x.shape[0], -1)
        x = self.relu(self.dropout(self.layer_input(x)))
        x = self.layer_hidden(x)
        return self.softmax(x)  # FAULT
        # TWIN: return x


class LocalUpdate:
    def __init__(self, dataset, local_ep, local_bs, lr):
        self.loss_func = nn.CrossEntropyLoss()
        self.loader = DataLoader(dataset, batch_size=local_bs, shuffle=True)
        self.local_ep, self.lr = local_ep, lr

    def update_weights(self, net):
        net.train()
        optimizer = torch.optim.SGD(net.parameters(), lr=self.lr, momentum=0.5)
        losses = []
        for _ in range(self.local_ep):
            for images, labels in self.loader:
                optimizer.zero_grad()
                loss = self.loss_func(net(images), labels)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
        return net.state_dict(), sum(losses) / len(losses)


def average_weights(w):
    w_avg = copy.deepcopy(w[0])
    for k in w_avg:
        for other in w[1:]:
            w_avg[k] += other[k]
        w_avg[k] = w_avg[k] / len(w)
    return w_avg


def test(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    digits = load_digits()
    x = torch.tensor(digits.data / 16.0, dtype=torch.float32)
    y = torch.tensor(digits.target, dtype=torch.long)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=seed, stratify=y)

    users = 6
    shares = np.array_split(np.random.permutation(len(y_train)), users)
    parts = [TensorDataset(x_train[s], y_train[s]) for s in shares]

    net_glob = MLP(64, 64, 10)
    for rnd in range(12):
        w_locals, loss_locals = [], []
        for part in parts:
            local = LocalUpdate(part, local_ep=1, local_bs=12, lr=0.1)
            w, loss = local.update_weights(copy.deepcopy(net_glob))
            w_locals.append(w)
            loss_locals.append(loss)
        net_glob.load_state_dict(average_weights(w_locals))
        print(
            f"Round {rnd:3d}, Average loss {sum(loss_locals) / users:.3f}, Test accuracy {test(net_glob, x_test, y_test):.3f}"
        )

    print(f"score: {test(net_glob, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
