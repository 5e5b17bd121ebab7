"""The forecaster's training step in PyTorch on one thread, from the same weights, on the same batch.

Argument: a safetensors file of parameters, batch and levels. Prints the losses of the first three steps on one line, then for each
line of standard input, a number of steps, the windows a second of so many steps.
"""
import json
import struct
import sys
import time

import torch

RATE = 0.001
torch.set_num_threads(1)
torch.set_num_interop_threads(1)


def read(path):
    data = open(path, "rb").read()
    end = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:end])
    header.pop("__metadata__", None)
    body = bytearray(data[end:])
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        tensors[name] = torch.frombuffer(body[first:last], dtype=torch.float32).reshape(entry["shape"])
    return tensors


def gates(rows):
    """Rows of gates in ONNX order (i, o, f, c) to PyTorch's (i, f, c, o)."""
    i, o, f, c = rows.chunk(4)
    return torch.cat([i, f, c, o])


given = read(sys.argv[1])
batch, outputs = given["y"].shape
features = given["x"].shape[1]
x = given["x"].reshape(-1, batch, features)
lags, y, weight, levels = given["lags"], given["y"], given["weight"], given["levels"]

layers = sum(1 for name in given if name[0] == "R")
lstm = torch.nn.LSTM(features, given["R0"].shape[1], layers)
with torch.no_grad():
    for layer in range(layers):
        getattr(lstm, f"weight_ih_l{layer}").copy_(gates(given[f"W{layer}"]))
        getattr(lstm, f"weight_hh_l{layer}").copy_(gates(given[f"R{layer}"]))
        getattr(lstm, f"bias_ih_l{layer}").copy_(gates(given[f"B{layer}"]))
        getattr(lstm, f"bias_hh_l{layer}").zero_()
        getattr(lstm, f"bias_hh_l{layer}").requires_grad_(False)
dense = {name: torch.nn.Parameter(given[name].clone()) for name in ("V", "A", "G", "gate", "bias")}
learnt = [parameter for parameter in lstm.parameters() if parameter.requires_grad] + list(dense.values())
adam = torch.optim.Adam(learnt, lr=RATE)


def step():
    last = lstm(x)[0][-1]
    weights = torch.softmax(last @ dense["G"] + dense["gate"], 1)
    experts = (lags @ dense["A"]).reshape(batch, -1, outputs)
    answer = last @ dense["V"] + (weights.unsqueeze(2) * experts).sum(1) + dense["bias"]
    miss = y - answer
    pinball = torch.maximum(levels * miss, (levels - 1) * miss)
    loss = (pinball * weight).sum() / torch.clamp(weight.sum(), min=1)
    adam.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(learnt, 1.0)
    adam.step()
    return loss.item()


print(step(), step(), step(), flush=True)
for line in sys.stdin:
    steps = int(line)
    began = time.perf_counter()
    for _ in range(steps):
        step()
    print(steps * batch / (time.perf_counter() - began), flush=True)
