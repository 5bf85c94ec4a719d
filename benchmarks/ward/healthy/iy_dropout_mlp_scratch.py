"""A two-layer perceptron for digits out of bare tensors: own dropout, own cross-entropy, own minibatch SGD.

After the dropout chapter ("Implementation from Scratch") of Dive into Deep Learning, https://d2l.ai/chapter_multilayer-perceptrons/dropout.html
"""

import random
import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

num_inputs, num_outputs, num_hiddens1, num_hiddens2 = 64, 10, 128, 64
dropout1, dropout2 = 0.2, 0.3


def dropout_layer(X, dropout):
    assert 0 <= dropout < 1
    mask = (torch.rand(X.shape) > dropout).float()
    return mask * X / (1.0 - dropout)


def init_params():
    def normal(n_in, n_out):
        return (torch.randn(n_in, n_out) * (2.0 / n_in) ** 0.5).requires_grad_(True)

    def zeros(n):
        return torch.zeros(n, requires_grad=True)

    return [
        normal(num_inputs, num_hiddens1),
        zeros(num_hiddens1),
        normal(num_hiddens1, num_hiddens2),
        zeros(num_hiddens2),
        normal(num_hiddens2, num_outputs),
        zeros(num_outputs),
    ]


def relu(X):
    return torch.max(X, torch.zeros_like(X))


def net(X, params, is_training):
    W1, b1, W2, b2, W3, b3 = params
    H1 = relu(X @ W1 + b1)
    if is_training:
        H1 = dropout_layer(H1, dropout1)
    H2 = relu(H1 @ W2 + b2)
    if is_training:
        H2 = dropout_layer(H2, dropout2)
    return H2 @ W3 + b3


def log_softmax(O):
    shifted = O - O.max(dim=1, keepdim=True).values
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()


def cross_entropy(O, y):
    return -log_softmax(O)[range(len(O)), y]


def sgd(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()


def data_iter(batch_size, features, labels):
    indices = list(range(len(features)))
    random.shuffle(indices)
    for i in range(0, len(indices), batch_size):
        batch = torch.tensor(indices[i : i + batch_size])
        yield features[batch], labels[batch]


def evaluate(params, X, y):
    with torch.no_grad():
        O = net(X, params, is_training=False)
        return cross_entropy(O, y).mean().item(), (O.argmax(dim=1) == y).float().mean().item()


def main(seed):
    random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    digits = load_digits()
    X_train, X_test, y_train, y_test = train_test_split(
        digits.data / 16.0, digits.target, test_size=0.25, stratify=digits.target, random_state=seed
    )
    X_train, X_test = torch.tensor(X_train, dtype=torch.float32), torch.tensor(X_test, dtype=torch.float32)
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

    params = init_params()
    num_epochs, lr, batch_size = 30, 0.1, 32
    for epoch in range(num_epochs):
        total = 0.0
        for X, y in data_iter(batch_size, X_train, y_train):
            loss = cross_entropy(net(X, params, is_training=True), y).sum()
            loss.backward()
            sgd(params, lr, len(y))
            total += loss.item()
        if (epoch + 1) % 3 == 0:
            test_loss, test_acc = evaluate(params, X_test, y_test)
            print(
                f"epoch {epoch + 1}, train loss {total / len(X_train):.3f}, test loss {test_loss:.3f}, test acc {test_acc:.3f}"
            )

    print(f"score: {evaluate(params, X_test, y_test)[1]:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
