"""Reading of ads from files, folders, URLs, datasets and the generator as one Arrow stream."""
