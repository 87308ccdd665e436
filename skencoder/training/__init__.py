"""What a fit that learns is made of: losses, masking, batches, steps and the loop itself."""
