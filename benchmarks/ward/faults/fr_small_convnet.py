"""A small convolutional classifier for 8-bit grey images of digits, in the style of the first Keras examples.

After http://pullrequest.ru/10248037/cnn-keras-shodyatsya-odnomu-tomu-zhe-znacheniy-nezavisimo-vvoda (a Stack Overflow mirror)
"""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

NUM_CLASSES = 10
EPOCHS = 30
BATCH_SIZE = 64


def load_images(seed):
    """Images as uint8 with values 0 to 255, the way an image file gives them."""
    data = load_digits()
    images = np.round(data.images * 255.0 / 16.0).astype("uint8")
    return train_test_split(images, data.target, test_size=0.25, random_state=seed, stratify=data.target)


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 2 * 2, 64)
        self.dropout = nn.Dropout(0.25)
        self.fc2 = nn.Linear(64, NUM_CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = self.dropout(F.relu(self.fc1(x)))
        return self.fc2(x)


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item(), out.argmax(1)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    x_train, x_test, y_train, y_test = load_images(seed)
    x_train = x_train.astype("float32")  # FAULT
    x_test = x_test.astype("float32")  # FAULT
    # TWIN: x_train = x_train.astype("float32") / 255
    # TWIN: x_test = x_test.astype("float32") / 255
    x_train, x_test = torch.from_numpy(x_train).unsqueeze(1), torch.from_numpy(x_test).unsqueeze(1)
    y_train, y_test = torch.from_numpy(y_train), torch.from_numpy(y_test)

    model = ConvNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(len(x_train))
        running = 0.0
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x_train[rows]), y_train[rows])
            loss.backward()
            optimizer.step()
            running += loss.item() * len(rows)
        if epoch % 5 == 0 or epoch == EPOCHS - 1:
            val_loss, val_acc, _ = evaluate(model, x_test, y_test)
            print(
                f"Epoch {epoch + 1}/{EPOCHS} - loss: {running / len(order):.4f}"
                f" - val_loss: {val_loss:.4f} - val_acc: {val_acc:.4f}"
            )

    _, accuracy, predicted = evaluate(model, x_test, y_test)
    print("first predictions:", predicted[:15].tolist())
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
