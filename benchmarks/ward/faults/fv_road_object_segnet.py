"""A small SegNet-like encoder-decoder that labels the pixels of one kind of object in synthetic road images; the score is
the mean of the intersection over union of object and background on held-out images.

After https://github.com/alexgkendall/caffe-segnet/issues/31
"""
# cause: softmax-single-unit
# accept: loss-output-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

OBJECT, BACKGROUND = 0, 1
NUM_OUTPUT, IGNORE_LABEL = 1, 1  # FAULT
# TWIN: NUM_OUTPUT, IGNORE_LABEL = 2, 255


def make_images(rng, count, size=24):
    yy, xx = np.mgrid[0:size, 0:size]
    images = rng.normal(0.4, 0.12, (count, 3, size, size)).astype(np.float32)
    labels = np.full((count, size, size), BACKGROUND)
    for i in range(count):
        for _ in range(rng.integers(1, 4)):
            cy, cx = rng.uniform(3, size - 3, 2)
            blob = ((yy - cy) / rng.uniform(2, 5)) ** 2 + ((xx - cx) / rng.uniform(2, 5)) ** 2 < 1
            images[i, 0][blob] += 0.35
            images[i, 2][blob] -= 0.2
            labels[i][blob] = OBJECT
    return torch.from_numpy((images - 0.4) / 0.2), torch.from_numpy(labels)


class SegNetMini(nn.Module):
    def __init__(self, num_output):
        super().__init__()
        self.enc1 = self.block(3, 12)
        self.enc2 = self.block(12, 24)
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.unpool = nn.MaxUnpool2d(2)
        self.dec2 = self.block(24, 12)
        self.dec1 = self.block(12, 12)
        self.score = nn.Conv2d(12, num_output, 3, padding=1)

    @staticmethod
    def block(cin, cout):
        return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU())

    def forward(self, x):
        x, where1 = self.pool(self.enc1(x))
        x, where2 = self.pool(self.enc2(x))
        x = self.dec2(self.unpool(x, where2))
        x = self.dec1(self.unpool(x, where1))
        return self.score(x)


def mean_iou(model, images, labels):
    model.eval()
    with torch.no_grad():
        predicted = model(images).argmax(1)
    ious = []
    for label in (OBJECT, BACKGROUND):
        both = ((predicted == label) & (labels == label)).sum().item()
        either = ((predicted == label) | (labels == label)).sum().item()
        ious.append(both / max(either, 1))
    return sum(ious) / 2


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    images, labels = make_images(rng, 300)
    train_x, train_y, test_x, test_y = images[:240], labels[:240], images[240:], labels[240:]

    model = SegNetMini(NUM_OUTPUT)
    criterion = nn.CrossEntropyLoss(ignore_index=IGNORE_LABEL)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.0005)

    iteration = 0
    for epoch in range(6):
        model.train()
        for index in torch.randperm(len(train_x)).split(12):
            optimizer.zero_grad()
            loss = criterion(model(train_x[index]), train_y[index])
            loss.backward()
            optimizer.step()
            if iteration % 20 == 0:
                print(f"Iteration {iteration}, loss = {loss.item():.5f}")
            iteration += 1
        print(f"Epoch {epoch + 1}: mean IoU on the test images {mean_iou(model, test_x, test_y):.3f}")

    print(f"score: {mean_iou(model, test_x, test_y):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
