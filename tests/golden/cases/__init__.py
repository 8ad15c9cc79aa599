"""The tables of the corpus, a module per RFC section."""
