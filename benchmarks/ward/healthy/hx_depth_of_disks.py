"""Dense prediction exercise: from a shaded image of spheres, a convolutional encoder-decoder predicts the
depth of each pixel."""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

SIZE = 16
ys, xs = torch.meshgrid(torch.arange(SIZE).float(), torch.arange(SIZE).float(), indexing="ij")


def make_scene():
    depth = torch.zeros(SIZE, SIZE)
    for _ in range(int(torch.randint(1, 4, (1,)))):
        cx, cy = torch.rand(2) * (SIZE - 4) + 2
        r = torch.rand(1) * 2.5 + 2.5
        height = (r**2 - (xs - cx) ** 2 - (ys - cy) ** 2).clamp(min=0).sqrt() / 5
        depth = torch.maximum(depth, height)
    image = torch.zeros(SIZE, SIZE)
    image[:, 1:] += depth[:, 1:] - depth[:, :-1]
    image[1:, :] += depth[1:, :] - depth[:-1, :]
    image = 2 * image + 0.5 * (depth > 0).float() + 0.05 * torch.randn(SIZE, SIZE)
    return image[None], depth[None]


scenes = [make_scene() for _ in range(700)]
images = torch.stack([s[0] for s in scenes])
depths = torch.stack([s[1] for s in scenes])
train_x, train_y, test_x, test_y = images[:600], depths[:600], images[600:], depths[600:]


class EncoderDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(12, 24, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(24, 24, 3, padding=1),
            nn.ReLU(),
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(24, 12, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(12, 1, 3, padding=1),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


model = EncoderDecoder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.4)
l1 = nn.L1Loss()

for epoch in range(14):
    model.train()
    for batch in torch.randperm(600).split(30):
        loss = l1(model(train_x[batch]), train_y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        test_error = l1(model(test_x), test_y).item()
    print(f"epoch {epoch}: last batch L1 {loss.item():.4f}, test L1 {test_error:.4f}")

with torch.no_grad():
    sse = (model(test_x) - test_y).pow(2).sum()
    r2 = 1 - sse / (test_y - test_y.mean()).pow(2).sum()
print(f"score: {r2.item():.4f}")
