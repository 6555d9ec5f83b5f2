"""One task per network: where its batches come from, what they cost, how it is judged."""
