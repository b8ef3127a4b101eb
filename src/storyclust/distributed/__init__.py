"""The same answers from articles that lie on many machines: what each does with its part, and how parts meet."""
