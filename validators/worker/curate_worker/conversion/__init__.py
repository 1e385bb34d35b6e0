"""Turns simple programs that launch CUDA kernels from host code into kernels with a launch plan. Runs nothing."""
