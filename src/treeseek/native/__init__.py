"""Small C kernels, compiled once for this machine: the forward of a Llama-shaped decoder."""
