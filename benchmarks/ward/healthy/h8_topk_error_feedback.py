"""Four workers share one digits classifier but each sends only the largest 5 % of its gradient entries.

What a worker does not send stays in its memory and is added to its next gradient (error feedback), so nothing is lost.
The server averages the sparse messages and takes a momentum step.
"""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

torch.set_num_threads(1)


class Worker:
    def __init__(self, images, labels, size, keep, generator):
        self.images, self.labels = images, labels
        self.memory = torch.zeros(size)
        self.keep = keep
        self.generator = generator

    def message(self, model, batch_size):
        rows = torch.randint(0, len(self.labels), (batch_size,), generator=self.generator)
        loss = F.cross_entropy(model(self.images[rows]), self.labels[rows])
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        total = self.memory + torch.cat([g.reshape(-1) for g in gradients])
        where = total.abs().topk(self.keep).indices
        values = total[where]
        self.memory = total.index_fill(0, where, 0.0)
        return loss.item(), where, values


class Server:
    def __init__(self, model, lr, momentum):
        self.model, self.lr, self.momentum = model, lr, momentum
        self.weights = parameters_to_vector(model.parameters()).detach().clone()
        self.velocity = torch.zeros_like(self.weights)

    def update(self, messages):
        mean = torch.zeros_like(self.weights)
        for where, values in messages:
            mean.index_add_(0, where, values / len(messages))
        self.velocity = self.momentum * self.velocity + mean
        self.weights = self.weights - self.lr * self.velocity
        vector_to_parameters(self.weights, self.model.parameters())


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x / 16.0, y, test_size=0.25, random_state=seed, stratify=y)
    x_train, x_test = torch.tensor(x_train, dtype=torch.float32), torch.tensor(x_test, dtype=torch.float32)
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    server = Server(model, lr=0.1, momentum=0.5)
    size = len(server.weights)
    workers = []
    for k in range(4):
        shard = torch.arange(k, len(y_train), 4)
        gen = torch.Generator().manual_seed(1000 * seed + k)
        workers.append(Worker(x_train[shard], y_train[shard], size, keep=size // 20, generator=gen))

    for step in range(1000):
        replies = [w.message(model, 32) for w in workers]
        server.update([(where, values) for _, where, values in replies])
        if step % 100 == 99:
            print(f"step {step + 1}: mean worker loss {sum(r[0] for r in replies) / 4:.4f}")

    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"score: {accuracy:.4f}")


main()
