"""Split learning between a hospital and a server: the hospital keeps the rows and sends only noisy activations of
its front network; the server finishes the forward pass and returns the gradient of the activations. Two autograd
graphs, two optimizers, one loss."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch import nn


class Hospital:
    def __init__(self, x):
        self.x = x
        self.front = nn.Sequential(nn.Linear(x.shape[1], 48), nn.ReLU(), nn.Linear(48, 16), nn.Tanh())
        self.optimizer = torch.optim.Adam(self.front.parameters(), lr=2e-3)
        self.pending = None

    def send(self, rows):
        self.pending = self.front(self.x[rows])
        return self.pending.detach() + 0.05 * torch.randn_like(self.pending)

    def receive(self, gradient):
        self.optimizer.zero_grad()
        self.pending.backward(gradient)
        self.optimizer.step()
        self.pending = None

    @torch.no_grad()
    def encode(self, x):
        return self.front(x)


class Server:
    def __init__(self, classes):
        self.back = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, classes))
        self.optimizer = torch.optim.SGD(self.back.parameters(), lr=0.05, momentum=0.9)

    def train_step(self, message, labels):
        message = message.clone().requires_grad_(True)
        loss = F.cross_entropy(self.back(message), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return message.grad, loss.item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    features, diagnosis = make_classification(
        n_samples=4000, n_features=20, n_informative=8, n_classes=4, class_sep=1.7, flip_y=0.02, random_state=seed
    )
    x_tr, x_te, y_tr, y_te = train_test_split(features, diagnosis, test_size=0.25, random_state=seed)
    mean, std = x_tr.mean(0), x_tr.std(0)
    x_tr, x_te = (torch.tensor((x - mean) / std, dtype=torch.float32) for x in (x_tr, x_te))
    y_tr, y_te = torch.tensor(y_tr), torch.tensor(y_te)

    hospital, server = Hospital(x_tr), Server(classes=4)
    for round_ in range(15):
        losses = []
        for rows in torch.randperm(len(x_tr)).split(50):
            message = hospital.send(rows)
            reply, loss = server.train_step(message, y_tr[rows])
            hospital.receive(reply)
            losses.append(loss)
        if round_ % 3 == 2:
            print(f"round {round_ + 1}: loss {sum(losses) / len(losses):.4f}")

    with torch.no_grad():
        accuracy = (server.back(hospital.encode(x_te)).argmax(1) == y_te).float().mean().item()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
