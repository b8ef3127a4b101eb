"""The same answers from articles that lie on many machines: what each part gives, and how parts meet."""
