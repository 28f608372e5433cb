#!/usr/bin/env python3
"""Writes a bandit import of a wanted size: Zipf references in random order, normal rewards."""

import argparse
import json
import struct

import torch


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--columns", type=int, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("file")
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator = torch.Generator(device).manual_seed(options.seed)
    shape = [options.rows, options.columns]
    size = 4 * options.rows * options.columns
    names = ("reference_log_probs", "rewards")
    header = json.dumps(
        {
            name: {"dtype": "F32", "shape": shape, "data_offsets": [i * size, (i + 1) * size]}
            for i, name in enumerate(names)
        }
    ).encode()
    header += b" " * (-len(header) % 8)
    ranks = torch.arange(1, options.columns + 1, device=device, dtype=torch.float64)
    zipf = torch.log_softmax(-torch.log(ranks), 0).float()
    with open(options.file, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for name in names:
            for _ in range(options.rows):
                if name == "rewards":
                    row = torch.randn(options.columns, generator=generator, device=device)
                else:
                    order = torch.randperm(options.columns, generator=generator, device=device)
                    row = zipf[order]
                file.write(row.cpu().numpy().tobytes())


if __name__ == "__main__":
    main()
