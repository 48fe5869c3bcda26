"""Generator of synthetic ads: latent cases, campaigns and their ads, with true labels."""
