# SPDX-License-Identifier: MIT
import torch

from problems.squared_relu import model, model_new

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def test_squared_relu():
    reference = model.Model(*model.get_init_inputs()).to(DEVICE)
    solution = model_new.ModelNew(*model.get_init_inputs()).to(DEVICE)
    inputs = [tensor.to(DEVICE) for tensor in model.get_inputs()]
    torch.testing.assert_close(solution(*inputs), reference(*inputs))
