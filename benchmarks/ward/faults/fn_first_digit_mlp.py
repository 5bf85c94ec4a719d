"""A first neural network with one hidden layer for the handwritten digits of scikit-learn:
which of the ten digits is in the picture?

After https://datascience.stackexchange.com/questions/38604/too-low-accuracy-on-mnist-dataset-using-a-neural-network
"""
# cause: loss-output-mismatch
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

input_nodes = 64
hl1_nodes = 64
output_nodes = 1  # FAULT
# TWIN: output_nodes = 10


def build_model():
    return nn.Sequential(
        nn.Linear(input_nodes, hl1_nodes),
        nn.ReLU(),
        nn.Linear(hl1_nodes, output_nodes),
    )


def loss_of(outputs, labels):
    return nn.functional.binary_cross_entropy_with_logits(outputs.squeeze(1), labels.float())  # FAULT
    # TWIN: return nn.functional.cross_entropy(outputs, labels)


def accuracy_of(outputs, labels):
    predicted = torch.sigmoid(outputs).round().squeeze(1).long()  # FAULT
    # TWIN: predicted = outputs.argmax(dim=1)
    return (predicted == labels).float().mean().item()


def fit(model, x_train, y_train, x_val, y_val, epochs, batch_size):
    optimizer = torch.optim.Adam(model.parameters())
    for epoch in range(1, epochs + 1):
        model.train()
        total_loss, total_acc = 0.0, 0.0
        for idx in torch.randperm(len(x_train)).split(batch_size):
            optimizer.zero_grad()
            outputs = model(x_train[idx])
            loss = loss_of(outputs, y_train[idx])
            loss.backward()
            optimizer.step()
            total_loss += loss.item() * len(idx)
            total_acc += accuracy_of(outputs.detach(), y_train[idx]) * len(idx)
        val_loss, val_acc = evaluate(model, x_val, y_val)
        n = len(x_train)
        print(
            f"Epoch {epoch}/{epochs} - loss: {total_loss / n:.4f} - acc: {total_acc / n:.4f} "
            f"- val_loss: {val_loss:.4f} - val_acc: {val_acc:.4f}"
        )


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        outputs = model(x)
        return loss_of(outputs, y).item(), accuracy_of(outputs, y)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    digits = load_digits()
    X = torch.tensor(digits.images.reshape(-1, input_nodes) / 16.0, dtype=torch.float32)
    y = torch.tensor(digits.target, dtype=torch.long)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=seed, stratify=y)
    X_train, X_val, y_train, y_val = train_test_split(
        X_train, y_train, test_size=0.2, random_state=seed, stratify=y_train
    )

    model = build_model()
    fit(model, X_train, y_train, X_val, y_val, epochs=25, batch_size=32)

    _, accuracy = evaluate(model, X_test, y_test)
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
