"""ESPCN super-resolution (sub-pixel convolution) on synthetic images, after super_resolution of pytorch/examples."""

import argparse
from math import log10

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 24, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(24, 24, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(24, 16, (3, 3), (1, 1), (1, 1))
        self.conv4 = nn.Conv2d(16, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self._initialize_weights()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        x = self.relu(self.conv3(x))
        return self.pixel_shuffle(self.conv4(x))

    def _initialize_weights(self):
        nn.init.orthogonal_(self.conv1.weight, nn.init.calculate_gain("relu"))
        nn.init.orthogonal_(self.conv2.weight, nn.init.calculate_gain("relu"))
        nn.init.orthogonal_(self.conv3.weight, nn.init.calculate_gain("relu"))
        nn.init.orthogonal_(self.conv4.weight)


def make_images(n, size=16):
    """Grey images of a half-plane and a disc over a gradient, in [0, 1]; edges about a pixel wide."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, size), torch.linspace(-1, 1, size), indexing="ij")
    angle = 6.2832 * torch.rand(n, 1, 1)
    edge = torch.sigmoid(20 * (x * angle.cos() + y * angle.sin() - torch.rand(n, 1, 1) + 0.5))
    cx, cy, r = (torch.rand(n, 1, 1) for _ in range(3))
    distance = ((x - 1.2 * cx + 0.6) ** 2 + (y - 1.2 * cy + 0.6) ** 2).sqrt()
    disc = torch.sigmoid(20 * (0.3 + 0.3 * r - distance))
    shade = 0.2 * (x * torch.rand(n, 1, 1) + y * torch.rand(n, 1, 1))
    return (0.3 + 0.4 * edge + 0.2 * disc * (1 - 2 * edge) + shade).clamp(0, 1).unsqueeze(1)


parser = argparse.ArgumentParser(description="PyTorch Super Res Example")
parser.add_argument("seed", type=int, nargs="?", default=0, help="random seed to use. Default=0")
parser.add_argument("--upscale_factor", type=int, default=2, help="super resolution upscale factor")
parser.add_argument("--batchSize", type=int, default=8, help="training batch size")
parser.add_argument("--testBatchSize", type=int, default=50, help="testing batch size")
parser.add_argument("--nEpochs", type=int, default=15, help="number of epochs to train for")
parser.add_argument("--lr", type=float, default=0.003, help="Learning Rate. Default=0.003")
opt = parser.parse_args()
torch.manual_seed(opt.seed)

train_hr, test_hr = make_images(640), make_images(100)
train_set = TensorDataset(F.avg_pool2d(train_hr, opt.upscale_factor), train_hr)
test_set = TensorDataset(F.avg_pool2d(test_hr, opt.upscale_factor), test_hr)
training_data_loader = DataLoader(dataset=train_set, batch_size=opt.batchSize, shuffle=True)
testing_data_loader = DataLoader(dataset=test_set, batch_size=opt.testBatchSize, shuffle=False)
model = Net(upscale_factor=opt.upscale_factor)
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=opt.lr)


def train(epoch):
    epoch_loss = 0
    for iteration, (input, target) in enumerate(training_data_loader, 1):
        optimizer.zero_grad()
        loss = criterion(model(input), target)
        epoch_loss += loss.item()
        loss.backward()
        optimizer.step()
        if iteration % 10 == 0:
            print(f"===> Epoch[{epoch}]({iteration}/{len(training_data_loader)}): Loss: {loss.item():.4f}")
    print(f"===> Epoch {epoch} Complete: Avg. Loss: {epoch_loss / len(training_data_loader):.4f}")


def test():
    avg_psnr = 0
    with torch.no_grad():
        for input, target in testing_data_loader:
            prediction = model(input)
            mse = criterion(prediction, target)
            psnr = 10 * log10(1 / mse.item())
            avg_psnr += psnr
    print(f"===> Avg. PSNR: {avg_psnr / len(testing_data_loader):.4f} dB")
    return avg_psnr / len(testing_data_loader)


bilinear = F.interpolate(test_set.tensors[0], scale_factor=opt.upscale_factor, mode="bilinear")
print(f"===> PSNR of bilinear interpolation: {10 * log10(1 / F.mse_loss(bilinear, test_hr).item()):.4f} dB")
for epoch in range(1, opt.nEpochs + 1):
    train(epoch)
    avg_psnr = test()
print(f"score: {avg_psnr:.4f}")
