"""Builds, runs, compares and times kernels: the judge, its fork server and the sandboxed runners."""
