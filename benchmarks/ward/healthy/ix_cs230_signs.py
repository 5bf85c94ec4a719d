"""Hand signs (how many fingers are up?), in the layout of a course's example project: a params object, a dictionary of metrics,
running averages, train / evaluate / train_and_evaluate, and the best validation weights for the final test.

After the vision example of Stanford's CS230, https://github.com/cs230-stanford/cs230-code-examples
"""

import copy
import logging
import sys
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class RunningAverage:
    def __init__(self):
        self.steps = self.total = 0

    def update(self, val):
        self.total, self.steps = self.total + val, self.steps + 1

    def __call__(self):
        return self.total / float(self.steps)


class SIGNSDataset(Dataset):
    """Drawn hands with 0 to 5 raised fingers on backgrounds of all kinds."""

    def __init__(self, n, rng, train):
        self.train = train
        self.labels = rng.permutation(np.arange(n) % 6)
        self.images = np.stack([self.hand(k, rng) for k in self.labels]).astype(np.float32)

    @staticmethod
    def hand(fingers, rng, size=20):
        yy, xx = np.mgrid[:size, :size].astype(float)
        x0, y0, tilt = 9.5 + rng.uniform(-1, 1), 13.5 + rng.uniform(-1, 1), rng.uniform(-0.15, 0.15)
        mask = (xx - x0) ** 2 / 16 + (yy - y0) ** 2 / 14 <= 1
        for f in rng.choice(5, fingers, replace=False):
            angle = (f - 2) * 0.55 + tilt
            t = ((xx - x0) * np.sin(angle) - (yy - y0) * np.cos(angle)).clip(0, rng.uniform(9.0, 10.5))
            mask |= (xx - x0 - t * np.sin(angle)) ** 2 + (yy - y0 + t * np.cos(angle)) ** 2 <= 1.0
        skin = np.array([0.9, 0.7, 0.55]) * rng.uniform(0.6, 1.1)
        image = np.where(mask[..., None], skin, rng.uniform(0.0, 0.35, 3)) + rng.normal(0, 0.05, (size, size, 3))
        return image.transpose(2, 0, 1).clip(0, 1)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, idx):
        image = torch.from_numpy(self.images[idx])
        image = image.flip(2) if self.train and torch.rand(()) < 0.5 else image
        return (image - 0.35) / 0.3, int(self.labels[idx])


class Net(nn.Module):
    def __init__(self, params):
        super().__init__()
        c = params.num_channels
        self.conv1, self.bn1 = nn.Conv2d(3, c, 3, padding=1), nn.BatchNorm2d(c)
        self.conv2, self.bn2 = nn.Conv2d(c, c * 2, 3, padding=1), nn.BatchNorm2d(c * 2)
        self.conv3, self.bn3 = nn.Conv2d(c * 2, c * 4, 3, padding=1), nn.BatchNorm2d(c * 4)
        self.fc1, self.fcbn1 = nn.Linear(5 * 5 * c * 4, c * 4), nn.BatchNorm1d(c * 4)
        self.fc2 = nn.Linear(c * 4, 6)
        self.dropout_rate = params.dropout_rate

    def forward(self, s):
        s = F.relu(F.max_pool2d(self.bn1(self.conv1(s)), 2))
        s = F.relu(F.max_pool2d(self.bn2(self.conv2(s)), 2))
        s = F.relu(self.bn3(self.conv3(s))).flatten(1)
        s = F.dropout(F.relu(self.fcbn1(self.fc1(s))), self.dropout_rate, self.training)
        return F.log_softmax(self.fc2(s), dim=1)


metrics = {"accuracy": lambda outputs, labels: np.mean(np.argmax(outputs, axis=1) == labels)}


def train(model, optimizer, loss_fn, dataloader, metrics, params):
    model.train()
    summ, loss_avg = [], RunningAverage()
    for i, (train_batch, labels_batch) in enumerate(dataloader):
        output_batch = model(train_batch)
        loss = loss_fn(output_batch, labels_batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i % params.save_summary_steps == 0:
            summ.append({name: fn(output_batch.detach().numpy(), labels_batch.numpy()) for name, fn in metrics.items()})
        loss_avg.update(loss.item())
    means = " ; ".join(f"{name}: {np.mean([x[name] for x in summ]):05.3f}" for name in summ[0])
    logging.info(f"- Train metrics: {means} ; loss: {loss_avg():05.3f}")


@torch.no_grad()
def evaluate(model, loss_fn, dataloader, metrics):
    model.eval()
    outputs = torch.cat([model(x) for x, _ in dataloader])
    labels = torch.as_tensor(dataloader.dataset.labels)
    mean = {name: fn(outputs.numpy(), labels.numpy()) for name, fn in metrics.items()}
    mean["loss"] = loss_fn(outputs, labels).item()
    logging.info("- Eval metrics : " + " ; ".join(f"{k}: {v:05.3f}" for k, v in mean.items()))
    return mean


def main(seed):
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    params = SimpleNamespace(
        learning_rate=2e-3, batch_size=32, num_epochs=8, dropout_rate=0.3, num_channels=8, save_summary_steps=10
    )
    rng = np.random.default_rng(seed)
    train_dl = DataLoader(SIGNSDataset(864, rng, True), batch_size=params.batch_size, shuffle=True)
    val_dl, test_dl = (DataLoader(SIGNSDataset(216, rng, False), batch_size=108) for _ in range(2))
    model, loss_fn, best_val_acc = Net(params), nn.NLLLoss(), 0.0
    optimizer = torch.optim.Adam(model.parameters(), lr=params.learning_rate)
    for epoch in range(params.num_epochs):
        logging.info(f"Epoch {epoch + 1}/{params.num_epochs}")
        train(model, optimizer, loss_fn, train_dl, metrics, params)
        val_acc = evaluate(model, loss_fn, val_dl, metrics)["accuracy"]
        if val_acc >= best_val_acc:
            logging.info("- Found new best accuracy")
            best_val_acc, best_weights = val_acc, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_weights)
    print(f"score: {evaluate(model, loss_fn, test_dl, metrics)['accuracy']:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
