"""The data of training: packed frames, the videos of a study, batches of clips, teachers."""
