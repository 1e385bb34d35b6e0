"""Form `device`: kernels and a plan that says how they are launched. Nothing of a candidate runs on the host."""
