"""Handwritten digits by direct feedback alignment: the error reaches the hidden layers by fixed random matrices, not
by the transposed weights, so no loss.backward() is called at all. Momentum updates by hand under no_grad.
"""

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
torch.set_grad_enabled(False)


class Layer:
    def __init__(self, n_in, n_out, gen, n_error=None):
        self.w = torch.randn(n_in, n_out, generator=gen) / n_in**0.5
        self.b = torch.zeros(n_out)
        self.feedback = None if n_error is None else torch.randn(n_error, n_out, generator=gen) / n_error**0.5
        self.dw, self.db = torch.zeros_like(self.w), torch.zeros_like(self.b)

    def __call__(self, x):
        self.x = x
        a = x @ self.w + self.b
        self.y = a if self.feedback is None else torch.tanh(a)
        return self.y

    def learn(self, error, rate, momentum=0.9):
        delta = error if self.feedback is None else (error @ self.feedback) * (1 - self.y**2)
        self.dw.mul_(momentum).add_(self.x.T @ delta / len(delta))
        self.db.mul_(momentum).add_(delta.mean(0))
        self.w -= rate * self.dw
        self.b -= rate * self.db


def forward(layers, x):
    for layer in layers:
        x = layer(x)
    return x


def main(seed):
    gen = torch.Generator().manual_seed(seed)
    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(images / 16, labels, test_size=0.3, stratify=labels, random_state=seed)
    x, x_test = torch.tensor(x).float(), torch.tensor(x_test).float()
    y, y_test = torch.tensor(y), torch.tensor(y_test)
    mean = x.mean(0)
    x, x_test = (x - mean) / 0.35, (x_test - mean) / 0.35
    onehot = torch.eye(10)[y]
    layers = [Layer(64, 128, gen, 10), Layer(128, 96, gen, 10), Layer(96, 10, gen)]
    for epoch in range(40):
        rate = 0.03 * 0.95**epoch
        total = 0.0
        for idx in torch.randperm(len(x), generator=gen).split(16):
            logits = forward(layers, x[idx])
            log_p = torch.log_softmax(logits, 1)
            total -= (log_p * onehot[idx]).sum().item()
            error = log_p.exp() - onehot[idx]
            for layer in layers:
                layer.learn(error, rate)
        if epoch % 4 == 3:
            acc = (forward(layers, x_test).argmax(1) == y_test).float().mean()
            print(f"epoch {epoch + 1} loss {total / len(x):.4f} test acc {acc:.4f}")
    acc = (forward(layers, x_test).argmax(1) == y_test).float().mean().item()
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
