"""Candidates called where there is no GPU, to learn which kernels they launch and to compile these."""
