"""Methods: what a student is trained by, one file each, over the losses."""
